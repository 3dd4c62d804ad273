import { createServer, type Server, type ServerOptions, type ServerResponse } from "node:http";
import { createServer as createHttpsServer, Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { HeaderLookup, ServerAuthenticator } from "../../component/auth.ts";
import type { Ports } from "../../component/ports.ts";
import type { Signal } from "../../telemetry/batch.ts";
import { decodeJson } from "../../telemetry/json.ts";
import { BodyAssembler } from "../../transport/body.ts";
import { BodyError, type Coding, decompress } from "../../transport/compression.ts";
import { Deadlines } from "../../transport/deadlines.ts";
import { listen, urlOf } from "../../transport/listen.ts";
import { JSON_TYPE, PROTOBUF } from "../../transport/otlp.ts";
import { ServerSecurity } from "../../transport/tls-server.ts";
import type { CodingName, HttpConfig } from "./config.ts";
import { Cors } from "./cors.ts";
import { Exchange, Line, mediaType, onData, onEnd, type Refusal } from "./exchange.ts";
import type { Intake } from "./intake.ts";
import type { ListenerSettings } from "./listener.ts";

/** At shutdown, how long a client may go on sending a request that it has begun. */
const UPLOAD_GRACE_MS = 5_000;
/** When another server has taken over, how long clients have for one more request on a connection that they keep. */
const HANDOVER_MS = 1_000;

/** Of a body that is refused, this much more than twice the limit is read before the connection is cut. */
const DISCARD = 64 * 1024;

/** Requests that a client may send on one connection without waiting for an answer. OTLP clients send one. */
const PIPELINED = 1_000;

/** How often Node looks for requests that take too long: its own default, and the least. */
const CHECKING_MS = 30_000;
const LEAST_CHECKING_MS = 50;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const NO_METHOD: Refusal = {
  status: 405,
  message: "405 method not allowed, supported: [POST]",
  headers: ["Allow", "POST"],
};
const NO_TYPE: Refusal = {
  status: 415,
  message: `415 unsupported media type, supported: [${JSON_TYPE}, ${PROTOBUF}]`,
};

/** What HTTP calls `deflate` has the format that is called zlib. */
const CODINGS: Readonly<Record<CodingName, Coding | undefined>> = {
  "": undefined,
  gzip: "gzip",
  zstd: "zstd",
  zlib: "deflate",
  deflate: "deflate",
};

/** OTLP over HTTP: protobuf and JSON, https://opentelemetry.io/docs/specs/otlp/#otlphttp */
export class HttpServer {
  readonly protocol = "http";
  readonly deadlines: Deadlines = new Deadlines();
  readonly #config: HttpConfig;
  readonly #intake: Intake;
  readonly #authenticator: ServerAuthenticator | undefined;
  readonly #signals: ReadonlyMap<string, Signal>;
  /** By the name that a client gives them. */
  readonly #codings: ReadonlyMap<string, Coding | undefined>;
  readonly #cors: Cors | undefined;
  /** Of every answer. */
  readonly #headers: readonly string[];
  readonly #security: ServerSecurity | undefined;
  readonly #server: Server<typeof Exchange>;
  readonly #connections: Map<Socket, Line> = new Map();
  #draining = false;
  #closesEach: boolean;
  #left: (() => void) | undefined;

  constructor(config: HttpConfig, intake: Intake, { authenticator, where, logger }: ListenerSettings) {
    this.#config = config;
    this.#intake = intake;
    this.#authenticator = authenticator;
    this.#closesEach = !config.keep_alives_enabled;
    this.#signals = new Map([
      [config.traces_url_path, "traces"],
      [config.metrics_url_path, "metrics"],
      [config.logs_url_path, "logs"],
    ]);
    this.#codings = new Map(
      config.compression_algorithms.map((name) => [name === "" ? "identity" : name, CODINGS[name]]),
    );
    this.#headers = Object.entries(config.response_headers).flat();
    if (config.cors !== undefined && config.cors.allowed_origins.length > 0) this.#cors = new Cors(config.cors);
    else if ((config.cors?.allowed_headers.length ?? 0) > 0)
      logger.warn("The CORS configuration specifies allowed headers but no allowed origins, and is therefore ignored.");
    const onRequest = (exchange: Exchange, response: ServerResponse): void => this.#accept(exchange, response, false);
    const options: ServerOptions<typeof Exchange> = { IncomingMessage: Exchange, ...timeouts(config) };
    if (config.tls === undefined) this.#server = createServer(options, onRequest);
    else {
      this.#security = new ServerSecurity(config.tls, `${where}::tls`, logger);
      this.#server = createHttpsServer({ ...options, ...this.#security.options }, onRequest);
    }
    this.#server.on("checkContinue", (exchange: Exchange, response: ServerResponse) =>
      this.#accept(exchange, response, true),
    );
    this.#server.on(config.tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
      this.#connections.set(socket, new Line());
      socket.on("close", () => this.#disconnected(socket));
    });
    this.#server.on("dropRequest", () => logger.warn("HTTP request dropped: too many on one connection"));
  }

  /** @returns the URL */
  async listen(ports?: Ports): Promise<string> {
    const { endpoint } = this.#config;
    const server: unknown = this.#server;
    if (server instanceof HttpsServer) await this.#security?.secure(server);
    const scheme = this.#security === undefined ? "http" : "https";
    return urlOf(scheme, endpoint, await listen(this.#server, endpoint, ports));
  }

  /** Stops accepting; resolves when everybody is answered and the port is free. */
  async shutdown(): Promise<void> {
    this.#closesEach = true;
    // Another server has its port already, so nobody waits for it; and a client that is about to send must not find its connection closed.
    if (!this.#server.listening) await this.#untilLeft();
    this.#draining = true;
    this.#security?.close();
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    if (this.#connections.size === 0) this.#security?.destroyAll();
    const impatience = setInterval(() => {
      for (const [socket, { last }] of this.#connections) if (last?.waiting !== true) socket.destroy();
    }, UPLOAD_GRACE_MS);
    await closed;
    clearInterval(impatience);
    this.deadlines.close();
  }

  /** The last answer on a connection says so. */
  beforeAnswer(response: ServerResponse): void {
    if (this.#closesEach) response.shouldKeepAlive = false;
  }

  /** Resolves when every client has been told to come back on another connection, or was silent. */
  async #untilLeft(): Promise<void> {
    if (this.#connections.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, HANDOVER_MS);
    this.#left = resolve;
    await promise;
    clearTimeout(timer);
  }

  #disconnected(socket: Socket): void {
    this.#connections.delete(socket);
    if (this.#connections.size === 0) this.#left?.();
    if (this.#draining && this.#connections.size === 0) this.#security?.destroyAll();
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
    if (this.#config.write_timeout > 0) this.deadlines.add(exchange, this.#config.write_timeout);
    exchange.more = this.#headers;
    if (this.#cors !== undefined && this.#answersPreflight(this.#cors, exchange, response)) return;
    if (this.#authenticator === undefined) this.#admit(exchange, response, waits);
    else this.#authenticate(this.#authenticator, exchange, response, waits);
  }

  /** @returns whether the request is only a question */
  #answersPreflight(cors: Cors, exchange: Exchange, response: ServerResponse): boolean {
    const { headers, method } = exchange;
    if (method !== "OPTIONS" || !headers["access-control-request-method"]) {
      exchange.more = [...exchange.more, ...cors.answer(headers)];
      return false;
    }
    exchange.on("data", onData);
    exchange.leave();
    this.beforeAnswer(response);
    response.writeHead(204, [...exchange.more, ...cors.preflight(headers)]).end();
    return true;
  }

  #authenticate(
    authenticator: ServerAuthenticator,
    exchange: Exchange,
    response: ServerResponse,
    waits: boolean,
  ): void {
    const refuse = (error: unknown): void => {
      exchange.on("data", onData);
      exchange.rejected(error, authenticator.challenge);
    };
    try {
      const asked = authenticator.authenticate(this.#lookup(exchange));
      if (asked === undefined) this.#admit(exchange, response, waits);
      // Nothing is read meanwhile: nobody listens for data.
      else asked.then(() => this.#admit(exchange, response, waits), refuse);
    } catch (error) {
      refuse(error);
    }
  }

  #lookup({ headers, url }: Exchange): HeaderLookup {
    const inHeaders = (name: string): string | undefined => {
      const value = headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    };
    const names = this.#config.auth?.request_params ?? [];
    if (names.length === 0) return inHeaders;
    const query = new URLSearchParams(/\?([^#]*)/.exec(url ?? "")?.[1]);
    return (name) => {
      const parameter = names.find((each) => each.toLowerCase() === name && query.has(each));
      return parameter === undefined ? inHeaders(name) : (query.get(parameter) ?? undefined);
    };
  }

  #admit(exchange: Exchange, response: ServerResponse, waits: boolean): void {
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
    const coding = headers["content-encoding"]?.trim().toLowerCase() || "identity";
    // 400 rather than 415, as the Collector answers.
    if (!this.#codings.has(coding)) {
      const supported = [...this.#codings.keys()].filter((each) => each !== "zlib" && each !== "identity").join(", ");
      const message = `unsupported Content-Encoding: ${coding}; supported: ${supported}`;
      return { status: 400, message, headers: ["Accept-Encoding", supported] };
    }
    exchange.coding = this.#codings.get(coding);
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

/** The Collector's words as Node has them, which looks at both of the first every now and then only. */
function timeouts(
  config: HttpConfig,
): Pick<ServerOptions, "requestTimeout" | "headersTimeout" | "keepAliveTimeout" | "connectionsCheckingInterval"> {
  const { read_timeout, read_header_timeout, idle_timeout } = config;
  // As in Go, what is 0 takes the value of `read_timeout`; a header is part of what that is for.
  const headersTimeout =
    read_header_timeout === 0 || read_timeout === 0
      ? read_header_timeout || read_timeout
      : Math.min(read_header_timeout, read_timeout);
  const shortest = Math.min(...[read_timeout, headersTimeout].filter((each) => each > 0));
  return {
    requestTimeout: read_timeout,
    headersTimeout,
    keepAliveTimeout: idle_timeout || read_timeout,
    connectionsCheckingInterval: Math.max(LEAST_CHECKING_MS, Math.min(CHECKING_MS, shortest / 4)),
  };
}

/** Without the query; of the absolute form, which a proxy's client may send, the path. */
function pathOf(url: string): string {
  if (!url.startsWith("/")) return URL.canParse(url) ? new URL(url).pathname : "";
  const end = url.indexOf("?");
  return end < 0 ? url : url.slice(0, end);
}
