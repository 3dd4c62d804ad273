import type { Logger } from "../../component/logger.ts";
import type { Batch } from "../../telemetry/batch.ts";
import { countItems } from "../../telemetry/count.ts";

/** Why data did not go on, and how that is said. */
const REASONS = {
  /** What a guest gave out is not OTLP. */
  malformed: "The plugin's data is not OTLP; it is refused",
  /** The pipeline will not have it. */
  refused: "The pipeline refused the plugin's data",
  /** It came when the receiver had been stopped. */
  late: "The plugin's data came after the stop; it is refused",
  /** `on_failure: drop` */
  dropped: "The plugin is broken; data is dropped",
} as const;
export type LossReason = keyof typeof REASONS;

interface Count {
  batches: number;
  items: number;
  bytes: number;
}

/** Between two lines for one reason: a guest must not fill the log with what is wrong with it. */
const QUIET_MS = 10_000;

/** Counts the data that a component did not pass on, and says so in the log: never silently, never in a flood. */
export class Losses {
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #counts = new Map<LossReason, Count>();
  readonly #saidAt = new Map<LossReason, number>();
  readonly #unsaid = new Map<LossReason, number>();

  /** @param now milliseconds of a clock that never goes back */
  constructor(logger: Logger, now: () => number = () => performance.now()) {
    this.#logger = logger;
    this.#now = now;
  }

  /**
   * @param batch its bytes are looked at only here
   * @param why what the line says beside the reason
   */
  add(reason: LossReason, batch: Batch, why: string): void {
    const count = this.#counts.get(reason) ?? { batches: 0, items: 0, bytes: 0 };
    this.#counts.set(reason, count);
    const items = countItems(batch);
    count.batches++;
    count.items += items;
    count.bytes += batch.bytes.length;
    const now = this.#now();
    const unsaid = this.#unsaid.get(reason) ?? 0;
    if (now - (this.#saidAt.get(reason) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) {
      this.#unsaid.set(reason, unsaid + 1);
      return;
    }
    this.#saidAt.set(reason, now);
    this.#unsaid.set(reason, 0);
    this.#logger.warn(REASONS[reason], {
      reason: why,
      items,
      bytes: batch.bytes.length,
      ...(unsaid === 0 ? {} : { batches_before: unsaid }),
    });
  }

  /** For tests and, later, metrics. */
  get(reason: LossReason): Readonly<Count> {
    return this.#counts.get(reason) ?? { batches: 0, items: 0, bytes: 0 };
  }

  /** At the end, everything in one line, if there is anything. */
  report(): void {
    if (this.#counts.size > 0) this.#logger.warn("Data that was not passed on", Object.fromEntries(this.#counts));
  }
}
