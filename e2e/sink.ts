/**
 * Where collectors under test export to: an OTLP server that is not this project's code (grpc-js, node:http, protobufjs). It records every request as
 * it came, and answers what the test tells it to.
 */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import * as grpc from "@grpc/grpc-js";
import {
  decode,
  encode,
  encodeStatus,
  fromOtlpJson,
  grpcPath,
  items,
  type Plain,
  requestType,
  responseType,
  SIGNALS,
  type Signal,
} from "./proto.ts";

export interface SinkRequest {
  readonly signal: Signal;
  readonly protocol: "grpc" | "http";
  readonly encoding: "protobuf" | "json";
  /** Lower-case names. grpc-js keeps the protocol's own headers (`grpc-encoding`, ...) to itself. */
  readonly headers: Readonly<Record<string, string>>;
  /** `identity`, `gzip`, ...; unknown for gRPC, where the library undoes it. */
  readonly compression: string | undefined;
  /** The message after decompression: protobuf bytes, or JSON text. */
  readonly raw: Uint8Array;
  readonly message: Plain;
  readonly items: number;
  /** The TCP port at the other end of its connection. */
  readonly peer: number;
}

export type Answer =
  | { readonly kind: "accept" }
  | { readonly kind: "partial"; readonly rejected: number; readonly message: string }
  /** `code` answers gRPC requests, `httpStatus` the others; `retryAfterMs` becomes a `RetryInfo` detail or `Retry-After`. */
  | {
      readonly kind: "fail";
      readonly code: number;
      readonly httpStatus: number;
      readonly message: string;
      readonly retryAfterMs?: number;
    };

export const accept: Answer = { kind: "accept" };

/** Resolves when the test says so: an answer that the sink holds back. */
export interface Gate {
  readonly answer: Promise<Answer>;
  open(answer?: Answer): void;
}

export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  return { answer: promise, open: (answer = accept) => resolve(answer) };
}

