import { Worker } from "node:worker_threads";
import { type StorageClient, type StorageEntry, StorageError, type StorageOperation } from "../../component/storage.ts";
import {
  DELETED,
  type Recovery,
  type Request,
  type Result,
  type StoreMessage,
  type StoreOptions,
  type StoreSettings,
  type StoreStats,
} from "./protocol.ts";

/** Sources run as they stand, the published package has been compiled. */
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./thread/entry.ts" : "./thread/entry.js", import.meta.url);

/** What a store has to say beside its answers. */
export interface StoreEvents {
  recovered(recovery: Recovery): void;
  warning(message: string): void;
  /** The thread has ended by itself: nothing works any more. */
  failed(message: string): void;
}

interface Pending {
  resolve(result: Result): void;
  reject(error: StorageError): void;
}

type Asked = Request extends infer R ? (R extends Request ? Omit<R, "call"> : never) : never;

/** A store, seen from the thread of the pipelines. */
export class Store {
  readonly #worker: Worker;
  readonly #directory: string;
  readonly #pending = new Map<number, Pending>();
  #next = 0;
  #ended: StorageError | undefined;

  private constructor(worker: Worker, directory: string) {
    this.#worker = worker;
    this.#directory = directory;
  }

  /** @throws StorageError */
  static async open(settings: StoreSettings, events: StoreEvents): Promise<Store> {
    const worker = new Worker(ENTRY, {
      name: "otelwasm storage",
      workerData: settings,
      env: {},
      // SQLite is part of Node.js, which says before version 24 that it may still change.
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    const store = new Store(worker, settings.directory);
    const ready = Promise.withResolvers<void>();
    worker.on("message", (message: StoreMessage) => {
      switch (message.type) {
        case "ready":
          return ready.resolve();
        case "refused":
          return ready.reject(new StorageError(message.code, message.message));
        case "recovered":
          return events.recovered(message.recovery);
        case "warning":
          return events.warning(message.message);
        case "replies":
          return store.#replied(message.replies);
      }
    });
    let cause: unknown;
    worker.on("error", (error) => {
      cause = error;
    });
    worker.on("exit", () => {
      const expected = store.#ended !== undefined;
      const text = cause instanceof Error ? cause.message : "nobody knows why";
      const error = new StorageError("failed", `the thread of the store in ${settings.directory} has ended: ${text}`, {
        cause,
      });
      // Also while it closes: whoever waits for an answer gets one.
      store.#end(error);
      if (expected) return;
      ready.reject(error);
      events.failed(error.message);
    });
    try {
      await ready.promise;
    } catch (error) {
      store.#ended =
        error instanceof StorageError ? error : new StorageError("failed", String(error), { cause: error });
      await worker.terminate();
      throw error;
    }
    return store;
  }

  /** The entries of one owner. */
  client(owner: string, closed: () => void): StorageClient & { readonly owner: string } {
    return new Client(owner, this, closed);
  }

  async configure(options: StoreOptions): Promise<void> {
    await this.ask({ type: "configure", options });
  }

  async stats(): Promise<StoreStats> {
    return (await this.ask({ type: "stats" })) as StoreStats;
  }

  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    const closing = this.ask({ type: "close" });
    this.#ended = new StorageError("closed", `the storage in ${this.#directory} was shut down`);
    const exited = new Promise<void>((resolve) => this.#worker.once("exit", () => resolve()));
    await closing;
    await exited;
  }

  ask(request: Asked, ...transfer: ArrayBuffer[]): Promise<Result> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const call = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(call, { resolve, reject });
      this.#worker.postMessage({ ...request, call }, transfer);
    });
  }

  #replied(replies: Extract<StoreMessage, { type: "replies" }>["replies"]): void {
    for (const reply of replies) {
      const pending = this.#pending.get(reply.call);
      this.#pending.delete(reply.call);
      if ("code" in reply) pending?.reject(new StorageError(reply.code, reply.message));
      else pending?.resolve(reply.result);
    }
  }

  #end(error: StorageError): void {
    this.#ended ??= error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

class Client implements StorageClient {
  readonly owner: string;
  readonly #store: Store;
  readonly #closed: () => void;
  readonly #asked = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(owner: string, store: Store, closed: () => void) {
    this.owner = owner;
    this.#store = store;
    this.#closed = closed;
  }

  async batch(operations: readonly StorageOperation[]): Promise<void> {
    if (operations.length === 0) return;
    // One copy, which is given to the other thread: the caller's buffers may be parts of larger ones.
    const bytes = new Uint8Array(operations.reduce((sum, one) => sum + (one.type === "set" ? one.value.length : 0), 0));
    const keys: string[] = [];
    const sizes: number[] = [];
    let offset = 0;
    for (const operation of operations) {
      keys.push(operation.key);
      sizes.push(operation.type === "set" ? operation.value.length : DELETED);
      if (operation.type === "delete") continue;
      bytes.set(operation.value, offset);
      offset += operation.value.length;
    }
    await this.#ask({ type: "batch", owner: this.owner, keys, sizes, bytes: bytes.buffer }, bytes.buffer);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return (await this.#ask({ type: "get", owner: this.owner, key })) as Uint8Array | undefined;
  }

  async list(after: string, limit: number): Promise<readonly StorageEntry[]> {
    return (await this.#ask({ type: "list", owner: this.owner, after, limit })) as readonly StorageEntry[];
  }

  /** What was asked before is answered first. */
  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#asked).then(() => this.#closed());
    return this.#closing;
  }

  #ask(request: Asked, ...transfer: ArrayBuffer[]): Promise<Result> {
    if (this.#closing !== undefined)
      return Promise.reject(new StorageError("closed", `the storage of ${this.owner} was closed`));
    const asked = this.#store.ask(request, ...transfer);
    this.#asked.add(asked);
    const forget = () => this.#asked.delete(asked);
    asked.then(forget, forget);
    return asked;
  }
}
