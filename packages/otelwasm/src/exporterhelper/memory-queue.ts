import { ConsumerError } from "../component/errors.ts";
import type { Batch } from "../telemetry/batch.ts";
import { type Queue, type QueueItem, type Sizer, sizeOf } from "./queue.ts";
import { Room } from "./room.ts";

export interface MemoryQueueOptions {
  readonly sizer: Sizer;
  /** In units of the sizer. */
  readonly capacity: number;
  /** `block_on_overflow` */
  readonly blocks: boolean;
  /** `wait_for_result`: senders are answered with what came of their batch. */
  readonly waits: boolean;
}

/** Batches in the order of their coming. What they hold is lost with the process; with `waits` nobody was told otherwise. */
export class MemoryQueue implements Queue {
  readonly undelivered: "rejected" | "dropped";
  readonly #options: MemoryQueueOptions;
  readonly #room: Room;
  /** The line, linked: the first that comes out, the last that came in. */
  #first: MemoryItem | undefined;
  #last: MemoryItem | undefined;
  #readable: () => void = () => {};
  #ended = false;

  constructor(options: MemoryQueueOptions) {
    this.#options = options;
    this.undelivered = options.waits ? "rejected" : "dropped";
    this.#room = new Room(options.capacity, options.blocks);
  }

  get size(): number {
    return this.#room.size;
  }

  get capacity(): number {
    return this.#room.capacity;
  }

  start(readable: () => void): Promise<void> {
    this.#readable = readable;
    return Promise.resolve();
  }

  offer(batch: Batch): Promise<void> {
    const size = sizeOf(batch, this.#options.sizer);
    // As in the Collector: nothing to deliver.
    if (size === 0) return Promise.resolve();
    let room: Promise<void> | undefined;
    try {
      room = this.#room.take(size);
    } catch (error) {
      return Promise.reject(error);
    }
    return room === undefined ? this.#enter(batch, size) : room.then(() => this.#enter(batch, size));
  }

  poll(): QueueItem | undefined {
    const item = this.#first;
    if (item === undefined) return undefined;
    this.#first = item.next;
    if (item.next === undefined) this.#last = undefined;
    item.next = undefined;
    return item;
  }

  stop(): void {
    this.#room.close();
  }

  shutdown(): Promise<void> {
    this.stop();
    this.#ended = true;
    for (let item = this.poll(); item !== undefined; item = this.poll()) item.done(ended());
    return Promise.resolve();
  }

  /** Room was taken. */
  #enter(batch: Batch, size: number): Promise<void> {
    // Somebody who had waited for room got it just before the end.
    if (this.#ended) return Promise.reject(ended());
    const item = new MemoryItem(this.#room, batch, size);
    const answer = this.#options.waits ? item.answered() : DONE;
    const wasEmpty = this.#first === undefined;
    if (this.#last === undefined) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
    if (wasEmpty) this.#readable();
    return answer;
  }
}

const DONE: Promise<void> = Promise.resolve();

function ended(): ConsumerError {
  return ConsumerError.retryable("not delivered: the collector was shut down");
}

class MemoryItem implements QueueItem {
  readonly batch: Batch;
  next: MemoryItem | undefined = undefined;
  readonly #size: number;
  readonly #room: Room;
  #resolve: (() => void) | undefined = undefined;
  #reject: ((error: ConsumerError) => void) | undefined = undefined;

  constructor(room: Room, batch: Batch, size: number) {
    this.#room = room;
    this.batch = batch;
    this.#size = size;
  }

  /** What the sender waits for. */
  answered(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  done(error?: ConsumerError): void {
    if (error === undefined) this.#resolve?.();
    else this.#reject?.(error);
    this.#room.give(this.#size);
  }
}
