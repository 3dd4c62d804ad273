import * as z from "zod";
import { duration, httpUrl, positiveDuration } from "../../config/values.ts";
import { type DeliveryConfig, deliveryKeys } from "../../exporterhelper/config.ts";
import type { Signal } from "../../telemetry/batch.ts";
import {
  type Auth,
  auth,
  middlewares,
  onlyZero,
  proxyUrl,
  readBufferSize,
  writeBufferSize,
} from "../../transport/client-config.ts";
import { type Compression, compression, headers } from "../../transport/exporting.ts";
import { OTLP } from "../../transport/otlp.ts";
import type { HttpProxy } from "../../transport/proxy.ts";
import { type ClientTls, clientTls } from "../../transport/tls.ts";

export interface OtlpHttpConfig extends DeliveryConfig {
  /** The URL for each signal; absent where neither `endpoint` nor the signal's own is given. */
  readonly urls: Readonly<Partial<Record<Signal, URL>>>;
  /** In milliseconds. */
  readonly timeout: number;
  readonly compression: Compression;
  /** 0: the default. */
  readonly compressionLevel: number;
  readonly encoding: "proto" | "json";
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: ClientTls;
  readonly auth: Auth | undefined;
  /** Whether the server's are sent back. */
  readonly cookies: boolean;
  /** Absent: as the environment says. */
  readonly proxy: HttpProxy | undefined;
  readonly connections: {
    /** Connections that may wait for the next request, for how many milliseconds, and how many there may be in all. */
    readonly maxIdle: number;
    readonly idleMs: number;
    readonly maxConnections: number;
    readonly keepAlive: boolean;
    /** In bytes. */
    readonly readBuffer: number | undefined;
  };
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

const HTTP1 = "has no meaning here: requests go over HTTP/1.1; leave it out";

/** A number of connections; 0 is no limit. */
function limit(fallback: number): z.ZodType<number> {
  return z
    .int()
    .min(0)
    .default(fallback)
    .transform((count) => count || Number.POSITIVE_INFINITY);
}

/** `exporters::otlp_http` as the Collector has it, without profiles. */
export const schema: z.ZodType<OtlpHttpConfig> = z
  .strictObject({
    endpoint: target().optional(),
    traces_endpoint: target().optional(),
    metrics_endpoint: target().optional(),
    logs_endpoint: target().optional(),
    profiles_endpoint: z.string().optional(),
    timeout: positiveDuration().default(30_000),
    tls: clientTls().prefault({}),
    auth: auth(),
    proxy_url: proxyUrl(),
    compression: compression(["gzip", "zlib", "deflate", "zstd"]),
    compression_params: z.strictObject({ level: z.int().default(0) }).default({ level: 0 }),
    encoding: z.enum(["proto", "json"]).default("proto"),
    headers: headers(),
    read_buffer_size: readBufferSize(),
    write_buffer_size: writeBufferSize(),
    max_idle_conns: limit(100),
    max_idle_conns_per_host: limit(0),
    max_conns_per_host: limit(0),
    idle_conn_timeout: duration().default(90_000),
    disable_keep_alives: z.boolean().default(false),
    force_attempt_http2: z.boolean().default(true),
    http2_read_idle_timeout: onlyZero(HTTP1),
    http2_ping_timeout: onlyZero(HTTP1),
    cookies: z.strictObject({ enabled: z.boolean().default(true) }).optional(),
    middlewares: middlewares(),
    ...deliveryKeys,
  })
  .refine((config) => config.endpoint ?? config.traces_endpoint ?? config.metrics_endpoint ?? config.logs_endpoint, {
    message: "at least one endpoint must be specified: endpoint, or traces_endpoint, metrics_endpoint, logs_endpoint",
  })
  .superRefine(({ compression, compression_params: { level } }, context) => {
    if (compression === "none" || compression === "zstd" || (level >= -2 && level <= 9)) return;
    const message = `unsupported level ${level} for compression type "${compression}": -2 to 9`;
    context.addIssue({ code: "custom", path: ["compression_params", "level"], message });
  })
  .transform((config) => {
    const urls: Partial<Record<Signal, URL>> = {};
    for (const signal of ["traces", "metrics", "logs"] as const) {
      const url = config[`${signal}_endpoint`] ?? (config.endpoint && below(config.endpoint, OTLP[signal].httpPath));
      if (url !== undefined) urls[signal] = url;
    }
    const { timeout, compression, encoding, headers, tls, auth, retry_on_failure, sending_queue } = config;
    return {
      urls,
      timeout,
      compression,
      compressionLevel: config.compression_params.level,
      encoding,
      headers,
      tls,
      auth,
      retry_on_failure,
      sending_queue,
      cookies: config.cookies?.enabled === true,
      proxy: config.proxy_url,
      connections: {
        maxIdle: Math.min(config.max_idle_conns, config.max_idle_conns_per_host),
        idleMs: config.idle_conn_timeout || Number.POSITIVE_INFINITY,
        maxConnections: config.max_conns_per_host,
        keepAlive: !config.disable_keep_alives,
        readBuffer: config.read_buffer_size,
      },
    };
  });

function below(base: URL, path: string): URL {
  const url = new URL(base);
  url.pathname = url.pathname.replace(/\/$/, "") + path;
  return url;
}
