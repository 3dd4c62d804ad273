import * as z from "zod";
import type { ListenAddress } from "../../component/ports.ts";
import { byteSize, duration, refused, secret } from "../../config/values.ts";
import { headers } from "../../transport/exporting.ts";
import { OTLP } from "../../transport/otlp.ts";
import { addressKeys, bufferSize, listenAddress } from "../../transport/server-config.ts";
import { type ServerTls, serverTls } from "../../transport/tls.ts";
import { type CorsConfig, cors } from "./cors.ts";
import { type KeepaliveConfig, keepalive } from "./keepalive.ts";

const MIB = 1024 * 1024;

const DEFAULT_BODY = 20 * MIB;
/** Of a client that is slow or silent: the Collector's receiver waits for ever. */
const DEFAULT_READ_MS = 300_000;
const DEFAULT_READ_HEADER_MS = 60_000;
const DEFAULT_IDLE_MS = 60_000;

function urlPath(standard: string): z.ZodType<string> {
  return z
    .string()
    .regex(/^\/?[^?#\s]+$/, 'must be a path such as "/v1/traces"')
    .transform((path) => (path.startsWith("/") ? path : `/${path}`))
    .default(standard);
}

/** What both protocols have. */
interface ProtocolConfig {
  readonly endpoint: ListenAddress;
  readonly tls?: ServerTls | undefined;
  readonly auth?: AuthConfig | undefined;
}

export interface AuthConfig {
  /** The id of an extension. */
  readonly authenticator: string;
  /** Parameters of a URL's query that count as headers of their names. */
  readonly request_params?: readonly string[] | undefined;
}

export interface GrpcConfig extends ProtocolConfig {
  /** In bytes here: of a message, also when decompressed. */
  readonly max_recv_msg_size_mib: number;
  /** On one connection; 0: as many as the receiver thinks right. The Collector has no limit there. */
  readonly max_concurrent_streams: number;
  readonly keepalive: KeepaliveConfig;
}

/** A coding's name in a header; empty: none. */
export type CodingName = (typeof CODING_NAMES)[number];
const CODING_NAMES = ["", "gzip", "deflate", "zlib", "zstd"] as const;

export interface HttpConfig extends ProtocolConfig {
  readonly traces_url_path: string;
  readonly metrics_url_path: string;
  readonly logs_url_path: string;
  /** In bytes: of a body, before and after it is decompressed. */
  readonly max_request_body_size: number;
  readonly cors?: CorsConfig | undefined;
  /** Of every answer; names in lower case. */
  readonly response_headers: Readonly<Record<string, string>>;
  readonly compression_algorithms: readonly CodingName[];
  /** In milliseconds; 0: for ever. For a whole request. */
  readonly read_timeout: number;
  readonly read_header_timeout: number;
  /** From a request's headers to the end of its answer. */
  readonly write_timeout: number;
  /** Between two requests. */
  readonly idle_timeout: number;
  readonly keep_alives_enabled: boolean;
}

export interface OtlpReceiverConfig {
  readonly protocols: { readonly grpc?: GrpcConfig | undefined; readonly http?: HttpConfig | undefined };
}

const authenticator = z.string().min(1);
const both = {
  tls: serverTls().optional(),
  /** Nothing looks at what clients say of themselves: taken, without an effect. */
  include_metadata: z.boolean().optional(),
  middlewares: refused("is not supported: there are no such extensions"),
};

const grpc: z.ZodType<GrpcConfig> = z
  .strictObject({
    ...addressKeys("localhost:4317"),
    ...both,
    auth: z.strictObject({ authenticator }).optional(),
    // 0 means the default, as in the Collector; so it does below.
    max_recv_msg_size_mib: z
      .number()
      .min(0)
      .max(1023)
      .default(4)
      .transform((mib) => Math.floor((mib === 0 ? 4 : mib) * MIB)),
    max_concurrent_streams: z.int().min(0).max(0xffff_ffff).default(0),
    read_buffer_size: bufferSize,
    write_buffer_size: bufferSize,
    keepalive: keepalive(),
  })
  .transform(
    ({ read_buffer_size: _r, write_buffer_size: _w, include_metadata: _i, middlewares: _m, ...config }, context) =>
      listenAddress(config, context),
  );

/** Codings that the Collector has and Node.js does not. */
const NO_CODINGS = ["snappy", "x-snappy-framed", "lz4"] as const;

const codings = z
  .array(
    z.enum([...CODING_NAMES, ...NO_CODINGS]).transform((name, context): CodingName => {
      const known = CODING_NAMES.find((each) => each === name);
      if (known !== undefined) return known;
      context.addIssue({ code: "custom", message: `${name} is not supported; gzip, deflate, zlib and zstd are` });
      return z.NEVER;
    }),
  )
  .default([...CODING_NAMES]);

const http: z.ZodType<HttpConfig> = z
  .strictObject({
    ...addressKeys("localhost:4318"),
    ...both,
    auth: z.strictObject({ authenticator, request_params: z.array(z.string()).optional() }).optional(),
    traces_url_path: urlPath(OTLP.traces.httpPath),
    metrics_url_path: urlPath(OTLP.metrics.httpPath),
    logs_url_path: urlPath(OTLP.logs.httpPath),
    max_request_body_size: byteSize()
      .default(DEFAULT_BODY)
      .transform((bytes) => (bytes === 0 ? DEFAULT_BODY : bytes)),
    cors: cors().optional(),
    response_headers: secret(headers()).superRefine((map, context) => {
      if ("content-type" in map)
        context.addIssue({ code: "custom", message: "content-type is set by the receiver itself" });
    }),
    compression_algorithms: codings,
    read_timeout: duration().default(DEFAULT_READ_MS),
    read_header_timeout: duration().default(DEFAULT_READ_HEADER_MS),
    write_timeout: duration().default(0),
    idle_timeout: duration().default(DEFAULT_IDLE_MS),
    keep_alives_enabled: z.boolean().default(true),
  })
  .transform(({ include_metadata: _i, middlewares: _m, ...config }, context) => listenAddress(config, context));

/** `receivers::otlp` as the Collector has it. */
export const schema: z.ZodType<OtlpReceiverConfig> = z.strictObject({
  protocols: z
    .strictObject({ grpc: grpc.optional(), http: http.optional() })
    .refine((protocols) => protocols.grpc !== undefined || protocols.http !== undefined, {
      message: "must have at least one of grpc and http",
    }),
});
