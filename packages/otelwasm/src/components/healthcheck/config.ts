import * as z from "zod";
import { duration, endpoint, type HostPort } from "../../config/values.ts";

export interface HealthCheckConfig {
  readonly endpoint: HostPort;
  /** Begins with `/`. */
  readonly path: string;
  /** What is answered instead of the JSON. */
  readonly response_body?: { readonly healthy: string; readonly unhealthy: string } | undefined;
  readonly watchdog: WatchdogConfig;
}

/** Not of the Collector: the page is answered by a thread of its own, which sees when the collector's event loop is stuck. */
interface WatchdogConfig {
  readonly enabled: boolean;
  /** Milliseconds without a turn of the event loop after which it counts as stuck. */
  readonly loop_timeout: number;
}

/**
 * `extensions::health_check` as the Collector's `healthcheckextension` has it. `check_collector_pipeline` is not: there it counts failed exports and is known
 * not to work, here the status of each component counts. `tls` and the like are not supported in this version, and therefore refused.
 */
export const schema: z.ZodType<HealthCheckConfig> = z.strictObject({
  endpoint: endpoint().default({ host: "localhost", port: 13133 }),
  path: z
    .string()
    .regex(/^\/[^?#\s]*$/, 'must be a path such as "/" or "/health/status"')
    .default("/"),
  response_body: z.strictObject({ healthy: z.string().default(""), unhealthy: z.string().default("") }).optional(),
  watchdog: z
    .strictObject({ enabled: z.boolean().default(true), loop_timeout: duration({ min: 100 }).default(5_000) })
    .prefault({}),
});
