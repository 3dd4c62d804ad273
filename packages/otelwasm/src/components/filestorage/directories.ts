/** The stores of this process: whoever uses the same directory shares one. */
import { realpathSync } from "node:fs";
import { type StorageClient, StorageError, type StorageOwner } from "../../component/storage.ts";
import type { StoreSettings, StoreStats } from "./protocol.ts";
import { Store, type StoreEvents } from "./store.ts";

/** By the real path. One for each thread that runs collectors; a second thread is refused as another process would be. */
const directories = new Map<string, Directory>();

/**
 * Opens the store of a directory, or takes part in it: then what is different in these settings from now on holds for all.
 *
 * @param settings of a directory that exists
 * @throws StorageError
 */
export async function lease(settings: StoreSettings, events: StoreEvents): Promise<Lease> {
  const path = realpathSync(settings.directory);
  for (;;) {
    const known = directories.get(path);
    if (known === undefined) break;
    if (known.closing === undefined) return known.join(settings, events);
    await known.closing;
  }
  const directory = new Directory(settings, () => directories.delete(path));
  directories.set(path, directory);
  return directory.join(undefined, events);
}

/** A part in a store: a reload has two for a while. */
export interface Lease {
  /** Waits until whoever has the owner's entries has closed them. @throws StorageError `closed` if this lease has ended */
  open(owner: StorageOwner): Promise<StorageClient>;
  stats(): Promise<StoreStats>;
  /** Closes what was opened by it; with the last one the store. */
  end(): Promise<void>;
}

class Directory {
  /** Once nobody is left; done when another process could have the directory. */
  closing: Promise<void> | undefined;
  readonly #store: Promise<Store>;
  readonly #gone: () => void;
  readonly #members = new Set<StoreEvents>();
  /** Of each owner that is open: who waits for it, in their order. */
  readonly #owners = new Map<string, PromiseWithResolvers<void>[]>();

  constructor(settings: StoreSettings, gone: () => void) {
    this.#gone = gone;
    const toAll = (tell: (events: StoreEvents) => void) => {
      for (const events of this.#members) tell(events);
    };
    this.#store = Store.open(settings, {
      recovered: (recovery) => toAll((events) => events.recovered(recovery)),
      warning: (message) => toAll((events) => events.warning(message)),
      failed: (message) => toAll((events) => events.failed(message)),
    });
  }

  async join(settings: StoreSettings | undefined, events: StoreEvents): Promise<Lease> {
    this.#members.add(events);
    try {
      const store = await this.#store;
      if (settings !== undefined) await store.configure(settings);
      return this.#lease(store, events);
    } catch (error) {
      await this.#leave(events);
      throw error;
    }
  }

  #lease(store: Store, events: StoreEvents): Lease {
    const clients = new Set<StorageClient>();
    const waiting = new Map<PromiseWithResolvers<void>, string>();
    let ended: StorageError | undefined;
    return {
      open: async ({ kind, id, signal, name }) => {
        if (ended !== undefined) throw ended;
        const owner = JSON.stringify([kind, signal ?? "", id, name ?? ""]);
        const turn = this.#queue(owner);
        waiting.set(turn, owner);
        await turn.promise.finally(() => waiting.delete(turn));
        if (ended !== undefined) {
          this.#pass(owner);
          throw ended;
        }
        const client = store.client(owner, () => {
          clients.delete(client);
          this.#pass(owner);
        });
        clients.add(client);
        return client;
      },
      stats: () => store.stats(),
      end: async () => {
        if (ended !== undefined) return;
        ended = new StorageError("closed", "the storage was shut down");
        for (const [turn, owner] of waiting) {
          const queue = this.#owners.get(owner);
          const place = queue?.indexOf(turn) ?? -1;
          // Not there any more: it is its turn, and it will see for itself.
          if (place >= 0) queue?.splice(place, 1);
          turn.reject(ended);
        }
        await Promise.all([...clients].map((client) => client.close()));
        await this.#leave(events);
      },
    };
  }

  /** Resolved when the owner's entries are free. */
  #queue(owner: string): PromiseWithResolvers<void> {
    const turn = Promise.withResolvers<void>();
    const queue = this.#owners.get(owner);
    if (queue === undefined) {
      this.#owners.set(owner, []);
      turn.resolve();
    } else queue.push(turn);
    return turn;
  }

  #pass(owner: string): void {
    const next = this.#owners.get(owner)?.shift();
    if (next === undefined) this.#owners.delete(owner);
    else next.resolve();
  }

  async #leave(events: StoreEvents): Promise<void> {
    this.#members.delete(events);
    if (this.#members.size > 0) return;
    this.closing ??= this.#store
      .then((store) => store.close())
      .catch(() => {})
      .finally(this.#gone);
    await this.closing;
  }
}