export interface Sink extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`; also what gRPC clients take when they want a scheme. */
  readonly grpcUrl: string;
  readonly httpUrl: string;
  /** All that came, in order, also what was answered with a failure. */
  readonly requests: SinkRequest[];
  /** Decides each answer; a promise holds the request until it resolves. */
  respond: (request: SinkRequest) => Answer | Promise<Answer>;
  /** Hears of each request whose answer was given, and whether anybody was still there to hear it. */
  settled: (request: SinkRequest, heard: boolean) => void;
  /** Whether `requests` is kept. Default true. */
  keep: boolean;
  /** Resolves as soon as `count` requests are recorded (from the start, or since `clear`). */
  waitForRequests(count: number): Promise<SinkRequest[]>;
  /** Resolves as soon as so many spans, data points or records of the signal are recorded. */
  waitForItems(count: number, signal: Signal): Promise<SinkRequest[]>;
  clear(): void;
  close(): Promise<void>;
}

/** A test that waits longer has failed: what is waited for is a matter of milliseconds. */
const DEADLINE_MS = 15_000;

class OtlpSink implements Sink {
  grpcUrl = "";
  httpUrl = "";
  readonly requests: SinkRequest[] = [];
  respond: (request: SinkRequest) => Answer | Promise<Answer> = () => accept;
  settled: (request: SinkRequest, heard: boolean) => void = () => undefined;
  keep = true;
  readonly #waiters = new Set<() => void>();
  readonly #grpc = new grpc.Server({ "grpc.max_receive_message_length": -1 });
  readonly #http = createServer((request, response) => {
    this.#serveHttp(request, response).catch((error: unknown) => {
      response.statusCode = 500;
      response.end(String(error));
    });
  });

  async start(at: SinkAddress | undefined): Promise<void> {
    const [grpcPort, httpPort] = at === undefined ? [0, 0] : [portOf(at.grpcUrl), portOf(at.httpUrl)];
    const identity = (bytes: Buffer): Buffer => bytes;
    for (const signal of SIGNALS) {
      const definition: grpc.ServiceDefinition<{ Export: grpc.handleUnaryCall<Buffer, Buffer> }> = {
        Export: {
          path: grpcPath(signal),
          requestStream: false,
          responseStream: false,
          requestSerialize: identity,
          requestDeserialize: identity,
          responseSerialize: identity,
          responseDeserialize: identity,
        },
      };
      const handler: grpc.handleUnaryCall<Buffer, Buffer> = (call, callback) => {
        this.#serveGrpc(signal, call, callback).catch((error: unknown) =>
          callback({ code: grpc.status.INTERNAL, details: String(error) }),
        );
      };
      this.#grpc.addService(definition, { Export: handler });
    }
    const port = await new Promise<number>((resolve, reject) =>
      this.#grpc.bindAsync(`127.0.0.1:${grpcPort}`, grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    this.grpcUrl = `http://127.0.0.1:${port}`;
    this.#http.listen(httpPort, "127.0.0.1");
    await once(this.#http, "listening");
    this.httpUrl = `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  waitForRequests(count: number): Promise<SinkRequest[]> {
    return this.#wait(`${count} requests`, () => this.requests.length >= count);
  }

  waitForItems(count: number, signal: Signal): Promise<SinkRequest[]> {
    const of = (): SinkRequest[] => this.requests.filter((request) => request.signal === signal);
    return this.#wait(`${count} items of ${signal}`, () => of().reduce((n, r) => n + r.items, 0) >= count).then(of);
  }

  #wait(what: string, enough: () => boolean): Promise<SinkRequest[]> {
    if (enough()) return Promise.resolve(this.requests);
    const { promise, resolve, reject } = Promise.withResolvers<SinkRequest[]>();
    const check = (): void => {
      if (enough()) done(() => resolve(this.requests));
    };
    const timer = setTimeout(() => {
      const came = this.requests.map((r) => `${r.items} ${r.signal} over ${r.protocol}`).join(", ") || "nothing";
      done(() => reject(new Error(`the sink waited ${DEADLINE_MS} ms for ${what}; came: ${came}`)));
    }, DEADLINE_MS);
    const done = (settle: () => void): void => {
      clearTimeout(timer);
      this.#waiters.delete(check);
      settle();
    };
    this.#waiters.add(check);
    return promise;
  }

  clear(): void {
    this.requests.length = 0;
    this.respond = () => accept;
  }

  async close(): Promise<void> {
    this.#grpc.forceShutdown();
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, "close");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #answer(request: Omit<SinkRequest, "items">, isGone: () => boolean): Promise<Answer> {
    const recorded = { ...request, items: items(request.signal, request.message).length };
    if (this.keep) this.requests.push(recorded);
    for (const check of [...this.#waiters]) check();
    const answer = await this.respond(recorded);
    this.settled(recorded, !isGone());
    return answer;
  }

  async #serveGrpc(
    signal: Signal,
    call: grpc.ServerUnaryCall<Buffer, Buffer>,
    callback: grpc.sendUnaryData<Buffer>,
  ): Promise<void> {
    const request = {
      signal,
      protocol: "grpc",
      encoding: "protobuf",
      headers: Object.fromEntries(Object.entries(call.metadata.getMap()).map(([k, v]) => [k, String(v)])),
      compression: undefined,
      raw: Uint8Array.from(call.request),
      message: decode(requestType[signal], call.request),
      peer: Number(call.getPeer().split(":").at(-1)),
    } as const;
    const answer = await this.#answer(request, () => call.cancelled || isAlmost(call.getDeadline()));
    if (answer.kind !== "fail") {
      callback(null, Buffer.from(responseBody(signal, answer)));
      return;
    }
    const metadata = new grpc.Metadata();
    const { code, message, retryAfterMs } = answer;
    if (retryAfterMs !== undefined) {
      const status = encodeStatus({ code, message, retryDelayMs: retryAfterMs });
      metadata.set("grpc-status-details-bin", Buffer.from(status));
    }
    callback({ code, details: message, metadata });
  }

  async #serveHttp(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const signal = SIGNALS.find((name) => request.url === `/v1/${name}`);
    if (request.method !== "POST" || signal === undefined) {
      response.writeHead(404).end(`${request.method} ${request.url}`);
      return;
    }
    const compression = request.headers["content-encoding"] ?? "identity";
    const raw = decompress(compression, Buffer.concat(chunks));
    const contentType = request.headers["content-type"] ?? "";
    const json = contentType.startsWith("application/json");
    if (!json && contentType !== "application/x-protobuf") {
      response.writeHead(415).end(contentType);
      return;
    }
    const recorded = {
      signal,
      protocol: "http",
      encoding: json ? "json" : "protobuf",
      headers: flatten(request.headers),
      compression,
      raw,
      message: json ? fromOtlpJson(signal, raw.toString()) : decode(requestType[signal], raw),
      peer: request.socket.remotePort ?? 0,
    } as const;
    const answer = await this.#answer(recorded, () => response.destroyed);
    response.setHeader("content-type", json ? "application/json" : "application/x-protobuf");
    if (answer.kind !== "fail") {
      const body = responseBody(signal, answer);
      response.writeHead(200).end(json ? JSON.stringify(decode(responseType[signal], body)) : body);
      return;
    }
    const { code, httpStatus, message, retryAfterMs } = answer;
    if (retryAfterMs !== undefined) response.setHeader("retry-after", String(Math.ceil(retryAfterMs / 1000)));
    response.writeHead(httpStatus).end(json ? JSON.stringify({ code, message }) : encodeStatus({ code, message }));
  }
}

const ALMOST_MS = 50;

/** Whoever waits no longer than that may be gone before the answer has arrived. */
function isAlmost(deadline: grpc.Deadline): boolean {
  return Number(deadline) - Date.now() < ALMOST_MS;
}

const REJECTED = { traces: "rejectedSpans", metrics: "rejectedDataPoints", logs: "rejectedLogRecords" } as const;

function responseBody(signal: Signal, answer: Exclude<Answer, { kind: "fail" }>): Uint8Array {
  const partial =
    answer.kind === "partial"
      ? { partialSuccess: { [REJECTED[signal]]: answer.rejected, errorMessage: answer.message } }
      : {};
  return encode(responseType[signal], partial);
}

function decompress(encoding: string, bytes: Buffer): Buffer {
  switch (encoding) {
    case "identity":
      return bytes;
    case "gzip":
      return gunzipSync(bytes);
    case "deflate":
      return inflateSync(bytes);
    case "zstd":
      return zstdDecompressSync(bytes);
    case "br":
      return brotliDecompressSync(bytes);
    default:
      throw new Error(`content-encoding ${encoding}`);
  }
}

function flatten(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

type SinkAddress = Pick<Sink, "grpcUrl" | "httpUrl">;

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/**
 * Listening when it resolves, on ports that the system chose.
 *
 * @param at where another one was, which is closed: a destination that comes back
 */
export async function startSink(at?: SinkAddress): Promise<Sink> {
  const sink = new OtlpSink();
  await sink.start(at);
  return sink;
}
