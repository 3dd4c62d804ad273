/**
 * Keeps a line that could come with every batch from filling the log: the first of its kind is said at once, then one in each period,
 * with how many there were.
 */
export class Throttle {
  readonly #periodMs: number;
  readonly #now: () => number;
  readonly #kinds: Map<string, { saidAt: number; since: number }> = new Map();

  /** @param now in milliseconds, of a clock that does not go back */
  constructor(periodMs = 10_000, now: () => number = () => performance.now()) {
    this.#periodMs = periodMs;
    this.#now = now;
  }

  /**
   * Counts one.
   *
   * @param kind one of few: each is remembered
   * @returns 0: say nothing. Otherwise how many there were since the last that was said, this one included.
   */
  count(kind: string): number {
    const now = this.#now();
    const known = this.#kinds.get(kind);
    if (known === undefined) {
      this.#kinds.set(kind, { saidAt: now, since: 0 });
      return 1;
    }
    known.since++;
    if (now - known.saidAt < this.#periodMs) return 0;
    const { since } = known;
    known.saidAt = now;
    known.since = 0;
    return since;
  }
}
