import type { Signal } from "../telemetry/batch.ts";

/** What a signal is made of, as the Collector has it: in the names of own metrics, in their units, in sentences. */
export const ITEM_WORDS: Readonly<
  Record<Signal, { readonly name: string; readonly unit: string; readonly words: string }>
> = {
  traces: { name: "spans", unit: "{spans}", words: "spans" },
  metrics: { name: "metric_points", unit: "{datapoints}", words: "metric points" },
  logs: { name: "log_records", unit: "{records}", words: "log records" },
};
