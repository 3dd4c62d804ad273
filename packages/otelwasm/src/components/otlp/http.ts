import { createServer, IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "../../component/logger.ts";
import type { Ports } from "../../component/ports.ts";
import { codeOfHttpStatus, httpStatusOf, type RpcStatus, toRpcStatus } from "../../component/status.ts";
import type { Signal } from "../../telemetry/batch.ts";
import { decodeJson } from "../../telemetry/json.ts";
import { encodeStatus, encodeStatusJson } from "../../telemetry/response.ts";
import { BodyAssembler } from "../../transport/body.ts";
import { BodyError, type Coding, decompress } from "../../transport/compression.ts";
import { listen } from "../../transport/listen.ts";
import { JSON_TYPE, PROTOBUF } from "../../transport/otlp.ts";
import type { HttpConfig } from "./config.ts";
import type { Intake, Reply } from "./intake.ts";

/** The Collector's `idle_timeout`. Node's own five seconds would cut off clients that send every five seconds. */
const KEEP_ALIVE_MS = 60_000;
/** At shutdown, how long a client may go on sending a request that it has begun. */
const UPLOAD_GRACE_MS = 5_000;

/** Of a body that is refused, this much more than twice the limit is read before the connection is cut. */
const DISCARD = 64 * 1024;

/** Requests that a client may send on one connection without waiting for an answer. OTLP clients send one. */
const PIPELINED = 1_000;

const OK_PROTOBUF = ["Content-Type", PROTOBUF, "Content-Length", "0"];
const OK_JSON = ["Content-Type", JSON_TYPE, "Content-Length", "2"];
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** An answer that HTTP itself asks for, before there is anything for the pipeline. */
interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly headers?: readonly string[];
}

const NO_METHOD: Refusal = {
  status: 405,
  message: "405 method not allowed, supported: [POST]",
  headers: ["Allow", "POST"],
};
const NO_TYPE: Refusal = {
  status: 415,
  message: `415 unsupported media type, supported: [${JSON_TYPE}, ${PROTOBUF}]`,
};

const CODING_NAMES: ReadonlyMap<string, Coding | undefined> = new Map([
  ["identity", undefined],
  ["gzip", "gzip"],
  ["deflate", "deflate"],
  ["zlib", "deflate"],
  ["zstd", "zstd"],
]);

function mediaType(header: string): string {
  const end = header.indexOf(";");
  return (end < 0 ? header : header.slice(0, end)).trim().toLowerCase();
}

/**
 * A request and its answer. Node creates it in the place of an `IncomingMessage`, so that a request needs no closures: the listeners below
 * are the same functions for all.
 */
class Exchange extends IncomingMessage implements Reply {
  host: HttpServer | undefined = undefined;
  response: ServerResponse | undefined = undefined;
  telemetry: Signal = "logs";
  json: boolean | undefined = undefined;
  coding: Coding | undefined = undefined;
  body: BodyAssembler | undefined = undefined;
  discarded: number = 0;
  /** The body is complete and the answer is not given: what is left to do is up to the pipeline. */
  waiting: boolean = false;
  line: Line | undefined = undefined;

  delivered(): void {
    const { response } = this;
    this.waiting = false;
    this.leave();
    if (response === undefined || response.destroyed) return;
    this.host?.beforeAnswer(response);
    if (this.json === true) response.writeHead(200, OK_JSON).end("{}");
    else response.writeHead(200, OK_PROTOBUF).end();
  }

  refused(error: unknown): void {
    const status = toRpcStatus(error);
    this.answer(httpStatusOf(status.code), status, []);
  }

  refuse(refusal: Refusal): void {
    const { status, message } = refusal;
    this.answer(status, { code: codeOfHttpStatus(status), message }, refusal.headers ?? []);
  }

  leave(): void {
    if (this.line !== undefined) this.line.open--;
    this.line = undefined;
  }

