/** What a waiting guest is woken by. */
export interface WakeSource {
  /**
   * One cell, shared with whoever has something to tell: it is added to and notified whenever a socket of the guest changes, and when
   * shutdown is requested.
   */
  readonly wake?: Int32Array | undefined;
  readonly shutdownRequested?: (() => boolean) | undefined;
}

/** How the thread of one instance waits: nothing else runs on it meanwhile. */
export class Waiter {
  readonly #wake: Int32Array;
  readonly #shutdownRequested: () => boolean;
  /** Told once: a guest that goes on to wait after that must not spin. */
  #told = false;

  /** Without a `wake` a wait ends with its time only. */
  constructor({ wake, shutdownRequested }: WakeSource) {
    this.#wake = wake ?? new Int32Array(new SharedArrayBuffer(4));
    this.#shutdownRequested = shutdownRequested ?? (() => false);
  }

  /**
   * @param ready asked at once, and again after each wake-up; must not wait
   * @param due in nanoseconds of the monotonic clock; without it the wait has no end of its own
   * @returns what `ready` gave as soon as it gave something; `shutdown` once if shutdown was requested
   */
  wait<T>(ready: () => T | undefined, due?: bigint): { readonly value: T } | "due" | "shutdown" {
    for (;;) {
      // Read before the question: what changes after it ends the wait below at once.
      const seen = Atomics.load(this.#wake, 0);
      const value = ready();
      if (value !== undefined) return { value };
      const left = due === undefined ? Number.POSITIVE_INFINITY : Number(due - process.hrtime.bigint()) / 1e6;
      if (left <= 0) return "due";
      if (!this.#told && this.#shutdownRequested()) {
        this.#told = true;
        return "shutdown";
      }
      Atomics.wait(this.#wake, 0, seen, left);
    }
  }

  /** As `wait`, for what answers soon whatever else happens: shutdown does not end it. */
  waitFor<T>(ready: () => T | undefined): T {
    for (;;) {
      const seen = Atomics.load(this.#wake, 0);
      const value = ready();
      if (value !== undefined) return value;
      Atomics.wait(this.#wake, 0, seen);
    }
  }
}

/** From any thread: whoever waits on the cell looks again. */
export function wakeUp(wake: Int32Array): void {
  Atomics.add(wake, 0, 1);
  Atomics.notify(wake, 0);
}
