/** As many at once, and as many a second, as node:http2 allows. */
const BURST = 1_000;
const A_SECOND = 33;

/** How many streams a peer may open only to reset them ("rapid reset", CVE-2023-44487). */
export class ResetBudget {
  #tokens = BURST;
  #at = 0;

  /** @returns whether one more is all right */
  take(): boolean {
    const now = performance.now();
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#at) / 1000) * A_SECOND) - 1;
    this.#at = now;
    return this.#tokens >= 0;
  }
}
