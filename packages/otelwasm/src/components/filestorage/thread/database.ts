import { closeSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import type { StorageEntry } from "../../../component/storage.ts";
import { type BatchRequest, DELETED, type StoreOptions, type StoreStats } from "../protocol.ts";
import { Damage, Failure } from "./failure.ts";

/** Bytes; a power of two. */
export const PAGE = 4096;
/** Pages of the log after which it is carried over into the database, and of one transaction, unless a single call has more. */
const LOG_PAGES = 1024;
/** Pages: a database of so few is read through when it is opened. */
const SMALL = 16_384;
/** Pages without content that are worth giving back. */
const WORTH_SHRINKING = 256;
/** Pages that are given back in one transaction: others wait for that. */
const SHRINKING_STEP = 512;

/**
 * `size` and `crc` are in the index so that entries are listed without a look at the pages of their values. A value that was lost when a damaged file was
 * recovered is NULL. Each table and index would do to find the other's entries again: `salvage.ts`.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY, owner TEXT NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL, crc INTEGER NOT NULL, value BLOB
  ) STRICT;
  CREATE INDEX IF NOT EXISTS entries_by_key ON entries (owner, key, size);
`;

/** Of a value and of whose it is, so that a value in the wrong place is found, too. */
export function checksum(owner: string, key: string, value: Uint8Array): number {
  return crc32(value, crc32(`${owner}\0${key}`));
}

/** What a call may add at most: the pages of its values, and what of the table, the index and the map of pages each may touch. */
export function pagesOf({ sizes }: BatchRequest): number {
  return sizes.reduce((pages, size) => (size === DELETED ? pages : pages + Math.ceil(size / (PAGE - 4)) + 5), 0);
}

/** The entries of all owners in one SQLite file. Every method is synchronous. */
export class Database {
  readonly #db: DatabaseSync;
  readonly #find: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #delete: StatementSync;
  readonly #get: StatementSync;
  readonly #list: StatementSync;
  readonly #pages: StatementSync;
  readonly #free: StatementSync;
  #maxSize = 0;
  #logPages = LOG_PAGES;
  #shrinking = false;

  /** @throws an error of SQLite; `isDamage` says whether the file is damaged */
  constructor(path: string, options: StoreOptions) {
    // Telemetry is not for everybody on the machine to read; the log beside it gets the mode of the file.
    closeSync(openSync(path, "a", 0o600));
    const db = new DatabaseSync(path, { timeout: 0 });
    try {
      // First: no other connection is ever there, and one that knows that from the beginning needs no file of shared memory.
      db.exec("PRAGMA locking_mode = EXCLUSIVE");
      // Before anything is in the file: it can shrink only if it was made for that.
      db.exec(`PRAGMA page_size = ${PAGE}; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL`);
      db.exec("PRAGMA temp_store = MEMORY");
      db.exec(SCHEMA);
      this.#db = db;
      this.#find = db.prepare("SELECT id FROM entries WHERE owner = ? AND key = ?");
      this.#insert = db.prepare("INSERT INTO entries (owner, key, size, crc, value) VALUES (?, ?, ?, ?, ?)");
      this.#update = db.prepare("UPDATE entries SET size = ?, crc = ?, value = ? WHERE id = ?");
      this.#delete = db.prepare("DELETE FROM entries WHERE owner = ? AND key = ?");
      this.#get = db.prepare("SELECT crc, value FROM entries WHERE owner = ? AND key = ?");
      this.#list = db.prepare(
        "SELECT key, size FROM entries INDEXED BY entries_by_key WHERE owner = ? AND key > ? ORDER BY key LIMIT ?",
      );
      this.#pages = db.prepare("PRAGMA page_count");
      this.#free = db.prepare("PRAGMA freelist_count");
      this.configure(options);
      this.#check();
    } catch (error) {
      db.close();
      throw error;
    }
  }

  configure({ fsync, maxSize }: StoreOptions): void {
    this.#maxSize = maxSize;
    this.#logPages = maxSize === 0 ? LOG_PAGES : Math.max(16, Math.min(LOG_PAGES, Math.floor(maxSize / 16 / PAGE)));
    this.#db.exec(
      `PRAGMA synchronous = ${fsync ? "FULL" : "NORMAL"}; PRAGMA wal_autocheckpoint = ${this.#logPages}; PRAGMA journal_size_limit = ${this.#logPages * PAGE}`,
    );
  }

  /** Runs what writes as one transaction: when it returns, that is on the disk. If it throws, nothing was changed. */
  transaction(work: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.#db.exec("COMMIT");
    } catch (error) {
      try {
        this.#db.exec("ROLLBACK");
      } catch {
        // SQLite has rolled back by itself, as it could not do else.
      }
      throw error;
    }
  }

  /** Within a transaction. */
  apply({ owner, keys, sizes, bytes }: BatchRequest): void {
    let offset = 0;
    for (const [index, key] of keys.entries()) {
      const size = sizes[index] ?? DELETED;
      if (size === DELETED) {
        this.#delete.run(owner, key);
        continue;
      }
      const value = new Uint8Array(bytes, offset, size);
      offset += size;
      this.put(owner, key, size, checksum(owner, key, value), value);
    }
  }

  /** Within a transaction. @param value null: it was lost */
  put(owner: string, key: string, size: number, crc: number, value: Uint8Array | null): void {
    const found = this.#find.get(owner, key);
    if (found === undefined) this.#insert.run(owner, key, size, crc, value);
    else this.#update.run(size, crc, value, found.id ?? null);
  }

  /** Of an entry: whether its value was lost. Undefined if there is none. */
  state(owner: string, key: string): "there" | "lost" | undefined {
    const row = this.#get.get(owner, key);
    if (row === undefined) return undefined;
    return row.value === null ? "lost" : "there";
  }

  /** How many entries have a value, and of how many it was lost. */
  counts(): { readonly recovered: number; readonly lost: number } {
    const row = this.#db.prepare("SELECT count(value) AS recovered, count(*) AS entries FROM entries").get();
    const recovered = Number(row?.recovered);
    return { recovered, lost: Number(row?.entries) - recovered };
  }

  /** @throws Failure `damaged` */
  get(owner: string, key: string): Uint8Array | undefined {
    const row = this.#get.get(owner, key);
    if (row === undefined) return undefined;
    if (!(row.value instanceof Uint8Array))
      throw new Failure("damaged", `the value of ${owner} ${key} was lost when the damaged store was recovered`);
    if (checksum(owner, key, row.value) !== row.crc)
      throw new Failure("damaged", `the value of ${owner} ${key} is not what was written: its checksum differs`);
    return row.value;
  }

  list(owner: string, after: string, limit: number): StorageEntry[] {
    return this.#list.all(owner, after, limit).map(({ key, size }) => ({ key: String(key), size: Number(size) }));
  }

  /** Whether the limit leaves room for so many pages more, also while the log has them a second time. */
  hasRoom(pages: number): boolean {
    if (this.#maxSize === 0 || pages === 0) return true;
    const { pageCount, freePages } = this.#counts();
    const database = pageCount + Math.max(0, pages - freePages);
    return (database + this.#logPages + pages) * PAGE + this.spareBytes <= this.#maxSize;
  }

  /** Of values in one transaction: so long the first of it waits for the last. */
  get transactionBytes(): number {
    return this.#logPages * PAGE;
  }

  /** What must be kept free so that the log can always be carried over, whatever else has filled the disk. */
  get spareBytes(): number {
    return 2 * this.#logPages * PAGE;
  }

  /**
   * Gives a part of what is free back to the file system, if that is most of the file. Cheap if there is nothing to do.
   *
   * @param all also if it is less: others need the room
   * @returns whether there is more to give back
   */
  shrink(all: boolean): boolean {
    const { pageCount, freePages } = this.#counts();
    if (!this.#shrinking)
      this.#shrinking = freePages >= WORTH_SHRINKING / (all ? 4 : 1) && freePages * (all ? 16 : 2) >= pageCount;
    if (!this.#shrinking) return false;
    this.#db.exec(`PRAGMA incremental_vacuum(${SHRINKING_STEP})`);
    const left = this.#counts();
    this.#shrinking = left.freePages > Math.max(WORTH_SHRINKING / 8, left.pageCount / (all ? 32 : 8));
    if (!this.#shrinking) this.checkpoint();
    return this.#shrinking;
  }

  /** Carries the log over into the database, and empties it. */
  checkpoint(): void {
    this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  /** Writes the whole file anew; needs as much room again. */
  compact(): void {
    this.#db.exec("VACUUM");
    this.checkpoint();
  }

  size(): Pick<StoreStats, "size" | "free"> {
    const { pageCount, freePages } = this.#counts();
    return { size: pageCount * PAGE, free: freePages * PAGE };
  }

  close(): void {
    this.#db.close();
  }

  #counts(): { readonly pageCount: number; readonly freePages: number } {
    return {
      pageCount: Number(this.#pages.get()?.page_count),
      freePages: Number(this.#free.get()?.freelist_count),
    };
  }

  /** Finds what is damaged before it is used. Of a large file only the index is read: the rest is found when it is come to. */
  #check(): void {
    const listed = this.#db.prepare("SELECT count(*) AS n FROM entries INDEXED BY entries_by_key WHERE owner >= ''");
    const inIndex = Number(listed.get()?.n);
    if (this.#counts().pageCount > SMALL) return;
    const found = this.#db.prepare("PRAGMA quick_check(1)").get()?.quick_check;
    if (found !== "ok") throw new Damage(String(found));
    const inTable = Number(this.#db.prepare("SELECT count(*) AS n FROM entries NOT INDEXED").get()?.n);
    if (inTable !== inIndex) throw new Damage(`${inTable} entries, of which the index has ${inIndex}`);
  }
}
