import type { ConsumerError } from "../component/errors.ts";
import type { ComponentSettings } from "../component/factory.ts";
import type { Count } from "../component/measuring.ts";
import { type Storage, type StorageClient, type StorageEntry, StorageError } from "../component/storage.ts";
import { Throttle } from "../component/throttle.ts";
import type { Batch } from "../telemetry/batch.ts";
import { itemsOf } from "../telemetry/count.ts";
import { Deletions } from "./deletions.ts";
import { EnqueueError, type Queue, type QueueItem, type Sizer, sizeOf } from "./queue.ts";
import { formatKey, parseKey, type QueueKey } from "./queue-key.ts";
import { Room } from "./room.ts";

/** Of what the store has, so much is read ahead. */
const WINDOW_BATCHES = 64;
const WINDOW_BYTES = 8 * 1024 * 1024;
/** Entries that are asked for at once when what is there is counted. */
const COUNTED_AT_ONCE = 10_000;
/** Milliseconds until a store that does not work is asked again. */
const RETRY_MS = 1000;

export interface PersistentQueueOptions {
  readonly sizer: Sizer;
  /** In units of the sizer. */
  readonly capacity: number;
  /** `block_on_overflow` */
  readonly blocks: boolean;
}

/**
 * Batches in a store: a sender is answered when its batch is on the disk, and a batch leaves it when it was delivered, or refused for good. What was being sent when the
 * process ended is sent again by the next one, so that a destination may get it twice.
 *
 * Memory is bounded: of what waits, a window is held, and the rest is read when its turn comes. `#cursor` goes through the keys, whose order is that of the
 * batches; behind it are those that are in memory (`#held`), and those that could not be delivered, for which it begins again when it has come to the end.
 */
