import type { Capabilities, Exporter } from "../../component/component.ts";
import { ConsumerError } from "../../component/errors.ts";
import type { ComponentSettings } from "../../component/factory.ts";
import type { LogAttributes } from "../../component/logger.ts";
import type { Batch } from "../../telemetry/batch.ts";
import { summarize } from "../../telemetry/count.ts";
import type { DebugExporterConfig } from "./config.ts";
import { detailedText } from "./detailed.ts";
import { normalText } from "./normal.ts";
import { createOutput, type DebugOutput } from "./output.ts";
import { Sampler } from "./sampler.ts";

const HEADINGS = { traces: "Traces", metrics: "Metrics", logs: "Logs" } as const;

function counts(batch: Batch): LogAttributes {
  const { resources, metrics, items } = summarize(batch);
  switch (batch.signal) {
    case "traces":
      return { "resource spans": resources, spans: items };
    case "metrics":
      return { "resource metrics": resources, metrics, "data points": items };
    case "logs":
      return { "resource logs": resources, "log records": items };
  }
}

/** Writes what it gets, for people to read; delivers it nowhere. */
class DebugExporter implements Exporter {
  readonly capabilities: Capabilities = { mutatesData: false };
  readonly #config: DebugExporterConfig;
  readonly #output: DebugOutput;
  readonly #sampler: Sampler;

  constructor(settings: ComponentSettings, config: DebugExporterConfig) {
    this.#config = config;
    this.#output = createOutput(config, settings.logger);
    this.#sampler = new Sampler(config.sampling_initial, config.sampling_thereafter);
  }

  start(): Promise<void> {
    return this.#output.open();
  }

  /**
   * @throws ConsumerError permanent for bytes that are not well-formed, retryable when a file cannot be written
   */
  async consume(batch: Batch): Promise<void> {
    const heading = HEADINGS[batch.signal];
    if (this.#sampler.takes(heading)) await this.#write(heading, counts(batch));
    if (this.#config.verbosity === "basic") return;
    const text = this.#text(batch);
    if (this.#sampler.takes(text)) await this.#write(text);
  }

  shutdown(): Promise<void> {
    return this.#output.close();
  }

  #text({ signal, bytes }: Batch): string {
    try {
      return this.#config.verbosity === "normal" ? normalText(signal, bytes) : detailedText(signal, bytes);
    } catch (error) {
      if (error instanceof RangeError)
        throw ConsumerError.permanent(`the ${signal} are not well-formed: ${error.message}`, { cause: error });
      throw error;
    }
  }

  async #write(message: string, attributes?: LogAttributes): Promise<void> {
    try {
      await this.#output.write(message, attributes);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw ConsumerError.retryable(`cannot write debug output: ${reason}`, { cause: error });
    }
  }
}

export function createExporter(settings: ComponentSettings, config: DebugExporterConfig): Exporter {
  return new DebugExporter(settings, config);
}
