import * as z from "zod";
import type { ListenAddress } from "../../component/ports.ts";
import { addressKeys, listenAddress } from "../../transport/server-config.ts";
import { type ServerTls, serverTls } from "../../transport/tls.ts";

export interface HealthCheckConfig {
  readonly endpoint: ListenAddress;
  readonly tls?: ServerTls | undefined;
  /** Begins with `/`. */
  readonly path: string;
  /** What is answered instead of the JSON. */
  readonly response_body?: { readonly healthy: string; readonly unhealthy: string } | undefined;
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
  })
  .transform(listenAddress);
