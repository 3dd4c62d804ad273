import type { RestartOptions } from "./options.ts";

/** When an instance that broke is replaced: at once, then later and later while nothing works, and not for ever. */
export class RestartPolicy {
  readonly #options: RestartOptions;
  readonly #now: () => number;
  readonly #random: () => number;
  /** When each attempt of the window was asked for, the oldest first. */
  readonly #attempts: number[] = [];
  #inARow = 0;

  /**
   * @param now milliseconds of a clock that never goes back
   * @param random from 0 to 1, without 1
   */
  constructor(
    options: RestartOptions,
    now: () => number = () => performance.now(),
    random: () => number = Math.random,
  ) {
    this.#options = options;
    this.#now = now;
    this.#random = random;
  }

  /**
   * Counts an attempt.
   *
   * @returns milliseconds to wait before it, 0 for the first in a row; `undefined`: there were too many, give up
   */
  next(): number | undefined {
    const { initialIntervalMs, maxIntervalMs, maxRestarts, windowMs } = this.#options;
    const now = this.#now();
    while (this.#attempts.length > 0 && this.#attempts[0]! <= now - windowMs) this.#attempts.shift();
    if (this.#attempts.length >= maxRestarts) return undefined;
    this.#attempts.push(now);
    const earlier = this.#inARow++;
    if (earlier === 0) return 0;
    // Between half of the interval and the whole, so that what broke together does not come back together.
    return Math.min(maxIntervalMs, initialIntervalMs * 2 ** (earlier - 1)) * (0.5 + this.#random() / 2);
  }

  /** The instance works: the next failure is the first in a row again. */
  worked(): void {
    this.#inARow = 0;
  }
}
