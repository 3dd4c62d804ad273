import * as z from "zod";
import { byteSize, endpoint, type HostPort } from "../../config/values.ts";
import { OTLP } from "../../transport/otlp.ts";

const MIB = 1024 * 1024;

const DEFAULT_BODY = 20 * MIB;

function urlPath(standard: string): z.ZodType<string> {
  return z
    .string()
    .regex(/^\/?[^?#\s]+$/, 'must be a path such as "/v1/traces"')
    .transform((path) => (path.startsWith("/") ? path : `/${path}`))
    .default(standard);
}

export interface GrpcConfig {
  readonly endpoint: HostPort;
  /** In bytes here: of a message, also when decompressed. */
  readonly max_recv_msg_size_mib: number;
  /** On one connection; 0: as many as the receiver thinks right. The Collector has no limit there. */
  readonly max_concurrent_streams: number;
}

export interface HttpConfig {
  readonly endpoint: HostPort;
  readonly traces_url_path: string;
  readonly metrics_url_path: string;
  readonly logs_url_path: string;
  /** In bytes: of a body, before and after it is decompressed. */
  readonly max_request_body_size: number;
}

export interface OtlpReceiverConfig {
  readonly protocols: { readonly grpc?: GrpcConfig | undefined; readonly http?: HttpConfig | undefined };
}

const grpc: z.ZodType<GrpcConfig> = z.strictObject({
  endpoint: endpoint().default({ host: "localhost", port: 4317 }),
  // 0 means the default, as in the Collector; so it does below.
  max_recv_msg_size_mib: z
    .number()
    .min(0)
    .max(1023)
    .default(4)
    .transform((mib) => Math.floor((mib === 0 ? 4 : mib) * MIB)),
  max_concurrent_streams: z.int().min(0).max(0xffff_ffff).default(0),
});

const http: z.ZodType<HttpConfig> = z.strictObject({
  endpoint: endpoint().default({ host: "localhost", port: 4318 }),
  traces_url_path: urlPath(OTLP.traces.httpPath),
  metrics_url_path: urlPath(OTLP.metrics.httpPath),
  logs_url_path: urlPath(OTLP.logs.httpPath),
  max_request_body_size: byteSize()
    .default(DEFAULT_BODY)
    .transform((bytes) => (bytes === 0 ? DEFAULT_BODY : bytes)),
});

/**
 * `receivers::otlp` as the Collector has it. `tls`, `auth`, `cors`, `keepalive` and the like are not supported in this version, and
 * are therefore refused.
 */
export const schema: z.ZodType<OtlpReceiverConfig> = z.strictObject({
  protocols: z
    .strictObject({ grpc: grpc.optional(), http: http.optional() })
    .refine((protocols) => protocols.grpc !== undefined || protocols.http !== undefined, {
      message: "must have at least one of grpc and http",
    }),
});
