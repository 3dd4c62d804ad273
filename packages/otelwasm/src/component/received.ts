import type { Signal } from "../telemetry/batch.ts";
import { ConsumerError } from "./errors.ts";
import type { ComponentSettings } from "./factory.ts";
import type { Count, Instrument } from "./measuring.ts";

/** What a receiver counts of one signal and transport, in spans, data points or log records. */
export interface Received {
  readonly accepted: Count;
  readonly refused: Count;
  readonly failed: Count;
}

/** The Collector's words for what a signal is made of: in names, in units, in sentences. */
const ITEMS: Readonly<Record<Signal, readonly [name: string, unit: string, words: string]>> = {
  traces: ["spans", "{spans}", "spans"],
  metrics: ["metric_points", "{datapoints}", "metric points"],
  logs: ["log_records", "{records}", "log records"],
};

const OUTCOMES = {
  accepted: (items: string) => `Number of ${items} successfully pushed into the pipeline.`,
  refused: (items: string) => `Number of ${items} that could not be pushed into the pipeline.`,
  failed: (items: string) =>
    `The number of ${items} that failed to be processed by the receiver due to internal errors.`,
} as const;

/** @param transport as in the label: `grpc`, `http`; empty for a receiver that is not sent anything @returns undefined: nothing is measured, and counting would be in vain */
export function createReceived(settings: ComponentSettings, transport: string): Received | undefined {
  const { id, signal, measuring } = settings;
  if (measuring === undefined) return undefined;
  const [name, unit, words] = ITEMS[signal];
  const counter = (outcome: keyof typeof OUTCOMES): Count => {
    const instrument: Instrument = {
      name: `otelcol_receiver_${outcome}_${name}`,
      unit,
      description: OUTCOMES[outcome](words),
    };
    return measuring.counter(instrument, { receiver: id, transport });
  };
  return { accepted: counter("accepted"), refused: counter("refused"), failed: counter("failed") };
}

/** Counts what did not get through: refused is what a component behind the receiver said no to, for now or for good; all else failed. */
export function countFailure(received: Received | undefined, items: number, error: unknown): void {
  if (received === undefined) return;
  if (error instanceof ConsumerError) received.refused.value += items;
  else received.failed.value += items;
}
