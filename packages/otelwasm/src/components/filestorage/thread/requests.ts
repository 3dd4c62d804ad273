import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { BatchRequest, Reply, Request, Result, StoreMessage, StoreStats } from "../protocol.ts";
import { pagesOf } from "./database.ts";
import { Failure, isFull } from "./failure.ts";
import type { Store } from "./store.ts";

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
    for (const group of groups(batches, this.#transactionBytes())) this.#replyAll(this.#write(group));
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
        const full = this.#refusal(batch, pages);
        if (full !== undefined) rejected.push(this.#failed(batch.call, full));
        else pages += pagesOf(batch);
        return full === undefined;
      });
      if (accepted.length > 0) this.#commit(accepted);
      return [...rejected, ...accepted.map(({ call }) => ({ call, result: undefined }))];
    } catch (error) {
      if (!isFull(error) || (accepted.length === 1 && !this.#store.makeRoom()))
        return [...rejected, ...accepted.map(({ call }) => this.#failed(call, error))];
      const making = accepted.toSorted((a, b) => Math.sign(pagesOf(a)) - Math.sign(pagesOf(b)));
      return [...rejected, ...making.flatMap((batch) => this.#write([batch]))];
    }
  }

  /** Why a call is not taken, if it is not. @param pages of the calls that it would be in one transaction with */
  #refusal(batch: BatchRequest, pages: number): Failure | undefined {
    const more = pagesOf(batch);
    if (more === 0) return undefined;
    if (!this.#store.ask((database) => database.hasRoom(pages + more)))
      return new Failure("full", `the files in ${this.#directory} have reached max_size`);
    return this.#store.takes() ? undefined : new Failure("full", `no room on the disk of ${this.#directory}`);
  }

  #transactionBytes(): number {
    try {
      return this.#store.ask((database) => database.transactionBytes);
    } catch {
      // Each call is told for itself.
      return 0;
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
      more = this.#store.shrink();
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

/** @param limit bytes of values in a group, unless a single call has more */
function* groups(batches: readonly BatchRequest[], limit: number): Generator<readonly BatchRequest[]> {
  let group: BatchRequest[] = [];
  let size = 0;
  for (const batch of batches) {
    if (group.length > 0 && size + batch.bytes.byteLength > limit) {
      yield group;
      group = [];
      size = 0;
    }
    group.push(batch);
    size += batch.bytes.byteLength;
  }
  if (group.length > 0) yield group;
}
