import { monotonicNano, sleep } from "@otelwasm/sdk";

/** When the next batch is due. */
export class Pace {
  private due: u64;
  private interval: u64;

  /** @param rate batches in a second; 0 for as many as the pipeline takes */
  constructor(rate: f64) {
    this.interval = rate > 0 ? <u64>(1e9 / rate) : 0;
    this.due = monotonicNano();
  }

  /** @returns false when the collector shuts down */
  next(): bool {
    const now = monotonicNano();
    this.due += this.interval;
    // After a time in which the pipeline took nothing, nothing is caught up on.
    if (this.due + 1_000_000_000 < now) this.due = now;
    return sleep(this.due > now ? <f64>(this.due - now) / 1e6 : 0);
  }
}
