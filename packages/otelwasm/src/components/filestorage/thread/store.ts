import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Recovery, StoreOptions, StoreSettings, StoreStats } from "../protocol.ts";
import { Database } from "./database.ts";
import { isDamage } from "./failure.ts";
import { lock } from "./lock.ts";
import { salvage } from "./salvage.ts";
import { Spare } from "./spare.ts";

const FILE = "otelwasm.db";
/** What SQLite has beside a database. */
const LOG = "-wal";

/** A directory with its lock and its database, which is replaced if it turns out to be damaged. */
export class Store {
  readonly #path: string;
  readonly #settings: StoreSettings;
  readonly #recovered: (recovery: Recovery) => void;
  readonly #unlock: () => void;
  readonly #spare: Spare;
  #options: StoreOptions;
  /** None after a recovery that could not be finished, for lack of room perhaps: it begins again with the next question. */
  #database: Database | undefined;

  /**
   * @param recovered told when a damaged database was replaced by what could be read of it
   * @throws Failure, or an error of SQLite or of the system
   */
  constructor(settings: StoreSettings, recovered: (recovery: Recovery) => void) {
    this.#path = join(settings.directory, FILE);
    this.#settings = settings;
    this.#options = settings;
    this.#recovered = recovered;
    this.#spare = new Spare(join(settings.directory, "otelwasm.spare"));
    this.#unlock = lock(settings.directory, settings.timeout);
    try {
      this.#finishRecovery();
      const isNew = !existsSync(this.#path);
      this.#database = this.#open();
      if (isNew) this.#syncDirectory();
    } catch (error) {
      this.#unlock();
      throw error;
    }
  }

  /** Asks the database. If it turns out to be damaged, it is replaced, and asked again. */
  ask<T>(question: (database: Database) => T): T {
    this.#database ??= this.#open();
    try {
      return question(this.#database);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#database.close();
      this.#database = undefined;
      this.#database = this.#recover(error);
      return question(this.#database);
    }
  }

  configure(options: StoreOptions): void {
    this.#options = options;
    this.ask((database) => database.configure(options));
  }

  /** Whether anything new can be taken: there is room to delete it again, too. */
  takes(): boolean {
    return this.#spare.held || this.#spare.hold(this.ask((database) => database.spareBytes));
  }

  /** There is no room on the disk. @returns whether some was kept for that */
  makeRoom(): boolean {
    if (!this.#spare.held) return false;
    try {
      this.#spare.release();
      this.ask((database) => database.checkpoint());
    } catch {
      // There may be room all the same.
    }
    return true;
  }

  /** Gives room back, a step of it. @returns whether there is more to do */
  shrink(): boolean {
    return this.ask((database) => database.shrink(!this.#spare.held));
  }

  sizes(): Pick<StoreStats, "size" | "free" | "log"> {
    const log = statSync(this.#path + LOG, { throwIfNoEntry: false })?.size ?? 0;
    return { ...this.ask((database) => database.size()), log };
  }

  close(): void {
    try {
      this.#database?.close();
    } finally {
      this.#unlock();
    }
  }

  #open(): Database {
    try {
      return new Database(this.#path, this.#options);
    } catch (error) {
      if (!isDamage(error)) throw error;
      return this.#recover(error);
    }
  }

  /**
   * Writes a new file from what can be read of the damaged one, then sets that one aside. Whenever this is interrupted, nothing is lost by it.
   *
   * @param error what SQLite said
   */
  #recover(error: unknown): Database {
    const partial = `${this.#path}.partial`;
    removeDatabase(partial);
    // Without waiting for the disk at each step, and without a limit: it is about what is there already.
    const fresh = new Database(partial, { fsync: false, maxSize: 0 });
    let salvaged: ReturnType<typeof salvage>;
    try {
      salvaged = salvage(this.#path, fresh);
      fresh.checkpoint();
    } finally {
      fresh.close();
    }
    const movedTo = `${this.#path}.damaged-${new Date().toISOString().replace(/[:.]/g, "-")}`;
    renameSync(partial, this.#recoveredPath);
    for (const suffix of ["", LOG])
      if (existsSync(this.#path + suffix)) renameSync(this.#path + suffix, movedTo + suffix);
    this.#finishRecovery();
    const reason = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ");
    this.#recovered({ reason, movedTo, ...salvaged });
    return new Database(this.#path, this.#options);
  }

  get #recoveredPath(): string {
    return `${this.#path}.recovered`;
  }

  /** Goes on where a recovery was interrupted: it begins again if the damaged file is still in place. */
  #finishRecovery(): void {
    removeDatabase(`${this.#path}.partial`);
    if (existsSync(this.#path)) removeDatabase(this.#recoveredPath);
    else if (existsSync(this.#recoveredPath)) {
      // The log of the damaged file is none of the new one's.
      rmSync(this.#path + LOG, { force: true });
      renameSync(this.#recoveredPath, this.#path);
      this.#syncDirectory();
    }
  }

  /** That a file is there is on the disk, too. */
  #syncDirectory(): void {
    if (process.platform === "win32") return;
    const directory = openSync(this.#settings.directory, "r");
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  }
}

function removeDatabase(path: string): void {
  for (const suffix of ["", LOG]) rmSync(path + suffix, { force: true });
}
