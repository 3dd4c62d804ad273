import * as z from "zod";
import { milliseconds, type OtlpTarget, otlpSchema } from "./otlp.ts";

/** Of OpenTelemetry's batch span and log record processors; times in milliseconds. */
export interface BatchSettings {
  readonly scheduleDelay: number;
  readonly exportTimeout: number;
  readonly maxQueueSize: number;
  readonly maxExportBatchSize: number;
}

/** Where own spans or log records go, and how many at a time. */
export interface ProcessorSettings extends BatchSettings {
  readonly target: OtlpTarget;
}

const DELAYS = { traces: 5_000, logs: 1_000 } as const;
const console = z.never({ error: "the console exporter is not supported in this version; use otlp" }).optional();

/** `processors` of own traces and logs: OpenTelemetry's declarative configuration, as the Collector has it. */
export function processorsSchema(signal: "traces" | "logs"): z.ZodType<readonly ProcessorSettings[]> {
  const exporter = z.strictObject({ otlp: otlpSchema(signal), console });
  const batch = z
    .strictObject({
      schedule_delay: milliseconds().min(0).default(DELAYS[signal]),
      export_timeout: milliseconds().min(1).default(30_000),
      max_queue_size: z.int().min(1).default(2_048),
      max_export_batch_size: z.int().min(1).default(512),
      exporter,
    })
    .transform(
      (given): ProcessorSettings => ({
        scheduleDelay: given.schedule_delay,
        exportTimeout: given.export_timeout,
        maxQueueSize: given.max_queue_size,
        maxExportBatchSize: given.max_export_batch_size,
        target: given.exporter.otlp,
      }),
    );
  // Each on its own, as soon as it is there.
  const simple = z.strictObject({ exporter }).transform(
    ({ exporter: { otlp } }): ProcessorSettings => ({
      scheduleDelay: 0,
      exportTimeout: 30_000,
      maxQueueSize: 2_048,
      maxExportBatchSize: 1,
      target: otlp,
    }),
  );
  return z.array(
    z
      .strictObject({ batch: batch.optional(), simple: simple.optional() })
      .transform(({ batch, simple }, context): ProcessorSettings => {
        if (batch !== undefined && simple === undefined) return batch;
        if (simple !== undefined && batch === undefined) return simple;
        context.addIssue({ code: "custom", message: "must have batch or simple, one of them" });
        return z.NEVER;
      }),
  );
}
