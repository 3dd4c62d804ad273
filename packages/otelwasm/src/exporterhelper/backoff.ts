import type { RetryConfig } from "./config.ts";

/** How long one batch waits between its attempts: the Collector's exponential back-off. */
export class Backoff {
  readonly #config: RetryConfig;
  readonly #random: () => number;
  #interval: number;

  /** @param random from 0 to 1 */
  constructor(config: RetryConfig, random: () => number = Math.random) {
    this.#config = config;
    this.#random = random;
    this.#interval = config.initial_interval;
  }

  /** @returns milliseconds to wait before the next attempt; each call goes one further */
  next(): number {
    const { randomization_factor, multiplier, max_interval } = this.#config;
    const interval = this.#interval;
    this.#interval = interval >= max_interval / multiplier ? max_interval : interval * multiplier;
    const spread = randomization_factor * interval;
    return interval - spread + 2 * spread * this.#random();
  }
}
