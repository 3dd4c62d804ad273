import { randomBytes } from "node:crypto";
import type { Logger } from "../../component/logger.ts";
import type { Tracing } from "../../component/tracing.ts";
import type { Span } from "../../telemetry/span.ts";
import { BatchExport } from "../telemetry/batch-export.ts";
import { keyValues } from "../telemetry/encode.ts";
import { createSender } from "../telemetry/otlp.ts";
import type { ResourceAttributes } from "../telemetry/resource.ts";
import type { TracesSettings } from "./settings.ts";

const COMPONENT = "service::telemetry::traces";
/** `SPAN_KIND_INTERNAL` and `STATUS_CODE_ERROR` of OTLP. */
const INTERNAL = 1;
const ERROR = 2;

export interface TracesOptions {
  readonly traces: TracesSettings;
  readonly resource: ResourceAttributes;
  /** Must not lead to a pipeline that is traced. */
  readonly logger: Logger;
}

/** Own traces, sampled where they begin. */
export class OwnTraces implements Tracing {
  readonly #ratio: number;
  readonly #exports: readonly BatchExport[];

  /** @throws ConfigError if a destination cannot be used */
  constructor({ traces, resource, logger }: TracesOptions) {
    this.#ratio = traces.ratio;
    this.#exports = traces.processors.map(
      ({ target, ...batch }) =>
        new BatchExport({
          ...batch,
          signal: "traces",
          resource,
          exporter: createSender(target, COMPONENT, logger),
          logger,
        }),
    );
  }

  begin(name: string): Span | undefined {
    if (Math.random() >= this.#ratio) return undefined;
    return new RecordingSpan(name, randomBytes(16).toString("hex"), undefined, (span) => {
      for (const each of this.#exports) each.add(span);
    });
  }

  async start(): Promise<void> {
    for (const each of this.#exports) await each.start();
  }

  async shutdown(): Promise<void> {
    await Promise.all(this.#exports.map((each) => each.shutdown()));
  }
}

class RecordingSpan implements Span {
  readonly #name: string;
  readonly #traceId: string;
  readonly #spanId: string = randomBytes(8).toString("hex");
  readonly #parentSpanId: string | undefined;
  readonly #start: string = nanosecondsNow();
  readonly #ended: (span: object) => void;
  #attributes: Record<string, string | number | boolean> = {};

  /** @param ended gets the span in OTLP's JSON */
  constructor(name: string, traceId: string, parentSpanId: string | undefined, ended: (span: object) => void) {
    this.#name = name;
    this.#traceId = traceId;
    this.#parentSpanId = parentSpanId;
    this.#ended = ended;
  }

  set(attributes: Readonly<Record<string, string | number | boolean>>): void {
    Object.assign(this.#attributes, attributes);
  }

  child(name: string): Span {
    return new RecordingSpan(name, this.#traceId, this.#spanId, this.#ended);
  }

  end(error?: unknown): void {
    this.#ended({
      traceId: this.#traceId,
      spanId: this.#spanId,
      ...(this.#parentSpanId === undefined ? {} : { parentSpanId: this.#parentSpanId }),
      name: this.#name,
      kind: INTERNAL,
      startTimeUnixNano: this.#start,
      endTimeUnixNano: nanosecondsNow(),
      attributes: keyValues(Object.entries(this.#attributes)),
      status:
        error === undefined ? {} : { code: ERROR, message: error instanceof Error ? error.message : String(error) },
    });
  }
}

/** Since 1970, of a clock that does not go back. */
function nanosecondsNow(): string {
  const now = performance.timeOrigin + performance.now();
  const seconds = Math.floor(now / 1_000);
  return `${seconds}${String(Math.floor((now - seconds * 1_000) * 1e6)).padStart(9, "0")}`;
}
