import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { BatchRequest, Reply, Request, Result, StoreMessage, StoreStats } from "../protocol.ts";
import { pagesOf } from "./database.ts";
import { Failure, isFull } from "./failure.ts";
import type { Store } from "./store.ts";

/** Bytes of values in one transaction, unless a single call has more: so long the first of it waits for the last. */
const MAX_TRANSACTION = 8 * 1024 * 1024;

/** What is asked of a store: everything that waits while it flushes the disk goes into the next transaction together. */
export class Requests {
  readonly #port: MessagePort;
  readonly #store: Store;
  readonly #directory: string;
  readonly #tell: (message: StoreMessage, ...transfer: ArrayBuffer[]) => void;
  #commits = 0;
  #batches = 0;
  #tidying = false;
  #closed = false;

  constructor(
    port: MessagePort,
    store: Store,
    directory: string,
    tell: (message: StoreMessage, ...transfer: ArrayBuffer[]) => void,
  ) {
    this.#port = port;
    this.#store = store;
    this.#directory = directory;
    this.#tell = tell;
  }

  /** What else has come meanwhile is done along with it: what reads first, as whoever waits for that has not asked for what is written now. */
  handle(first: Request): void {
    const batches: BatchRequest[] = [];
    let closing: number | undefined;
    for (let request: Request | undefined = first; request !== undefined; request = this.#next()) {
      if (request.type === "batch") batches.push(request);
      else if (request.type === "close") closing = request.call;
      else this.#answer(request);
    }
    for (const group of groups(batches)) this.#replyAll(this.#write(group));
    if (closing !== undefined) this.#close(closing);
    else if (batches.length > 0) this.#tidy();
  }

  #next(): Request | undefined {
    return (receiveMessageOnPort(this.#port) as { readonly message: Request } | undefined)?.message;
  }

  #answer(request: Exclude<Request, BatchRequest | { readonly type: "close" }>): void {
    try {
      const result = this.#read(request);
      // A value leaves this thread with its buffer.
      const transfer = result instanceof Uint8Array && result.buffer instanceof ArrayBuffer ? [result.buffer] : [];
      this.#tell({ type: "replies", replies: [{ call: request.call, result }] }, ...transfer);
    } catch (error) {
      this.#replyAll([this.#failed(request.call, error)]);
    }
  }

  #read(request: Exclude<Request, BatchRequest | { readonly type: "close" }>): Result {
    switch (request.type) {
      case "get":
        return this.#store.ask((database) => database.get(request.owner, request.key));
      case "list":
        return this.#store.ask((database) => database.list(request.owner, request.after, request.limit));
      case "stats":
        return { commits: this.#commits, batches: this.#batches, ...this.#store.sizes() } satisfies StoreStats;
      case "configure":
        this.#store.configure(request.options);
        return undefined;
    }
  }

  /** In one transaction. If there is no room for all, then each in one of its own, those first that only make room. */
  #write(group: readonly BatchRequest[]): Reply[] {
    const rejected: Reply[] = [];
    let accepted: readonly BatchRequest[] = [];
    try {
      let pages = 0;
      accepted = group.filter((batch) => {
        const more = pagesOf(batch);
        if (this.#store.ask((database) => database.hasRoom(pages + more))) {
          pages += more;
          return true;
        }
        const full = new Failure("full", `the files in ${this.#directory} have reached max_size`);
        rejected.push(this.#failed(batch.call, full));
        return false;
      });
      if (accepted.length > 0) this.#commit(accepted);
      return [...rejected, ...accepted.map(({ call }) => ({ call, result: undefined }))];
    } catch (error) {
      if (accepted.length < 2 || !isFull(error))
        return [...rejected, ...accepted.map(({ call }) => this.#failed(call, error))];
      const making = accepted.toSorted((a, b) => Math.sign(a.bytes.byteLength) - Math.sign(b.bytes.byteLength));
      return [...rejected, ...making.flatMap((batch) => this.#write([batch]))];
    }
  }

  #commit(group: readonly BatchRequest[]): void {
    this.#store.ask((database) =>
      database.transaction(() => {
        for (const batch of group) database.apply(batch);
      }),
    );
    this.#commits++;
    this.#batches += group.length;
  }

  /** Gives room back, step by step; requests come first. */
  #tidy(): void {
    if (this.#tidying || this.#closed) return;
    let more = false;
    try {
      more = this.#store.ask((database) => database.shrink());
    } catch {
      // It is tried again after the next transaction.
    }
    if (!more) return;
    this.#tidying = true;
    setImmediate(() => {
      this.#tidying = false;
      this.#tidy();
    });
  }

  #close(call: number): void {
    this.#closed = true;
    try {
      this.#store.close();
      this.#replyAll([{ call, result: undefined }]);
    } catch (error) {
      this.#replyAll([this.#failed(call, error)]);
    }
    this.#port.close();
  }

  #failed(call: number, error: unknown): Reply {
    const { code, message } = Failure.from(error, this.#directory);
    return { call, code, message };
  }

  #replyAll(replies: readonly Reply[]): void {
    this.#tell({ type: "replies", replies });
  }
}

function* groups(batches: readonly BatchRequest[]): Generator<readonly BatchRequest[]> {
  let group: BatchRequest[] = [];
  let size = 0;
  for (const batch of batches) {
    if (group.length > 0 && size + batch.bytes.byteLength > MAX_TRANSACTION) {
      yield group;
      group = [];
      size = 0;
    }
    group.push(batch);
    size += batch.bytes.byteLength;
  }
  if (group.length > 0) yield group;
}
