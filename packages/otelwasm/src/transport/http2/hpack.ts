// Header compression of HTTP/2: https://www.rfc-editor.org/rfc/rfc7541
import { decodeHuffman, latin1 } from "./huffman.ts";

/** Of a repeated name the last value counts; for gRPC's own headers there are no repeated ones. */
export type Headers = ReadonlyMap<string, string>;

/** What a peer may spend on our dynamic table: the protocol's default, which every peer knows. */
export const TABLE_SIZE = 4096;
/** Of one block, decoded; announced as SETTINGS_MAX_HEADER_LIST_SIZE. */
export const MAX_HEADER_LIST: number = 64 * 1024;

/** Blocks that are remembered: a request or an answer, its trailers, and one in case of exceptions. */
const RECENT = 3;
/** Longer ones are not remembered: a connection is not to hold much memory for nothing. */
const RECENT_LENGTH = 2048;

const STATIC: readonly (readonly [string, string])[] = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ...[
    ..."accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control".split(
      " ",
    ),
    ..."content-disposition content-encoding content-language content-length content-location content-range".split(" "),
    ..."content-type cookie date etag expect expires from host if-match if-modified-since if-none-match".split(" "),
    ..."if-range if-unmodified-since last-modified link location max-forwards proxy-authenticate".split(" "),
    ..."proxy-authorization range referer refresh retry-after server set-cookie strict-transport-security".split(" "),
    ..."transfer-encoding user-agent vary via www-authenticate".split(" "),
  ].map((name) => [name, ""] as const),
];

function entrySize(name: string, value: string): number {
  return name.length + value.length + 32;
}

/** Decodes the header blocks of one connection, in their order. */
export class HpackDecoder {
  /** The newest first. */
  #table: (readonly [string, string])[] = [];
  #size = 0;
  #limit = TABLE_SIZE;
  /** Peers repeat themselves byte for byte; what a block means cannot change while the table does not. */
  #recent: { readonly block: Uint8Array; readonly headers: Headers }[] = [];

  /**
   * @param block a whole block, not kept
   * @throws Error if it is malformed: the connection cannot go on then, since the tables are out of step
   */
  decode(block: Uint8Array): Headers {
    for (const each of this.#recent) if (sameBytes(each.block, block)) return each.headers;
    const headers = new Map<string, string>();
    const reader = new BlockReader(block);
    let listSize = 0;
    let changed = false;
    while (!reader.done) {
      const first = reader.peek();
      if ((first & 0xe0) === 0x20) {
        const limit = reader.integer(5);
        if (limit > TABLE_SIZE || headers.size > 0) throw new Error("HPACK: a table size that is not allowed");
        this.#limit = limit;
        this.#evict(0);
        changed = true;
        continue;
      }
      const indexed = first >= 0x80;
      const added = !indexed && first >= 0x40;
      const index = reader.integer(indexed ? 7 : added ? 6 : 4);
      if (indexed && index === 0) throw new Error("HPACK: index 0");
      const known = index === 0 ? undefined : this.#entry(index);
      const name = known === undefined ? reader.string() : known[0];
      const value = indexed ? known![1] : reader.string();
      if (added) {
        this.#add(name, value);
        changed = true;
      }
      listSize += entrySize(name, value);
      if (listSize > MAX_HEADER_LIST) throw new Error(`HPACK: more than ${MAX_HEADER_LIST} bytes of headers`);
      headers.set(name, value);
    }
    if (changed) this.#recent = [];
    else if (block.length <= RECENT_LENGTH && listSize <= 2 * RECENT_LENGTH) {
      if (this.#recent.length === RECENT) this.#recent.shift();
      this.#recent.push({ block: Uint8Array.prototype.slice.call(block), headers });
    }
    return headers;
  }

  #entry(index: number): readonly [string, string] {
    const entry = index <= STATIC.length ? STATIC[index - 1] : this.#table[index - 1 - STATIC.length];
    if (entry === undefined) throw new Error(`HPACK: index ${index} is not in the table`);
    return entry;
  }

  #add(name: string, value: string): void {
    const size = entrySize(name, value);
    this.#evict(size);
    // An entry that is larger than the table empties it, and is not in it.
    if (size > this.#limit) return;
    this.#table.unshift([name, value]);
    this.#size += size;
  }

  #evict(wanted: number): void {
    while (this.#size + wanted > this.#limit) {
      const oldest = this.#table.pop();
      if (oldest === undefined) return;
      this.#size -= entrySize(oldest[0], oldest[1]);
    }
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

class BlockReader {
  readonly #block: Uint8Array;
  #at = 0;

  constructor(block: Uint8Array) {
    this.#block = block;
  }

  get done(): boolean {
    return this.#at >= this.#block.length;
  }

  peek(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw new Error("HPACK: the block is cut off");
    return byte;
  }

  integer(bits: number): number {
    const mask = (1 << bits) - 1;
    let value = this.peek() & mask;
    this.#at++;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.peek();
      this.#at++;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error("HPACK: a number is too large");
  }

  string(): string {
    const huffman = this.peek() >= 0x80;
    const length = this.integer(7);
    const from = this.#at;
    const to = from + length;
    if (to > this.#block.length) throw new Error("HPACK: a string is cut off");
    this.#at = to;
    if (huffman) return decodeHuffman(this.#block, from, to);
    return latin1(this.#block, from, to);
  }
}

/**
 * Without the dynamic table, so that a block means the same on every connection and can be kept; and as "never indexed" where a value is
 * secret.
 *
 * @param headers in the order in which they are sent: those that begin with a colon first; names in lower case, values of Latin-1 characters
 */
export function encodeHeaders(headers: Iterable<readonly [string, string]>, secret?: ReadonlySet<string>): Uint8Array {
  const out: number[] = [];
  for (const [name, value] of headers) {
    const exact = STATIC.findIndex((entry) => entry[0] === name && entry[1] === value);
    if (exact >= 0 && value !== "") {
      putInteger(out, 0x80, 7, exact + 1);
      continue;
    }
    const named = STATIC.findIndex((entry) => entry[0] === name);
    putInteger(out, secret?.has(name) === true ? 0x10 : 0, 4, named + 1);
    if (named < 0) putString(out, name);
    putString(out, value);
  }
  return Uint8Array.from(out);
}

function putInteger(out: number[], flags: number, bits: number, value: number): void {
  const mask = (1 << bits) - 1;
  if (value < mask) {
    out.push(flags | value);
    return;
  }
  out.push(flags | mask);
  let rest = value - mask;
  for (; rest >= 0x80; rest >>>= 7) out.push((rest & 0x7f) | 0x80);
  out.push(rest);
}

function putString(out: number[], text: string): void {
  putInteger(out, 0, 7, text.length);
  for (let i = 0; i < text.length; i++) out.push(text.charCodeAt(i) & 0xff);
}
