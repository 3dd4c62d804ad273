/**
 * The entries of a database file that SQLite cannot find its way through any more, page by page: each that can be put together, and has the right checksum, is given.
 * https://www.sqlite.org/fileformat2.html
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { checksum, PAGE } from "./database.ts";

export interface Entry {
  readonly owner: string;
  readonly key: string;
  readonly crc: number;
  readonly value: Uint8Array;
}

/** A page with rows of a table; its header is 8 bytes. */
const LEAF = 0x0d;
const LEAF_HEADER = 8;
/** In the map of pages: the root of a table, and what is below one. Pages without content may still have old rows. */
const ROOT = 1;
const BELOW_ROOT = 5;
/** Each page of the map tells of so many that follow it, in five bytes each; the first is the second of the file. */
const MAPPED = Math.floor(PAGE / 5);
/** Of a row, what may be on its page, and what is left there if it is more: the rest is on pages of its own, each with the number of the next in front. */
const MAX_LOCAL = PAGE - 35;
const MIN_LOCAL = Math.floor(((PAGE - 12) * 32) / 255) - 23;
const REST = PAGE - 4;

export function* entriesOfPages(path: string): Generator<Entry> {
  const file = openSync(path, "r");
  try {
    const pages = new Pages(file);
    for (let number = 3; number <= pages.count; number++) {
      if (!pages.mayHaveRows(number)) continue;
      const page = pages.read(number);
      if (page === undefined || page[0] !== LEAF) continue;
      const cells = Math.min(page.readUInt16BE(3), (PAGE - LEAF_HEADER) / 2);
      for (let cell = 0; cell < cells; cell++) {
        const entry = entryAt(pages, page, page.readUInt16BE(LEAF_HEADER + 2 * cell));
        if (entry !== undefined) yield entry;
      }
    }
  } finally {
    closeSync(file);
  }
}

class Pages {
  readonly count: number;
  readonly #file: number;
  #map: { readonly number: number; readonly page: Buffer | undefined } | undefined;

  constructor(file: number) {
    this.#file = file;
    this.count = Math.floor(fstatSync(file).size / PAGE);
  }

  /** @param number from 1 */
  read(number: number): Buffer | undefined {
    if (number < 1 || number > this.count) return undefined;
    const page = Buffer.allocUnsafe(PAGE);
    try {
      return readSync(this.#file, page, 0, PAGE, (number - 1) * PAGE) === PAGE ? page : undefined;
    } catch {
      // The disk itself may be what is damaged.
      return undefined;
    }
  }

  mayHaveRows(number: number): boolean {
    const map = number - ((number - 2) % (MAPPED + 1));
    if (map === number) return false;
    if (this.#map?.number !== map) this.#map = { number: map, page: this.read(map) };
    const type = this.#map.page?.[(number - map - 1) * 5];
    return type === undefined || type === ROOT || type === BELOW_ROOT;
  }
}

function entryAt(pages: Pages, page: Buffer, offset: number): Entry | undefined {
  try {
    const cell = new Cursor(page, offset);
    const size = cell.varint();
    cell.varint();
    const payload = payloadAt(pages, page, cell.at, size);
    return payload === undefined ? undefined : entryOf(payload);
  } catch (error) {
    // It leads out of the page, or of the row.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function payloadAt(pages: Pages, page: Buffer, at: number, size: number): Buffer | undefined {
  if (size <= MAX_LOCAL) return at + size <= PAGE ? page.subarray(at, at + size) : undefined;
  if (size > pages.count * PAGE) return undefined;
  const wanted = MIN_LOCAL + ((size - MIN_LOCAL) % REST);
  const local = wanted <= MAX_LOCAL ? wanted : MIN_LOCAL;
  const parts = [page.subarray(at, at + local)];
  let next = page.readUInt32BE(at + local);
  for (let left = size - local; left > 0; left -= REST) {
    const rest = pages.read(next);
    if (rest === undefined) return undefined;
    parts.push(rest.subarray(4, 4 + Math.min(left, REST)));
    next = rest.readUInt32BE(0);
  }
  return Buffer.concat(parts, size);
}

/** A row of `entries`: id (which is not in it), owner, key, size, crc, value. */
function entryOf(payload: Buffer): Entry | undefined {
  const header = new Cursor(payload, 0);
  const end = header.varint();
  const types: number[] = [];
  while (header.at < end && types.length < 7) types.push(header.varint());
  const [id, owner, key, size, crc, value] = types;
  if (types.length !== 6 || id !== 0 || value === undefined || value < 12 || value % 2 !== 0) return undefined;
  const columns = new Cursor(payload, end);
  const entry = {
    owner: columns.text(owner),
    key: columns.text(key),
    size: columns.integer(size),
    crc: columns.integer(crc),
    value: columns.bytes((value - 12) / 2),
  };
  return checksum(entry.owner, entry.key, entry.value) === entry.crc ? entry : undefined;
}

/** Reads what stands in a buffer one after the other. @throws RangeError at its end */
class Cursor {
  at: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** Of nine bytes at most; what is more than a safe integer is no length of anything here. */
  varint(): number {
    let value = 0;
    for (let count = 1; count <= 9; count++) {
      const byte = this.#bytes.readUInt8(this.at++);
      if (count === 9) return value * 256 + byte;
      value = value * 128 + (byte & 0x7f);
      if (byte < 0x80) return value;
    }
    return value;
  }

  bytes(length: number): Buffer {
    if (this.at + length > this.#bytes.length) throw new RangeError("the row ends before its value");
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  /** @param type as the header of the row has it */
  text(type: number | undefined): string {
    if (type === undefined || type < 13 || type % 2 === 0) throw new RangeError("no text");
    return this.bytes((type - 13) / 2).toString("utf8");
  }

  /** @param type as the header of the row has it */
  integer(type: number | undefined): number {
    if (type === 8 || type === 9) return type - 8;
    const length = [undefined, 1, 2, 3, 4, 6][type ?? 0];
    if (length === undefined) throw new RangeError("no integer");
    return this.bytes(length).readIntBE(0, length);
  }
}
