/** The clients: the OpenTelemetry JavaScript SDK's exporters, and raw ones (grpc-js, node:http) for what no SDK would send. */
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { gzipSync } from "node:zlib";
import * as grpc from "@grpc/grpc-js";
import { OTLPLogExporter as GrpcLogs } from "@opentelemetry/exporter-logs-otlp-grpc";
import { OTLPLogExporter as JsonLogs } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtoLogs } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPMetricExporter as GrpcMetrics } from "@opentelemetry/exporter-metrics-otlp-grpc";
import { OTLPMetricExporter as JsonMetrics } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtoMetrics } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter as GrpcTraces } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as JsonTraces } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtoTraces } from "@opentelemetry/exporter-trace-otlp-proto";
import { decodeStatus, grpcPath, type RpcStatus, type Signal } from "./proto.ts";
import type { Telemetry } from "./telemetry.ts";

export const PROTOCOLS = ["grpc", "http/protobuf", "http/json"] as const;
type Protocol = (typeof PROTOCOLS)[number];

/** Where OTLP is taken: `http://127.0.0.1:4317` and `http://127.0.0.1:4318`. */
export interface Target {
  readonly grpcUrl: string;
  readonly httpUrl: string;
}

/** Of an SDK exporter: what its callers see. */
interface SdkExporter<T> {
  export(data: T, done: (result: { code: number; error?: Error }) => void): void;
  shutdown(): Promise<void>;
}

type SdkOptions = NonNullable<ConstructorParameters<typeof ProtoTraces>[0]>;
/** The SDK declares this enum for TypeScript's own `enum`s only. */
type Compression = NonNullable<SdkOptions["compression"]>;

const EXPORTERS = {
  traces: { grpc: GrpcTraces, "http/protobuf": ProtoTraces, "http/json": JsonTraces },
  metrics: { grpc: GrpcMetrics, "http/protobuf": ProtoMetrics, "http/json": JsonMetrics },
  logs: { grpc: GrpcLogs, "http/protobuf": ProtoLogs, "http/json": JsonLogs },
} as const;

export interface SendOptions {
  readonly protocol: Protocol;
  readonly gzip?: boolean;
  readonly timeoutMs?: number;
  /** Of every request: `authorization` and the like. */
  readonly headers?: Readonly<Record<string, string>>;
  /** As PEM, for `https:`: whom to trust, and the client's own certificate. */
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string };
}

/** The SDK's exporters have other options for gRPC than for HTTP. */
function security(protocol: Protocol, { headers, tls }: SendOptions): object {
  if (protocol !== "grpc") return { ...(headers && { headers }), ...(tls && { httpAgentOptions: tls }) };
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(headers ?? {})) metadata.set(name, value);
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  const secrets = tls && grpc.credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.cert));
  return { metadata, ...(secrets && { credentials: secrets }) };
}

/**
 * Exports one signal of the telemetry with the SDK's exporter, once; resolves when the SDK says that it was delivered.
 *
 * @throws what the SDK's exporter reports: an error with `code`, gRPC's or the HTTP status
 */
export async function sendWithSdk(
  telemetry: Telemetry,
  signal: Signal,
  target: Target,
  send: SendOptions,
): Promise<void> {
  const { protocol, gzip = false, timeoutMs = 15_000 } = send;
  const options: SdkOptions = {
    ...security(protocol, send),
    url: protocol === "grpc" ? target.grpcUrl : `${target.httpUrl}/v1/${signal}`,
    compression: (gzip ? "gzip" : "none") as Compression,
    timeoutMillis: timeoutMs,
  };
  switch (signal) {
    case "traces":
      return exportOnce(new EXPORTERS.traces[protocol](options), telemetry.traces);
    case "metrics":
      return exportOnce(new EXPORTERS.metrics[protocol](options), telemetry.metrics);
    case "logs":
      return exportOnce(new EXPORTERS.logs[protocol](options), telemetry.logs);
  }
}

async function exportOnce<T>(exporter: SdkExporter<T>, data: T): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) =>
      exporter.export(data, ({ code, error }) => (code === 0 ? resolve() : reject(error ?? new Error(`code ${code}`)))),
    );
  } finally {
    await exporter.shutdown();
  }
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpOptions {
  readonly contentType?: string;
  /** Sent as `content-encoding`; the body is compressed already. */
  readonly contentEncoding?: string;
  readonly method?: string;
  readonly path?: string;
}

/** One HTTP request with exactly this body, on a connection of its own. */
export async function postHttp(
  target: Pick<Target, "httpUrl">,
  signal: Signal,
  body: Uint8Array | string,
  {
    contentType = "application/x-protobuf",
    contentEncoding,
    method = "POST",
    path = `/v1/${signal}`,
  }: HttpOptions = {},
): Promise<HttpAnswer> {
  const request = httpRequest(target.httpUrl + path, {
    method,
    agent: false,
    headers: { "content-type": contentType, ...(contentEncoding ? { "content-encoding": contentEncoding } : {}) },
  });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request.on("response", resolve);
  // Only what comes before the answer counts: a server may answer, and stop listening, before it has read everything.
  request.on("error", reject);
  request.end(body);
  const response = await promise;
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}

export function gzipped(body: Uint8Array | string): Uint8Array {
  return gzipSync(body);
}

export interface GrpcAnswer {
  readonly code: number;
  readonly message: string;
  /** From `grpc-status-details-bin`. */
  readonly details?: RpcStatus;
  /** The response message's bytes when `code` is 0. */
  readonly response?: Buffer;
}

/** One unary call with exactly these message bytes, on a channel of its own. Failures are answers here, not exceptions. */
export async function callGrpc(
  target: Pick<Target, "grpcUrl">,
  signal: Signal,
  message: Uint8Array,
  {
    gzip = false,
    timeoutMs = 15_000,
    path = grpcPath(signal),
  }: { gzip?: boolean; timeoutMs?: number; path?: string } = {},
): Promise<GrpcAnswer> {
  const client = new grpc.Client(new URL(target.grpcUrl).host, grpc.credentials.createInsecure(), {
    "grpc.default_compression_algorithm": gzip ? grpc.compressionAlgorithms.gzip : grpc.compressionAlgorithms.identity,
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
    "grpc.use_local_subchannel_pool": 1,
    // What comes back is what the server said: grpc-js would try again by itself.
    "grpc.enable_retries": 0,
  });
  const identity = (bytes: Buffer): Buffer => bytes;
  try {
    return await new Promise<GrpcAnswer>((resolve) => {
      client.makeUnaryRequest(
        path,
        identity,
        identity,
        Buffer.from(message),
        new grpc.Metadata(),
        { deadline: Date.now() + timeoutMs },
        (error, response) =>
          resolve(error === null ? { code: 0, message: "", ...(response ? { response } : {}) } : failure(error)),
      );
    });
  } finally {
    client.close();
  }
}

function failure(error: grpc.ServiceError): GrpcAnswer {
  const [details] = error.metadata.get("grpc-status-details-bin");
  const base = { code: error.code, message: error.details };
  return Buffer.isBuffer(details) ? { ...base, details: decodeStatus(details) } : base;
}
