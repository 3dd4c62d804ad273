/** Clients that send one request after the other on connections that they keep, and say what became of each. */
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { gzipSync } from "node:zlib";
import * as grpc from "@grpc/grpc-js";
import type { Target } from "./clients.ts";
import { decodeStatus, grpcPath, type Signal } from "./proto.ts";

/** What a sender was told, or that it was told nothing. */
export type Outcome = { readonly kind: "acknowledged" } | NotAcknowledged;
export type NotAcknowledged =
  | {
      readonly kind: "refused";
      /** `HTTP 503`, `gRPC 14` */
      readonly code: string;
      readonly message: string;
      /** By OTLP's specification. */
      readonly retryable: boolean;
      readonly retryAfterMs?: number;
    }
  /** The connection ended, or could not be made; or the answer took too long. */
  | { readonly kind: "unanswered"; readonly why: string };

export interface Sender {
  send(signal: Signal, bytes: Buffer): Promise<Outcome>;
  close(): void;
}

export interface SenderOptions {
  /** Over HTTP, one for each request in flight. Default 32. */
  readonly connections?: number;
  readonly gzip?: boolean;
  /** Far more than an answer takes where nothing hangs. Default 60 s. */
  readonly timeoutMs?: number;
}

const ACKNOWLEDGED: Outcome = { kind: "acknowledged" };
const PATIENCE_MS = 60_000;

/** OTLP specification, "Retryable Response Codes". */
const RETRYABLE_HTTP: readonly number[] = [429, 502, 503, 504];
const { CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS, RESOURCE_EXHAUSTED } = grpc.status;
const RETRYABLE_GRPC: readonly number[] = [CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS];

export function httpSender({ httpUrl }: Pick<Target, "httpUrl">, options: SenderOptions = {}): Sender {
  const { connections = 32, gzip = false, timeoutMs = PATIENCE_MS } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const headers = {
    "content-type": "application/x-protobuf",
    ...(gzip ? { "content-encoding": "gzip" } : {}),
  };
  return {
    close: () => agent.destroy(),
    send(signal, bytes) {
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      const broken = (error: Error & { code?: string }): void =>
        resolve({ kind: "unanswered", why: error.code ?? error.message });
      const request = httpRequest(`${httpUrl}/v1/${signal}`, { method: "POST", agent, headers, timeout: timeoutMs });
      request.on("timeout", () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
      request.on("error", broken);
      request.on("response", (response) => {
        response.on("error", broken);
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve(httpOutcome(response, Buffer.concat(chunks))));
      });
      request.end(gzip ? gzipSync(bytes) : bytes);
      return promise;
    },
  };
}

function httpOutcome({ statusCode = 0, headers }: IncomingMessage, body: Buffer): Outcome {
  if (statusCode === 200) return ACKNOWLEDGED;
  const code = `HTTP ${statusCode}`;
  const isStatus = headers["content-type"] === "application/x-protobuf";
  const { message } = isStatus ? decodeStatus(body) : { message: body.toString() };
  const after = headers["retry-after"];
  return {
    kind: "refused",
    code,
    message,
    retryable: RETRYABLE_HTTP.includes(statusCode),
    ...(after === undefined ? {} : { retryAfterMs: Number(after) * 1000 }),
  };
}

export function grpcSender({ grpcUrl }: Pick<Target, "grpcUrl">, options: SenderOptions = {}): Sender {
  const { gzip = false, timeoutMs = PATIENCE_MS } = options;
  const client = new grpc.Client(new URL(grpcUrl).host, grpc.credentials.createInsecure(), {
    "grpc.enable_retries": 0,
    "grpc.use_local_subchannel_pool": 1,
    // A collector that comes back is found at once.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.min_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 200,
    "grpc.default_compression_algorithm": gzip ? grpc.compressionAlgorithms.gzip : grpc.compressionAlgorithms.identity,
  });
  const identity = (bytes: Buffer): Buffer => bytes;
  return {
    close: () => client.close(),
    send: (signal, bytes) =>
      new Promise((resolve) => {
        const deadline = Date.now() + timeoutMs;
        client.makeUnaryRequest(
          grpcPath(signal),
          identity,
          identity,
          bytes,
          new grpc.Metadata(),
          { deadline },
          (error) => resolve(error === null ? ACKNOWLEDGED : grpcOutcome(error)),
        );
      }),
  };
}

/** What the library itself says of a call that nobody has answered. */
const LOCAL =
  /^(No connection established|Connection dropped|Received RST_STREAM|read |write |Deadline exceeded|The server has|Call ended)/;

function grpcOutcome({ code, details, metadata }: grpc.ServiceError): Outcome {
  if (LOCAL.test(details))
    return { kind: "unanswered", why: details.replace(/\d+\.\d+\.\d+\.\d+:\d+/g, "...").slice(0, 60) };
  const [status] = metadata.get("grpc-status-details-bin");
  const retryAfterMs = Buffer.isBuffer(status) ? decodeStatus(status).retryDelayMs : undefined;
  return {
    kind: "refused",
    code: `gRPC ${code}`,
    message: details,
    retryable: RETRYABLE_GRPC.includes(code) || (code === RESOURCE_EXHAUSTED && retryAfterMs !== undefined),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}
