import type { Batch, Signal } from "../telemetry/batch.ts";
import { itemsOf } from "../telemetry/count.ts";
import { ConsumerError } from "./errors.ts";
import type { ComponentSettings } from "./factory.ts";
import { ITEM_WORDS } from "./items.ts";
import type { Count, Instrument } from "./measuring.ts";

/** The last part of the name of a receiver's span, as the Collector has it. */
const RECEIVED: Readonly<Record<Signal, string>> = {
  traces: "TraceDataReceived",
  metrics: "MetricsReceived",
  logs: "LogsReceived",
};

const OUTCOMES = {
  accepted: (items: string) => `Number of ${items} successfully pushed into the pipeline.`,
  refused: (items: string) => `Number of ${items} that could not be pushed into the pipeline.`,
  failed: (items: string) =>
    `The number of ${items} that failed to be processed by the receiver due to internal errors.`,
} as const;
type Outcome = keyof typeof OUTCOMES;
const NAMES = Object.keys(OUTCOMES) as readonly Outcome[];

/** What own telemetry tells of the batches that a receiver hands on: of one signal, by one transport. */
export interface Arrivals {
  /** Before a batch is handed on. @returns what to hand on in its place */
  begin(batch: Batch): Batch;
  /** @param batch as `begin` gave it */
  accepted(batch: Batch): void;
  /** @param batch as `begin` gave it @param error refused is what a component behind the receiver said no to, for now or for good; all else failed */
  failed(batch: Batch, error: unknown): void;
}

/**
 * @param transport as in the label: `grpc`, `http`; empty for a receiver that is not sent anything
 * @returns undefined: nothing is told, so that nothing has to be counted
 */
export function createArrivals(settings: ComponentSettings, transport: string): Arrivals | undefined {
  const { id, signal, measuring, tracing } = settings;
  if (measuring === undefined && tracing === undefined) return undefined;
  const { name, unit, words } = ITEM_WORDS[signal];
  const counter = (outcome: Outcome): Count => {
    const description = OUTCOMES[outcome](words);
    const instrument: Instrument = { name: `otelcol_receiver_${outcome}_${name}`, unit, description };
    return measuring?.counter(instrument, { receiver: id, transport }) ?? { value: 0 };
  };
  const counts = { accepted: counter("accepted"), refused: counter("refused"), failed: counter("failed") };
  const spanName = `receiver/${id}/${RECEIVED[signal]}`;
  const end = (batch: Batch, outcome: Outcome, error?: unknown): void => {
    const items = batch.items ?? 0;
    counts[outcome].value += items;
    const { span } = batch;
    if (span === undefined) return;
    span.set({ transport, format: "protobuf" });
    for (const each of NAMES) span.set({ [`${each}_${name}`]: each === outcome ? items : 0 });
    span.end(error);
  };
  return {
    begin(batch) {
      itemsOf(batch);
      const span = tracing?.begin(spanName);
      return span === undefined ? batch : { ...batch, span };
    },
    accepted: (batch) => end(batch, "accepted"),
    failed: (batch, error) => end(batch, error instanceof ConsumerError ? "refused" : "failed", error),
  };
}
