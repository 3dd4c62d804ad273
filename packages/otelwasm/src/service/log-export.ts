import type { LogLevel } from "../abi/values.ts";
import { LineWriter, type LogAttributes, type Logger } from "../component/logger.ts";
import type { LogSettings } from "./log-settings.ts";
import { BatchExport } from "./telemetry/batch-export.ts";
import { keyValues } from "./telemetry/encode.ts";
import { createSender } from "./telemetry/otlp.ts";
import type { ResourceAttributes } from "./telemetry/resource.ts";

/** OpenTelemetry's: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber */
const SEVERITIES: Readonly<Record<LogLevel, number>> = { trace: 1, debug: 5, info: 9, warn: 13, error: 17 };

/** Where the lines of a collector's log go beside its outputs; a reload may change that. */
export interface LogOutlet {
  current: OwnLogs | undefined;
}

export interface OwnLogsOptions {
  readonly logs: LogSettings;
  readonly resource: ResourceAttributes;
  /** Hears of what could not be exported, so it must not be one that is. */
  readonly logger: Logger;
  readonly outlet: LogOutlet;
}

/** The own log, sent by OTLP. */
export class OwnLogs {
  readonly #exports: readonly BatchExport[];
  readonly #outlet: LogOutlet;

  /** @throws ConfigError if a destination cannot be used */
  constructor({ logs, resource, logger, outlet }: OwnLogsOptions) {
    this.#outlet = outlet;
    this.#exports = logs.processors.map(({ target, ...batch }) => {
      const exporter = createSender(target, "service::telemetry::logs", logger);
      return new BatchExport({ ...batch, signal: "logs", resource, exporter, logger });
    });
  }

  add(level: LogLevel, message: string, attributes: LogAttributes | undefined): void {
    const time = `${Date.now()}000000`;
    const record = {
      timeUnixNano: time,
      observedTimeUnixNano: time,
      severityNumber: SEVERITIES[level],
      severityText: level,
      body: { stringValue: message },
      attributes: keyValues(
        Object.entries(attributes ?? {}).map(([key, value]) => [key, value instanceof Error ? value.message : value]),
      ),
    };
    for (const each of this.#exports) each.add(record);
  }

  async start(): Promise<void> {
    for (const each of this.#exports) await each.start();
    this.#outlet.current = this;
  }

  /** With the lines of everything that has stopped by now. */
  async shutdown(): Promise<void> {
    if (this.#outlet.current === this) this.#outlet.current = undefined;
    await Promise.all(this.#exports.map((each) => each.shutdown()));
  }
}

/** A logger whose lines go to an outlet, too, where they are at least of the level that is configured. Every one: sampling is for what people read. */
export class ExportedLogger extends LineWriter {
  readonly #target: Logger;
  readonly #outlet: LogOutlet;
  readonly #from: number;

  constructor(target: Logger, level: LogSettings["level"], outlet: LogOutlet) {
    super();
    this.#target = target;
    this.#outlet = outlet;
    this.#from = level === "fatal" ? Number.POSITIVE_INFINITY : SEVERITIES[level];
  }

  override write(level: LogLevel, message: string, attributes: LogAttributes | undefined): void {
    this.#target[level](message, attributes);
    if (SEVERITIES[level] >= this.#from) this.#outlet.current?.add(level, message, attributes);
  }
}
