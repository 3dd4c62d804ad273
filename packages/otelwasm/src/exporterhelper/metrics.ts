import type { ComponentSettings } from "../component/factory.ts";
import { ITEM_WORDS } from "../component/items.ts";
import type { Count, EndReading, Histogram, Instrument } from "../component/measuring.ts";

/** What one exporter counts, of one signal: spans, metric points or log records. */
export interface ExporterCounts {
  readonly sent: Count;
  readonly sendFailed: Count;
  readonly enqueueFailed: Count;
  /** Items of each batch that leaves the queue. Undefined below `level: normal`. */
  readonly batchSize: Histogram | undefined;
  /** Its bytes. Undefined below `level: detailed`. */
  readonly batchBytes: Histogram | undefined;
}

const BATCH_SIZE: Instrument = {
  name: "otelcol_exporter_queue_batch_send_size",
  unit: "{units}",
  description: "Number of units in the batch",
};
const BATCH_BYTES: Instrument = {
  name: "otelcol_exporter_queue_batch_send_size_bytes",
  unit: "By",
  description: "Number of bytes in batch that was sent. Only available on detailed level.",
};
const QUEUE_SIZE: Instrument = {
  name: "otelcol_exporter_queue_size",
  unit: "{batches}",
  description: "Current size of the retry queue (in batches).",
};
const QUEUE_CAPACITY: Instrument = {
  name: "otelcol_exporter_queue_capacity",
  unit: "{batches}",
  description: "Fixed capacity of the retry queue (in batches).",
};
/** The Collector's buckets. */
const SIZES = [
  10, 25, 50, 75, 100, 250, 500, 750, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000, 20_000, 30_000,
  50_000, 100_000,
];
const BYTES = [
  10, 25, 50, 75, 100, 250, 500, 750, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000, 20_000, 30_000,
  50_000, 100_000, 200_000, 300_000, 400_000, 500_000, 600_000, 700_000, 800_000, 900_000, 1_000_000, 2_000_000,
  3_000_000, 4_000_000, 5_000_000, 6_000_000, 7_000_000, 8_000_000, 9_000_000,
];

/** @param queued whether there is a queue. @returns undefined where nothing is counted */
export function countExports(
  { id, signal, measuring }: ComponentSettings,
  queued: boolean,
): ExporterCounts | undefined {
  if (measuring === undefined) return undefined;
  const { name, unit, words } = ITEM_WORDS[signal];
  const attributes = { exporter: id };
  const counter = (what: string, description: string): Count =>
    measuring.counter({ name: `otelcol_exporter_${what}_${name}`, unit, description }, attributes);
  return {
    sent: counter("sent", `Number of ${words} successfully sent to destination.`),
    sendFailed: counter("send_failed", `Number of ${words} in failed attempts to send to destination.`),
    enqueueFailed: counter("enqueue_failed", `Number of ${words} failed to be added to the sending queue.`),
    batchSize: queued && measuring.level !== "basic" ? measuring.histogram(BATCH_SIZE, attributes, SIZES) : undefined,
    batchBytes:
      queued && measuring.level === "detailed" ? measuring.histogram(BATCH_BYTES, attributes, BYTES) : undefined,
  };
}

/** @returns ends it */
export function measureQueue(
  { id, signal, measuring }: ComponentSettings,
  queue: { readonly size: number; readonly capacity: number },
): EndReading {
  if (measuring === undefined) return () => {};
  const attributes = { exporter: id, data_type: signal };
  const ends = [
    measuring.observeGauge(QUEUE_SIZE, attributes, () => queue.size),
    measuring.observeGauge(QUEUE_CAPACITY, attributes, () => queue.capacity),
  ];
  return () => {
    for (const end of ends) end();
  };
}
