import { createNoopMeter, type Meter } from "@opentelemetry/api";
import type { BoundEndpoint } from "../graph.ts";
import type { PrometheusReader } from "./settings.ts";

/** What a collector measures of itself, and where that can be read. */
export interface OwnMetrics {
  readonly meter: Meter;
  /** Opens the ports. @throws Error that names the address that cannot be had */
  start(): Promise<void>;
  /** Also after a failed or missing `start`. */
  shutdown(): Promise<void>;
  /** Empty before `start` has resolved. */
  readonly endpoints: readonly BoundEndpoint[];
}

/** Measures nothing. */
export const noMetrics: OwnMetrics = {
  meter: createNoopMeter(),
  start: async () => {},
  shutdown: async () => {},
  endpoints: [],
};

/** @param readers none: nothing is measured, and the SDK is not even loaded */
export async function createMetrics(readers: readonly PrometheusReader[]): Promise<OwnMetrics> {
  if (readers.length === 0) return noMetrics;
  const { SdkMetrics } = await import("./sdk.ts");
  return new SdkMetrics(readers);
}
