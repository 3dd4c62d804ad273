/** Where time comes from: `systemClock`, or a test's own. */
export interface Clock {
  /** In milliseconds, and never back. */
  now(): number;
  /**
   * Runs something once, not before so many milliseconds have passed.
   *
   * @returns ends it
   */
  after(milliseconds: number, run: () => void): () => void;
}

/** The longest that a timer of Node.js can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Timers that do not keep the process alive: what waits here is to be ended by a shutdown. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, Math.min(milliseconds, MAX_TIMER_MS)).unref();
    return () => clearTimeout(timer);
  },
};

/** Something that is to happen at a time. */
export interface Timed {
  /** Set by `Schedule`. */
  dueAt: number;
  /** Set by `Schedule`: its place there; to begin with, and when it is not there, -1. */
  place: number;
  /** Called at most once for each `add`, and not after `remove`. */
  onDue(): void;
}

/** Everything of one exporter that waits, behind one timer: a heap of what is due when. */
export class Schedule {
  readonly #clock: Clock;
  /** Each is due no later than the two at twice its index plus one and two. */
  readonly #heap: Timed[] = [];
  /** When the timer fires; it may be earlier than needed, as it is not moved when something is removed. */
  #wakesAt: number = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** @param entry is not in it */
  add(entry: Timed, milliseconds: number): void {
    entry.dueAt = this.#clock.now() + milliseconds;
    this.#heap.push(entry);
    this.#rise(entry, this.#heap.length - 1);
    this.#arm();
  }

  /** @returns whether it was there */
  remove(entry: Timed): boolean {
    const place = entry.place;
    if (place < 0) return false;
    entry.place = -1;
    const last = this.#heap.pop()!;
    if (last !== entry) {
      this.#rise(last, place);
      this.#sink(last, last.place);
    }
    return true;
  }

  /** Ends the timer; what is still there is not called, unless something is added again. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#wakesAt = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined || first.dueAt >= this.#wakesAt) return;
    this.#cancel?.();
    this.#wakesAt = first.dueAt;
    this.#cancel = this.#clock.after(Math.max(0, first.dueAt - this.#clock.now()), () => this.#wake());
  }

  #wake(): void {
    this.#cancel = undefined;
    this.#wakesAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    // So many and no more: what is added meanwhile, even for now, waits for the next turn, so that a chain of them does not hold the event loop.
    for (let left = this.#heap.length; left > 0; left--) {
      const first = this.#heap[0];
      if (first === undefined || first.dueAt > now) break;
      this.remove(first);
      first.onDue();
    }
    this.#arm();
  }

  #put(entry: Timed, place: number): void {
    this.#heap[place] = entry;
    entry.place = place;
  }

  /** Puts an entry where it belongs, at `place` or nearer to the first. */
  #rise(entry: Timed, place: number): void {
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = this.#heap[parent]!;
      if (above.dueAt <= entry.dueAt) break;
      this.#put(above, place);
      place = parent;
    }
    this.#put(entry, place);
  }

  /** The same, away from the first. */
  #sink(entry: Timed, place: number): void {
    const { length } = this.#heap;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= length) break;
      if (child + 1 < length && this.#heap[child + 1]!.dueAt < this.#heap[child]!.dueAt) child++;
      const below = this.#heap[child]!;
      if (below.dueAt >= entry.dueAt) break;
      this.#put(below, place);
      place = child;
    }
    this.#put(entry, place);
  }
}