  answer(httpStatus: number, status: RpcStatus, more: readonly string[]): void {
    const { response } = this;
    this.body = undefined;
    this.waiting = false;
    this.leave();
    if (response === undefined || response.destroyed || response.headersSent) return;
    const body =
      this.json === undefined
        ? Buffer.from(status.message)
        : this.json
          ? encodeStatusJson(status)
          : encodeStatus(status);
    const type = this.json === undefined ? "text/plain; charset=utf-8" : this.json ? JSON_TYPE : PROTOBUF;
    const headers = ["Content-Type", type, "Content-Length", String(body.length), ...more];
    if (status.retryAfterMs !== undefined) headers.push("Retry-After", String(Math.ceil(status.retryAfterMs / 1000)));
    this.host?.beforeAnswer(response);
    response.writeHead(httpStatus, headers).end(body);
  }
}

/** A connection. */
class Line {
  last: Exchange | undefined = undefined;
  /** Requests that nobody has answered. */
  open: number = 0;
}

/** OTLP over HTTP: protobuf and JSON, https://opentelemetry.io/docs/specs/otlp/#otlphttp */
export class HttpServer {
  readonly protocol = "http";
  readonly #config: HttpConfig;
  readonly #intake: Intake;
  readonly #signals: ReadonlyMap<string, Signal>;
  readonly #server: Server<typeof Exchange>;
  readonly #connections: Map<Socket, Line> = new Map();
  #draining = false;

