import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { checksum, type Database } from "./database.ts";
import { type Entry, entriesOfPages } from "./pages.ts";

/** Entries that are carried over in one transaction. */
const STEP = 200;

export interface Salvaged {
  readonly recovered: number;
  /** That are known to be lost; of each there is an entry without a value. */
  readonly lost: number;
}

/**
 * Carries over what can be read of a damaged database: first what its index leads to, which tells the keys of what is lost, then what is on pages that nothing leads to.
 *
 * @param path of the damaged file, which nothing has open; its log is applied to it
 * @throws what writing to `into` throws
 */
export function salvage(path: string, into: Database): Salvaged {
  const complete = salvageByIndex(path, into);
  const entries = entriesOfPages(path);
  inSteps(entries, into, (entry) => {
    const known = into.state(entry.owner, entry.key);
    // What a complete index does not have was deleted.
    if (known === "lost" || (known === undefined && !complete)) put(into, entry);
  });
  return into.counts();
}

/** @returns whether it could be read to its end */
function salvageByIndex(path: string, into: Database): boolean {
  let damaged: DatabaseSync | undefined;
  let row: StatementSync;
  let keys: Iterator<Key>;
  try {
    fillUp(path);
    damaged = new DatabaseSync(path, { timeout: 0 });
    damaged.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA wal_checkpoint(TRUNCATE)");
    row = damaged.prepare("SELECT owner, key, crc, value FROM entries NOT INDEXED WHERE id = ?");
    keys = damaged
      .prepare("SELECT id, owner, key FROM entries INDEXED BY entries_by_key WHERE owner >= '' ORDER BY owner, key")
      .iterate() as Iterator<Key>;
  } catch {
    // Without a first page there is nothing that SQLite could read.
    damaged?.close();
    return false;
  }
  let complete = true;
  const readable = untilUnreadable(keys, () => {
    complete = false;
  });
  try {
    inSteps(readable, into, ({ id, owner, key }) => {
      const entry = read(row, id);
      if (entry === undefined) into.put(owner, key, 0, 0, null);
      else if (into.state(entry.owner, entry.key) !== "there") put(into, entry);
    });
  } finally {
    damaged.close();
  }
  return complete;
}

interface Key {
  readonly id: number;
  readonly owner: string;
  readonly key: string;
}

function put(into: Database, { owner, key, crc, value }: Entry): void {
  into.put(owner, key, value.length, crc, value);
}

function* untilUnreadable(keys: Iterator<Key>, unreadable: () => void): Generator<Key> {
  for (;;) {
    let next: IteratorResult<Key>;
    try {
      next = keys.next();
    } catch {
      unreadable();
      return;
    }
    if (next.done === true) return;
    if (typeof next.value.key === "string" && typeof next.value.owner === "string") yield next.value;
  }
}

function inSteps<T>(all: Iterator<T>, into: Database, work: (one: T) => void): void {
  for (let ended = false; !ended; )
    into.transaction(() => {
      for (let count = 0; count < STEP && !ended; count++) {
        const next = all.next();
        if (next.done === true) ended = true;
        else work(next.value);
      }
    });
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
