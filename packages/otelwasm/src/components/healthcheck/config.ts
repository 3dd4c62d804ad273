import * as z from "zod";
import type { ListenAddress } from "../../component/ports.ts";
import { duration } from "../../config/values.ts";
import { addressKeys, listenAddress } from "../../transport/server-config.ts";
import { type ServerTls, serverTls } from "../../transport/tls.ts";

export interface HealthCheckConfig {
  readonly endpoint: ListenAddress;
  readonly tls?: ServerTls | undefined;
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
 * not to work, here the status of each component counts. Of what servers have it takes `tls`: a probe has neither credentials nor a browser.
 */
export const schema: z.ZodType<HealthCheckConfig> = z
  .strictObject({
    ...addressKeys("localhost:13133"),
    tls: serverTls().optional(),
    path: z
      .string()
      .regex(/^\/[^?#\s]*$/, 'must be a path such as "/" or "/health/status"')
      .default("/"),
    response_body: z.strictObject({ healthy: z.string().default(""), unhealthy: z.string().default("") }).optional(),
    watchdog: z
      .strictObject({ enabled: z.boolean().default(true), loop_timeout: duration({ min: 100 }).default(5_000) })
      .prefault({}),
  })
  .transform(listenAddress);