export class PersistentQueue implements Queue {
  readonly undelivered = "kept" as const;
  readonly #settings: ComponentSettings;
  readonly #storage: Storage;
  readonly #sizer: Sizer;
  readonly #room: Room;
  readonly #log: Throttle = new Throttle();
  readonly #damaged: Count | undefined;
  readonly #opened = Promise.withResolvers<void>();
  #client: StorageClient | undefined;
  #deletions: Deletions | undefined;
  #readable: () => void = () => {};
  /** The window: read, and not given yet. */
  readonly #ready: PersistentItem[] = [];
  #readyBytes = 0;
  /** Keys of what is in memory, or delivered and not deleted yet: not to be read from the store. */
  readonly #held: Set<string> = new Set();
  /** The number of the next batch, and of those that are being written, the lowest first. */
  #next = 0;
  readonly #writing: Set<number> = new Set();
  readonly #writes: Set<Promise<void>> = new Set();
  #cursor = "";
  /** The store may have batches that are not held after the cursor; and before it. */
  #more = false;
  #returned = false;
  /** Counts what changed after the cursor: a list may be older. */
  #added = 0;
  #reading: Promise<void> | undefined;
  /** Deleted since the list was asked for that is being read. */
  readonly #gone: Set<string> = new Set();
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(settings: ComponentSettings, storage: Storage, { sizer, capacity, blocks }: PersistentQueueOptions) {
    this.#settings = settings;
    this.#storage = storage;
    this.#sizer = sizer;
    this.#room = new Room(capacity, blocks);
    this.#damaged = settings.measuring?.counter(
      {
        name: "otelwasm_exporter_queue_damaged",
        unit: "{batches}",
        description: "Number of batches that the store could not give back as they were written.",
      },
      { exporter: settings.id, data_type: settings.signal },
    );
    // Nobody may ever wait for it.
    this.#opened.promise.catch(() => {});
  }

  get size(): number {
    return this.#room.size;
  }

  get capacity(): number {
    return this.#room.capacity;
  }

  /** Does not wait for the store: the queue of a configuration that is being replaced may still have it, until that is shut down. */
  start(readable: () => void): Promise<void> {
    this.#readable = readable;
    this.#open().catch((error: unknown) => {
      const message = `the sending queue cannot be opened: ${error instanceof Error ? error.message : String(error)}`;
      this.#opened.reject(new EnqueueError(message, false, { cause: error }));
      if (this.#stopped) return;
      this.#settings.logger.error(message);
      this.#settings.reportStatus({ status: "PermanentError", error: message, logged: true });
    });
    return Promise.resolve();
  }

  async offer(batch: Batch): Promise<void> {
    const size = sizeOf(batch, this.#sizer);
    // As in the Collector: nothing to deliver.
    if (size === 0) return;
    if (this.#client === undefined) await this.#opened.promise;
    await this.#room.take(size);
    const write = this.#write(batch, size);
    this.#writes.add(write);
    try {
      await write;
    } finally {
      this.#writes.delete(write);
    }
  }

  poll(): QueueItem | undefined {
    if (this.#stopped) return undefined;
    const item = this.#ready.shift();
    if (item !== undefined) this.#readyBytes -= item.batch.bytes.length;
    this.#readOn();
    return item;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.#room.close();
    this.#opened.reject(new EnqueueError("the sending queue was stopped: the collector is shutting down", false));
  }

  async shutdown(): Promise<void> {
    this.stop();
    this.#ready.length = 0;
    const client = this.#client;
    // What still waits for its turn with the store closes it when it has it.
    if (client === undefined) return;
    await Promise.allSettled([...this.#writes, this.#reading]);
    await this.#deletions?.finish();
    await client.close();
    if (this.size > 0)
      this.#settings.logger.info("The sending queue stays in the store until the next start.", {
        size: this.size,
        sizer: this.#sizer,
      });
  }

  async #open(): Promise<void> {
    const { id, signal, logger } = this.#settings;
    const client = await this.#storage.open({ kind: "exporter", id, signal, name: "sending_queue" });
    if (this.#stopped) return client.close();
    try {
      const batches = await this.#restore(client);
      if (batches > 0)
        logger.info("The sending queue has what an earlier process left.", {
          batches,
          size: this.size,
          sizer: this.#sizer,
        });
    } catch (error) {
      await client.close();
      throw error;
    }
    if (this.#stopped) return client.close();
    this.#deletions = new Deletions(client, {
      deleted: (keys) => {
        for (const key of keys) {
          this.#held.delete(key);
          if (this.#reading !== undefined) this.#gone.add(key);
        }
      },
      failed: (error) =>
        this.#complain("what was delivered could not be deleted from the store; this is tried again", error),
    });
    this.#client = client;
    this.#opened.resolve();
    this.#readOn();
  }

  /** @returns how many batches there are */
  async #restore(client: StorageClient): Promise<number> {
    let batches = 0;
    for (let after = ""; ; ) {
      const page = await client.list(after, COUNTED_AT_ONCE);
      for (const entry of page) {
        const key = parseKey(entry.key);
        if (key === undefined) continue;
        this.#next = key.number + 1;
        this.#room.restore(this.#sizeOf(key, entry));
        batches++;
      }
      after = page.at(-1)?.key ?? after;
      if (page.length < COUNTED_AT_ONCE) break;
    }
    this.#more = batches > 0;
    return batches;
  }

  #sizeOf({ items }: QueueKey, { size }: StorageEntry): number {
    if (this.#sizer === "requests") return 1;
    return this.#sizer === "items" ? items : size;
  }

  /** Room was taken. */
  async #write(batch: Batch, size: number): Promise<void> {
    const number = this.#next++;
    const key = formatKey({ number, items: itemsOf(batch) });
    this.#writing.add(number);
    try {
      if (this.#client === undefined) throw new StorageError("closed", "the sending queue was shut down");
      await this.#client.batch([{ type: "set", key, value: batch.bytes }]);
    } catch (error) {
      this.#writing.delete(number);
      this.#room.give(size);
      this.#added++;
      this.#readOn();
      throw notTaken(error);
    }
    this.#writing.delete(number);
    if (this.#stopped) return;
    const [before] = this.#writing;
    const isNext = !this.#more && this.#reading === undefined && (before === undefined || before > number);
    if (isNext && this.#hasRoom(batch.bytes.length)) {
      this.#cursor = key;
      this.#held.add(key);
      this.#give([new PersistentItem(key, batch, size, this.#ended)]);
    } else {
      this.#more = true;
      this.#added++;
      this.#readOn();
    }
  }

  #hasRoom(bytes: number): boolean {
    return (
      this.#ready.length === 0 || (this.#ready.length < WINDOW_BATCHES && this.#readyBytes + bytes <= WINDOW_BYTES)
    );
  }

  #give(items: readonly PersistentItem[]): void {
    if (items.length === 0) return;
    const wasEmpty = this.#ready.length === 0;
    for (const item of items) {
      this.#ready.push(item);
      this.#readyBytes += item.batch.bytes.length;
    }
    if (wasEmpty) this.#readable();
  }

  readonly #ended = (item: PersistentItem, error: ConsumerError | undefined): void => {
    if (error === undefined || error.permanent) {
      this.#room.give(item.size);
      // Held until it is deleted, so that it is not read again.
      this.#deletions?.add(item.key);
      return;
    }
    this.#putBack(item.key);
    this.#readOn();
  };

  /** It is in the store only, again. */
  #putBack(key: string): void {
    this.#held.delete(key);
    if (key > this.#cursor) {
      this.#more = true;
      this.#added++;
    } else this.#returned = true;
  }

  /** Fills the window from the store, if there is room in it and there may be something. */
  #readOn(): void {
    if (this.#reading !== undefined || this.#stopped || this.#client === undefined) return;
    if (this.#ready.length > WINDOW_BATCHES / 2 || this.#readyBytes > WINDOW_BYTES / 2) return;
    if (!this.#more && !(this.#returned && this.#ready.length === 0)) return;
    this.#reading = this.#read(this.#client).then(
      (more) => {
        this.#reading = undefined;
        this.#gone.clear();
        if (more) this.#readOn();
      },
      (error: unknown) => {
        this.#reading = undefined;
        this.#gone.clear();
        if (this.#stopped) return;
        this.#complain("the store cannot be read; this is tried again", error);
        this.#retry = setTimeout(() => this.#readOn(), RETRY_MS);
      },
    );
  }

  /** @returns whether there may be more already; if not, it waits for what is being written, whose end goes on */
  async #read(client: StorageClient): Promise<boolean> {
    if (!this.#more) {
      this.#cursor = "";
      this.#more = true;
      this.#returned = false;
    }
    const added = this.#added;
    // A batch with a higher number may be on the disk before it: the cursor must not pass it.
    const [writing = this.#next] = this.#writing;
    const page = await client.list(this.#cursor, WINDOW_BATCHES);
    const found: Found[] = [];
    let bytes = 0;
    let complete = page.length < WINDOW_BATCHES;
    let advanced = false;
    for (const entry of page) {
      const key = parseKey(entry.key);
      if (key !== undefined && !this.#held.has(entry.key) && !this.#gone.has(entry.key)) {
        if (key.number >= writing || (found.length > 0 && bytes + entry.size > WINDOW_BYTES)) {
          complete = false;
          break;
        }
        found.push({ entry, key });
        bytes += entry.size;
      }
      this.#cursor = entry.key;
      advanced = true;
    }
    if (complete && added === this.#added) this.#more = false;
    await this.#load(client, found);
    return advanced || added !== this.#added;
  }

  async #load(client: StorageClient, found: readonly Found[]): Promise<void> {
    for (const { entry } of found) this.#held.add(entry.key);
    const values = await Promise.allSettled(found.map(({ entry }) => client.get(entry.key)));
    const items: PersistentItem[] = [];
    let failed: unknown;
    for (const [index, { entry, key }] of found.entries()) {
      const value = values[index];
      const size = this.#sizeOf(key, entry);
      if (value?.status === "fulfilled" && value.value !== undefined) {
        const batch = { signal: this.#settings.signal, bytes: value.value, items: key.items };
        items.push(new PersistentItem(entry.key, batch, size, this.#ended));
      } else if (value?.status === "rejected" && !isDamage(value.reason)) {
        failed = value.reason;
        this.#putBack(entry.key);
      } else {
        this.#skip(entry.key, size, value?.status === "rejected" ? value.reason : undefined);
      }
    }
    this.#give(items);
    if (failed !== undefined) throw failed;
  }

  /** A batch that was acknowledged and cannot be delivered: nothing is left to do but to say so. */
  #skip(key: string, size: number, reason: unknown): void {
    if (this.#damaged !== undefined) this.#damaged.value++;
    this.#complain("a batch in the store is damaged: it is lost, and skipped", reason);
    this.#room.give(size);
    this.#deletions?.add(key);
  }

  #complain(message: string, error: unknown): void {
    const times = this.#log.count(message);
    if (times === 0) return;
    this.#settings.logger.error(`Sending queue: ${message}`, {
      error: error instanceof Error ? error.message : "it is not there any more",
      ...(times === 1 ? {} : { times }),
    });
  }
}

interface Found {
  readonly entry: StorageEntry;
  readonly key: QueueKey;
}

function isDamage(error: unknown): boolean {
  return error instanceof StorageError && error.code === "damaged";
}

function notTaken(error: unknown): EnqueueError {
  const said = error instanceof Error ? error.message : String(error);
  const full = error instanceof StorageError && error.code === "full";
  return new EnqueueError(
    full ? `sending queue is full: ${said}` : `the sending queue's store does not work: ${said}`,
    false,
    {
      cause: error,
    },
  );
}

class PersistentItem implements QueueItem {
  readonly key: string;
  readonly batch: Batch;
  /** In units of the sizer. */
  readonly size: number;
  readonly #ended: (item: PersistentItem, error: ConsumerError | undefined) => void;

  constructor(
    key: string,
    batch: Batch,
    size: number,
    ended: (item: PersistentItem, error: ConsumerError | undefined) => void,
  ) {
    this.key = key;
    this.batch = batch;
    this.size = size;
    this.#ended = ended;
  }

  done(error?: ConsumerError): void {
    this.#ended(this, error);
  }
}
