/** Something with a time limit. */
export interface Deadline {
  /** Set by `Deadlines`. */
  deadlineAt: number;
  /** Set by `Deadlines`: its place among the pending ones, -1 when it is not pending. */
  deadlineIndex: number;
  /** Called at most once for each `add`, and not after `remove`. */
  onDeadline(): void;
}

/** How late a deadline may be noticed, in milliseconds. */
const TICK_MS = 20;

/**
 * Time limits of requests. A timer for each would cost more than the request's other bookkeeping: here one timer looks at
 * all that are pending, adding and removing are an array access each, and an empty set has no timer.
 */
export class Deadlines {
  readonly #pending: Deadline[] = [];
  #timer: NodeJS.Timeout | undefined;
  #idleTicks = 0;

  get size(): number {
    return this.#pending.length;
  }

  /** @param milliseconds from now */
  add(entry: Deadline, milliseconds: number): void {
    entry.deadlineAt = performance.now() + milliseconds;
    entry.deadlineIndex = this.#pending.length;
    this.#pending.push(entry);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
  }

  /** Does nothing if it is not pending. */
  remove(entry: Deadline): void {
    const index = entry.deadlineIndex;
    if (index < 0) return;
    entry.deadlineIndex = -1;
    const last = this.#pending.pop()!;
    if (last === entry) return;
    this.#pending[index] = last;
    last.deadlineIndex = index;
  }

  #tick(): void {
    const pending = this.#pending;
    if (pending.length === 0) {
      // Not at once: under load the set is empty for moments only.
      if (++this.#idleTicks >= 5) this.close();
      return;
    }
    this.#idleTicks = 0;
    const now = performance.now();
    // From the end: `remove` moves the last one into the gap, and that one was looked at already.
    for (let i = pending.length - 1; i >= 0; i--) {
      const entry = pending[i];
      if (entry === undefined || entry.deadlineAt > now) continue;
      this.remove(entry);
      entry.onDeadline();
    }
  }

  /** Stops the timer; pending entries are not called unless something is added again. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#idleTicks = 0;
  }
}
