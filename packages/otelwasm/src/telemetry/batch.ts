import type { Span } from "./span.ts";

/** The three signals, in the order that the Collector lists them. */
export const SIGNALS = ["traces", "metrics", "logs"] as const;
export type Signal = (typeof SIGNALS)[number];

/**
 * What travels through a pipeline: OTLP protobuf bytes (`TracesData`, `MetricsData` or `LogsData`; wire-identical to the
 * `Export*ServiceRequest` messages), well-formed at every depth.
 *
 * Two payloads of one signal, concatenated, are one payload. Whoever hands a batch to a consumer gives its buffer away and must not
 * write to it any more; a consumer may detach the buffer (transfer it to a thread) only if it says so: `Capabilities.mutatesData`.
 */
export interface Batch {
  readonly signal: Signal;
  readonly bytes: Uint8Array;
  /** Spans, log records or data points, once somebody has counted them: `itemsOf`. */
  items?: number;
  /** While it is traced: the span of the component that has handed it on. Who makes a batch of another gives it on; where several become one, their traces end. */
  readonly span?: Span;
}
