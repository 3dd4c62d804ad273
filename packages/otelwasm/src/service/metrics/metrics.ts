import { createNoopMeter, type Meter } from "@opentelemetry/api";
import type { Measuring, MetricsLevel } from "../../component/measuring.ts";
import type { BoundEndpoint } from "../graph.ts";
import type { PrometheusReader } from "./settings.ts";

/** What a collector measures of itself, and where that can be read. */
export interface OwnMetrics {
  readonly meter: Meter;
  /** Undefined: nothing is measured. */
  readonly measuring: Measuring | undefined;
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
  measuring: undefined,
  start: async () => {},
  shutdown: async () => {},
  endpoints: [],
};

/** @param readers none: nothing is measured, and the SDK is not even loaded */
export async function createMetrics(level: MetricsLevel, readers: readonly PrometheusReader[]): Promise<OwnMetrics> {
  if (readers.length === 0) return noMetrics;
  const { SdkMetrics } = await import("./sdk.ts");
  return new SdkMetrics(level, readers);
}
