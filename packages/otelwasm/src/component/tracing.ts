import type { Span } from "../telemetry/span.ts";

/** Traces of batches through the pipelines. */
export interface Tracing {
  /** Begins the trace of a batch. @returns undefined: this one is not sampled */
  begin(name: string): Span | undefined;
}
