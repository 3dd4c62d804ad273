import { type Storage, type StorageClient, StorageError, type StorageErrorCode } from "../../component/storage.ts";

/** A store in memory, with what a disk may do. One owner. */
export class MapStorage implements Storage {
  readonly entries: Map<string, Uint8Array> = new Map();
  /** Calls of `batch` that did something, and values that were read. */
  batches = 0;
  gets = 0;
  /** What the next calls do instead. */
  failWith: StorageErrorCode | undefined;
  /** Each call waits for it. */
  delay: () => Promise<void> = () => Promise.resolve();
  #open: Promise<void> = Promise.resolve();

  async open(): Promise<StorageClient> {
    const before = this.#open;
    const closed = Promise.withResolvers<void>();
    this.#open = closed.promise;
    await before;
    const asked = new Set<Promise<unknown>>();
    let isClosed = false;
    const ask = async <T>(call: () => Promise<T>): Promise<T> => {
      if (isClosed) throw new StorageError("closed", "the storage was closed");
      const answer = call();
      asked.add(answer);
      try {
        return await answer;
      } finally {
        asked.delete(answer);
      }
    };
    const client: StorageClient = {
      batch: async (operations) => {
        const copies = operations.map((one) => (one.type === "set" ? { ...one, value: one.value.slice() } : one));
        await this.#call();
        this.batches++;
        for (const one of copies) {
          if (one.type === "set") this.entries.set(one.key, one.value);
          else this.entries.delete(one.key);
        }
        await this.delay();
      },
      get: async (key) => {
        await this.#call();
        this.gets++;
        const value = this.entries.get(key);
        if (value?.length === 0) throw new StorageError("damaged", `the value of ${key} is damaged`);
        return value?.slice();
      },
      list: async (after, limit) => {
        await this.#call();
        const keys = [...this.entries.keys()].filter((key) => key > after).sort();
        const page = keys.slice(0, limit).map((key) => ({ key, size: this.entries.get(key)?.length ?? 0 }));
        await this.delay();
        return page;
      },
      close: async () => {
        isClosed = true;
        await Promise.allSettled(asked);
        closed.resolve();
      },
    };
    return {
      batch: (operations) => ask(() => client.batch(operations)),
      get: (key) => ask(() => client.get(key)),
      list: (after, limit) => ask(() => client.list(after, limit)),
      close: () => client.close(),
    };
  }

  /** The process that had it open is no more. */
  kill(): void {
    this.#open = Promise.resolve();
  }

  async #call(): Promise<void> {
    const failure = this.failWith;
    await this.delay();
    if (failure !== undefined) throw new StorageError(failure, `the disk: ${failure}`);
  }
}
