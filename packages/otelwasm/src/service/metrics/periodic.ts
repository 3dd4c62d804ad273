import type { Exporter } from "../../component/component.ts";
import type { Logger } from "../../component/logger.ts";
import { Throttle } from "../../component/throttle.ts";
import { within } from "../lifecycle.ts";

export interface PeriodicOptions {
  readonly intervalMs: number;
  /** For one export, the collection included. */
  readonly timeoutMs: number;
  /** Gives the metrics, as OTLP. */
  readonly collect: () => Promise<Uint8Array>;
  readonly exporter: Exporter;
  readonly logger: Logger;
}

/** Own metrics, sent again and again, and once more at the end. One that fails is told to the log, and the next is tried: each has all counts. */
export class PeriodicExport {
  readonly #options: PeriodicOptions;
  readonly #failures: Throttle = new Throttle(60_000);
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;

  constructor(options: PeriodicOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#options.exporter.start();
    this.#timer = setInterval(() => {
      // A destination that is slower than the interval gets fewer.
      this.#sending ??= this.#send().finally(() => {
        this.#sending = undefined;
      });
    }, this.#options.intervalMs).unref();
  }

  async shutdown(): Promise<void> {
    const started = this.#timer !== undefined;
    clearInterval(this.#timer);
    await this.#sending;
    if (started) await this.#send();
    await this.#options.exporter.shutdown();
  }

  async #send(): Promise<void> {
    const { collect, exporter, timeoutMs, logger } = this.#options;
    try {
      const sent = collect().then((bytes) => exporter.consume({ signal: "metrics", bytes }));
      await within(timeoutMs, sent);
    } catch (error) {
      const exports = this.#failures.count("export");
      if (exports > 0) logger.warn("Own metrics could not be exported", { error, exports });
    }
  }
}
