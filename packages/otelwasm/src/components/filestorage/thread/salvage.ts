import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { checksum, type Database } from "./database.ts";
import { isDamage } from "./failure.ts";

/** Entries that are carried over in one transaction. */
const STEP = 200;
/** There are no entries beyond: they are numbered from 1, and no disk has room for so many. */
const LAST_ID = 2 ** 45;

interface Place {
  readonly id: number;
  /** Undefined: not told by the index. */
  readonly owner: string | undefined;
  readonly key: string | undefined;
}

export interface Salvaged {
  readonly recovered: number;
  /** That are known to be lost; of each there is an entry without a value if its key is known. */
  readonly lost: number;
}

/**
 * Carries over what can be read of a damaged database: first what its index leads to, which tells the keys of what is lost; then what is in the table, around
 * pages that cannot be read.
 *
 * @param path of the damaged file, which nothing has open; its log is applied to it
 * @throws what writing to `into` throws
 */
export function salvage(path: string, into: Database): Salvaged {
  let damaged: DatabaseSync | undefined;
  try {
    fillUp(path);
    damaged = new DatabaseSync(path, { timeout: 0 });
    damaged.exec("PRAGMA locking_mode = EXCLUSIVE");
    const row = damaged.prepare("SELECT owner, key, size, crc, value FROM entries NOT INDEXED WHERE id = ?");
    const next = damaged.prepare("SELECT id FROM entries NOT INDEXED WHERE id >= ? ORDER BY id LIMIT 1");
    return carryOver(row, [fromIndex(damaged), fromTable(next)], into);
  } catch (error) {
    // Without a first page there is nothing that SQLite could read.
    if (isDamage(error)) return { recovered: 0, lost: 0 };
    throw error;
  } finally {
    damaged?.close();
  }
}

/**
 * SQLite reads nothing of a file that is shorter than it says: what was cut off is filled up, with pages that cannot be read.
 * https://www.sqlite.org/fileformat2.html#the_database_header
 */
function fillUp(path: string): void {
  const file = openSync(path, "r+");
  try {
    const header = Buffer.alloc(32);
    if (readSync(file, header, 0, header.length, 0) < header.length) return;
    const size = header.readUInt16BE(16) * header.readUInt32BE(28);
    const actual = fstatSync(file).size;
    // More than this is lost anyway, or is what the damage says.
    if (header.toString("latin1", 0, 15) === "SQLite format 3" && size > actual && size < 1000 * actual)
      ftruncateSync(file, size);
  } finally {
    closeSync(file);
  }
}

function carryOver(row: StatementSync, sources: readonly Iterator<Place>[], into: Database): Salvaged {
  let recovered = 0;
  let lost = 0;
  const carry = (place: Place): void => {
    const entry = read(row, place.id);
    if (entry !== undefined) {
      if (into.has(entry.owner, entry.key)) return;
      into.put(entry.owner, entry.key, entry.value.length, entry.crc, entry.value);
      recovered++;
    } else if (place.owner !== undefined && place.key !== undefined && !into.has(place.owner, place.key)) {
      into.put(place.owner, place.key, 0, 0, null);
      lost++;
    }
  };
  for (const places of sources) {
    for (let step = some(places); step.length > 0; step = some(places))
      into.transaction(() => {
        for (const place of step) carry(place);
      });
  }
  return { recovered, lost };
}

function some(places: Iterator<Place>): Place[] {
  const step: Place[] = [];
  while (step.length < STEP) {
    const next = places.next();
    if (next.done === true) break;
    step.push(next.value);
  }
  return step;
}

interface Entry {
  readonly owner: string;
  readonly key: string;
  readonly crc: number;
  readonly value: Uint8Array;
}

/** An entry as it was written; undefined if there is none. */
function read(row: StatementSync, id: number): Entry | undefined {
  try {
    const { owner, key, crc, value } = row.get(id) ?? {};
    if (typeof owner !== "string" || typeof key !== "string" || typeof crc !== "number") return undefined;
    return value instanceof Uint8Array && checksum(owner, key, value) === crc ? { owner, key, crc, value } : undefined;
  } catch {
    return undefined;
  }
}

/** In the order of the keys, up to where the index cannot be read. */
function* fromIndex(damaged: DatabaseSync): Generator<Place> {
  try {
    const all = damaged.prepare(
      "SELECT id, owner, key FROM entries INDEXED BY entries_by_key WHERE owner >= '' ORDER BY owner, key",
    );
    for (const { id, owner, key } of all.iterate())
      if (typeof id === "number" && typeof owner === "string" && typeof key === "string") yield { id, owner, key };
  } catch {
    // The table may have what comes after.
  }
}

/** All that can be reached; around what cannot by larger and larger steps, and back to the first that can. */
function* fromTable(next: StatementSync): Generator<Place> {
  /** The first entry from there; undefined: there is none; null: cannot be read. */
  const from = (id: number): number | undefined | null => {
    try {
      const found = next.get(id)?.id;
      return typeof found === "number" ? found : undefined;
    } catch {
      return null;
    }
  };
  let id = 1;
  while (id < LAST_ID) {
    let found = from(id);
    if (found === null) {
      let step = 1;
      while (id + step < LAST_ID && from(id + step) === null) step *= 2;
      let unreadable = id + Math.floor(step / 2);
      let readable = id + step;
      while (readable - unreadable > 1) {
        const middle = Math.floor((unreadable + readable) / 2);
        if (from(middle) === null) unreadable = middle;
        else readable = middle;
      }
      found = from(readable);
    }
    if (found === undefined || found === null) return;
    yield { id: found, owner: undefined, key: undefined };
    id = found + 1;
  }
}