  constructor(config: HttpConfig, intake: Intake, logger: Logger) {
    this.#config = config;
    this.#intake = intake;
    this.#signals = new Map([
      [config.traces_url_path, "traces"],
      [config.metrics_url_path, "metrics"],
      [config.logs_url_path, "logs"],
    ]);
    this.#server = createServer({ IncomingMessage: Exchange, keepAliveTimeout: KEEP_ALIVE_MS }, (exchange, response) =>
      this.#accept(exchange, response, false),
    );
    this.#server.on("checkContinue", (exchange: Exchange, response: ServerResponse) =>
      this.#accept(exchange, response, true),
    );
    this.#server.on("connection", (socket) => {
      this.#connections.set(socket, new Line());
      socket.on("close", () => this.#connections.delete(socket));
    });
    this.#server.on("dropRequest", () => logger.warn("HTTP request dropped: too many on one connection"));
  }

  /** @returns the URL */
  async listen(ports?: Ports): Promise<string> {
    return `http://${await listen(this.#server, this.#config.endpoint, ports)}`;
  }

  /** Stops accepting; resolves when everybody is answered and the port is free. */
  async shutdown(): Promise<void> {
    this.#draining = true;
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    const impatience = setInterval(() => {
      for (const [socket, { last }] of this.#connections) if (last?.waiting !== true) socket.destroy();
    }, UPLOAD_GRACE_MS);
    await closed;
    clearInterval(impatience);
  }

  /** The last answer on a connection says so. */
  beforeAnswer(response: ServerResponse): void {
    if (this.#draining) response.shouldKeepAlive = false;
  }

  #accept(exchange: Exchange, response: ServerResponse, waits: boolean): void {
    exchange.host = this;
    exchange.response = response;
    const line = this.#connections.get(exchange.socket);
    if (line !== undefined) {
      line.last = exchange;
      exchange.line = line;
      if (++line.open > PIPELINED) {
        exchange.socket.destroy();
        return;
      }
    }
    const refusal = this.#check(exchange);
    exchange.on("data", onData);
    if (refusal !== undefined) {
      exchange.refuse(refusal);
      return;
    }
    exchange.on("end", onEnd);
    if (waits) response.writeContinue();
  }

  #check(exchange: Exchange): Refusal | undefined {
    const url = exchange.url ?? "";
    const signal = this.#signals.get(url) ?? this.#signals.get(pathOf(url));
    if (signal === undefined || !this.#intake.serves(signal)) return { status: 404, message: "404 page not found" };
    if (exchange.method !== "POST") return NO_METHOD;
    exchange.telemetry = signal;
    const { headers } = exchange;
    const type = headers["content-type"];
    if (type === undefined) return NO_TYPE;
    const media = type === PROTOBUF ? PROTOBUF : mediaType(type);
    if (media !== PROTOBUF && media !== JSON_TYPE) return NO_TYPE;
    exchange.json = media === JSON_TYPE;
    const coding = headers["content-encoding"];
    if (coding !== undefined && coding !== "") {
      const name = coding.trim().toLowerCase();
      // 400 rather than 415, as the Collector answers.
      if (!CODING_NAMES.has(name)) {
        const message = `unsupported Content-Encoding: ${coding}; supported: gzip, deflate, zstd`;
        return { status: 400, message, headers: ["Accept-Encoding", "gzip, deflate, zstd"] };
      }
      exchange.coding = CODING_NAMES.get(name);
    }
    const announced = headers["content-length"];
    const length = announced === undefined ? -1 : Number(announced);
    if (length > this.#config.max_request_body_size) return this.tooLarge();
    // Neither a length nor chunks: there is no body, and an empty one is a valid request.
    const empty = announced === undefined && headers["transfer-encoding"] === undefined;
    exchange.body = new BodyAssembler(this.#config.max_request_body_size, empty ? 0 : length);
    return undefined;
  }

  tooLarge(): Refusal {
    return { status: 413, message: `the request body is larger than ${this.#config.max_request_body_size} bytes` };
  }

  /** A client that was refused may finish its sentence, and sees the answer then; but it may not go on for ever. */
  discard(exchange: Exchange, chunk: Uint8Array): void {
    exchange.discarded += chunk.length;
    if (exchange.discarded > 2 * this.#config.max_request_body_size + DISCARD) exchange.socket.destroy();
  }

  complete(exchange: Exchange, bytes: Uint8Array): void {
    exchange.waiting = true;
    if (exchange.coding === undefined) {
      this.#deliver(exchange, bytes);
      return;
    }
    try {
      const plain = decompress(exchange.coding, bytes, this.#config.max_request_body_size);
      if (plain instanceof Uint8Array) this.#deliver(exchange, plain);
      else {
        plain.then(
          (body) => this.#deliver(exchange, body),
          (error: unknown) => this.#unusable(exchange, error),
        );
      }
    } catch (error) {
      this.#unusable(exchange, error);
    }
  }

  #unusable(exchange: Exchange, error: unknown): void {
    if (error instanceof BodyError && error.code === "too_large") exchange.refuse(this.tooLarge());
    else exchange.refuse({ status: 400, message: error instanceof Error ? error.message : String(error) });
  }

  #deliver(exchange: Exchange, bytes: Uint8Array): void {
    if (exchange.json !== true) {
      this.#intake.deliver(exchange.telemetry, bytes, "http", exchange);
      return;
    }
    let converted: Uint8Array;
    try {
      converted = decodeJson(exchange.telemetry, utf8.decode(bytes));
    } catch (error) {
      this.#unusable(exchange, error);
      return;
    }
    this.#intake.deliver(exchange.telemetry, converted, "http", exchange);
  }
}

/** Without the query; of the absolute form, which a proxy's client may send, the path. */
function pathOf(url: string): string {
  if (!url.startsWith("/")) return URL.canParse(url) ? new URL(url).pathname : "";
  const end = url.indexOf("?");
  return end < 0 ? url : url.slice(0, end);
}

function onData(this: IncomingMessage, chunk: Uint8Array): void {
  if (!(this instanceof Exchange)) return;
  const { body, host } = this;
  if (body === undefined) host?.discard(this, chunk);
  else if (!body.push(chunk) && host !== undefined) this.refuse(host.tooLarge());
}

function onEnd(this: IncomingMessage): void {
  if (!(this instanceof Exchange)) return;
  const bytes = this.body?.take();
  this.body = undefined;
  if (bytes !== undefined) this.host?.complete(this, bytes);
}
