import * as z from "zod";
import { httpUrl, positiveDuration } from "../../config/values.ts";
import { type DeliveryConfig, deliveryKeys } from "../../exporterhelper/config.ts";
import type { Signal } from "../../telemetry/batch.ts";
import { type Compression, compression, headers } from "../../transport/exporting.ts";
import { OTLP } from "../../transport/otlp.ts";

export interface OtlpHttpConfig extends DeliveryConfig {
  /** The URL for each signal; absent where neither `endpoint` nor the signal's own is given. */
  readonly urls: Readonly<Partial<Record<Signal, URL>>>;
  /** In milliseconds. */
  readonly timeout: number;
  readonly compression: Compression;
  readonly encoding: "proto" | "json";
  readonly headers: Readonly<Record<string, string>>;
}

function target(): z.ZodType<URL> {
  return httpUrl().refine((url) => URI_PARTS.every((part) => isDecodable(url[part])), {
    message: "the user or password is not percent-encoded",
  });
}

const URI_PARTS = ["username", "password"] as const;

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** `exporters::otlp_http` as the Collector has it. `tls`, `auth`, `proxy_url` and the like are not supported in this version. */
export const schema: z.ZodType<OtlpHttpConfig> = z
  .strictObject({
    endpoint: target().optional(),
    traces_endpoint: target().optional(),
    metrics_endpoint: target().optional(),
    logs_endpoint: target().optional(),
    timeout: positiveDuration().default(30_000),
    compression: compression(),
    encoding: z.enum(["proto", "json"]).default("proto"),
    headers: headers(),
    ...deliveryKeys,
  })
  .refine((config) => config.endpoint ?? config.traces_endpoint ?? config.metrics_endpoint ?? config.logs_endpoint, {
    message: "at least one endpoint must be specified: endpoint, or traces_endpoint, metrics_endpoint, logs_endpoint",
  })
  .transform((config) => {
    const urls: Partial<Record<Signal, URL>> = {};
    for (const signal of ["traces", "metrics", "logs"] as const) {
      const url = config[`${signal}_endpoint`] ?? (config.endpoint && below(config.endpoint, OTLP[signal].httpPath));
      if (url !== undefined) urls[signal] = url;
    }
    const { timeout, compression, encoding, headers, retry_on_failure, sending_queue } = config;
    return { urls, timeout, compression, encoding, headers, retry_on_failure, sending_queue };
  });

function below(base: URL, path: string): URL {
  const url = new URL(base);
  url.pathname = url.pathname.replace(/\/$/, "") + path;
  return url;
}
