import { EnqueueError } from "./queue.ts";

interface Waiting {
  readonly size: number;
  enter(): void;
  refuse(error: EnqueueError): void;
}

/** How much of a queue is taken, and who waits for room in it. */
export class Room {
  readonly capacity: number;
  readonly #blocks: boolean;
  /** Who came first enters first, also if somebody behind is smaller. */
  #waiting: Waiting[] = [];
  #size = 0;
  #closed = false;

  /** @param blocks `block_on_overflow`: who finds no room waits for it */
  constructor(capacity: number, blocks: boolean) {
    this.capacity = capacity;
    this.#blocks = blocks;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Takes room.
   *
   * @param size more than 0
   * @returns `undefined` if it is taken; a promise if it will be, that rejects as this throws
   * @throws EnqueueError retryable: the queue is full, or was stopped; permanent: it can never fit
   */
  take(size: number): Promise<void> | undefined {
    if (this.#closed) throw stopped();
    if (size > this.capacity)
      throw new EnqueueError(
        `the batch can never be queued: its size is ${size}, and sending_queue::queue_size is ${this.capacity}`,
        true,
      );
    if (this.#waiting.length === 0 && this.#size + size <= this.capacity) {
      this.#size += size;
      return undefined;
    }
    if (!this.#blocks) throw new EnqueueError("sending queue is full", false);
    return new Promise((enter, refuse) => this.#waiting.push({ size, enter, refuse }));
  }

  /** For what is there already, left by an earlier process: it may be more than the capacity. */
  restore(size: number): void {
    this.#size += size;
  }

  /** Gives back what was taken, and lets those in who have room now: what their promises resolve with runs later. */
  give(size: number): void {
    this.#size -= size;
    while (this.#waiting.length > 0) {
      const first = this.#waiting[0]!;
      if (this.#size + first.size > this.capacity) return;
      this.#waiting.shift();
      this.#size += first.size;
      first.enter();
    }
  }

  /** Nobody enters any more; those that wait are refused. */
  close(): void {
    this.#closed = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { refuse } of waiting) refuse(stopped());
  }
}

function stopped(): EnqueueError {
  return new EnqueueError("the sending queue was stopped: the collector is shutting down", false);
}
