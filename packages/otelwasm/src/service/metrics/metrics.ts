import { createNoopMeter, type Meter } from "@opentelemetry/api";
import type { Logger } from "../../component/logger.ts";
import type { Measuring, MetricsLevel } from "../../component/measuring.ts";
import type { Tracing } from "../../component/tracing.ts";
import type { PortRegistry } from "../../transport/ports.ts";
import type { BoundEndpoint } from "../graph.ts";
import { OwnLogs, type OwnLogsOptions } from "../log-export.ts";
import type { ResourceAttributes } from "../telemetry/resource.ts";
import type { TracesSettings } from "../traces/settings.ts";
import type { MetricsReader } from "./settings.ts";
import type { MetricView } from "./view-settings.ts";

/** What a collector measures of itself, and where that can be read; and its traces and its log's export, which begin and end with it. */
export interface OwnMetrics {
  readonly meter: Meter;
  /** Undefined: nothing is measured. */
  readonly measuring: Measuring | undefined;
  /** Undefined: there are no own traces. */
  readonly tracing: Tracing | undefined;
  /** Opens the ports. @throws Error that names the address that cannot be had */
  start(): Promise<void>;
  /** Also after a failed or missing `start`. */
  shutdown(): Promise<void>;
  /** Whose the ports are that it listens on. */
  readonly portOwner: object;
  /** Empty before `start` has resolved. */
  readonly endpoints: readonly BoundEndpoint[];
}

/** Measures nothing. */
export const noMetrics: OwnMetrics = {
  meter: createNoopMeter(),
  measuring: undefined,
  portOwner: {},
  tracing: undefined,
  start: async () => {},
  shutdown: async () => {},
  endpoints: [],
};

export interface MetricsOptions {
  readonly level: "none" | MetricsLevel;
  /** None: nothing is measured. */
  readonly readers: readonly MetricsReader[];
  readonly views: readonly MetricView[];
  readonly traces: TracesSettings;
  readonly logs: Pick<OwnLogsOptions, "logs" | "logger" | "outlet">;
  readonly resource: ResourceAttributes;
  readonly logger: Logger;
  /** They belong to the own metrics that are created. */
  readonly ports?: PortRegistry;
}

/** The SDK is loaded only if something is measured. @throws ConfigError if a destination of own telemetry cannot be used */
export async function createMetrics(options: MetricsOptions): Promise<OwnMetrics> {
  const metrics = await measured(options);
  const { traces, logs } = options;
  const tracing =
    traces.processors.length === 0 ? undefined : new (await import("../traces/tracing.ts")).OwnTraces(options);
  const log = logs.logs.processors.length === 0 ? undefined : new OwnLogs({ ...options, ...logs });
  if (tracing === undefined && log === undefined) return metrics;
  return {
    meter: metrics.meter,
    measuring: metrics.measuring,
    portOwner: metrics.portOwner,
    tracing,
    get endpoints() {
      return metrics.endpoints;
    },
    async start() {
      await log?.start();
      await metrics.start();
      await tracing?.start();
    },
    async shutdown() {
      await tracing?.shutdown();
      await metrics.shutdown();
      await log?.shutdown();
    },
  };
}

async function measured({ level, ...options }: MetricsOptions): Promise<OwnMetrics> {
  if (level === "none" || options.readers.length === 0) return noMetrics;
  const { SdkMetrics } = await import("./sdk.ts");
  return new SdkMetrics({ level, ...options });
}
