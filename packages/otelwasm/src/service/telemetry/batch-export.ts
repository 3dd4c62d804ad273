import type { Exporter } from "../../component/component.ts";
import type { Logger } from "../../component/logger.ts";
import { Throttle } from "../../component/throttle.ts";
import { within } from "../lifecycle.ts";
import { encodeIn } from "./encode.ts";
import type { BatchSettings } from "./processors.ts";
import type { ResourceAttributes } from "./resource.ts";

export interface BatchExportOptions extends BatchSettings {
  readonly signal: "traces" | "logs";
  readonly resource: ResourceAttributes;
  readonly exporter: Exporter;
  /** Must not lead back here. */
  readonly logger: Logger;
}

/**
 * Own spans or log records, collected and sent. What comes while the queue is full is lost, and so is what the destination does not take: a collector does
 * not wait for its own telemetry. Both are told to the log.
 */
export class BatchExport {
  readonly #options: BatchExportOptions;
  readonly #failures: Throttle = new Throttle(60_000);
  #queue: object[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #started = false;

  constructor(options: BatchExportOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#options.exporter.start();
    this.#started = true;
    this.#schedule();
  }

  /** @param item a span or log record in OTLP's JSON */
  add(item: object): void {
    const { maxQueueSize } = this.#options;
    if (this.#queue.length >= maxQueueSize) {
      this.#lost(1, `more than ${maxQueueSize} wait to be exported`);
      return;
    }
    this.#queue.push(item);
    this.#schedule();
  }

  /** Sends what there is. */
  async shutdown(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#sending;
    if (this.#started) await this.#flush();
    this.#started = false;
    await this.#options.exporter.shutdown();
  }

  #schedule(): void {
    const { scheduleDelay, maxExportBatchSize } = this.#options;
    if (!this.#started || this.#sending !== undefined || this.#queue.length === 0) return;
    const full = this.#queue.length >= maxExportBatchSize;
    if (this.#timer !== undefined && !full) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#send(), full ? 0 : scheduleDelay).unref();
  }

  #send(): void {
    this.#timer = undefined;
    this.#sending = this.#flush().finally(() => {
      this.#sending = undefined;
      this.#schedule();
    });
  }

  async #flush(): Promise<void> {
    const { signal, resource, exporter, exportTimeout, maxExportBatchSize } = this.#options;
    const queue = this.#queue;
    this.#queue = [];
    for (let at = 0; at < queue.length; at += maxExportBatchSize) {
      const items = queue.slice(at, at + maxExportBatchSize);
      try {
        const bytes = encodeIn(signal, resource, items);
        await within(exportTimeout, exporter.consume({ signal, bytes }));
      } catch (error) {
        this.#lost(items.length, error);
      }
    }
  }

  #lost(items: number, error: unknown): void {
    const { signal, logger } = this.#options;
    if (this.#failures.count("lost") > 0) logger.warn(`Own ${signal} could not be exported`, { error, items });
  }
}
