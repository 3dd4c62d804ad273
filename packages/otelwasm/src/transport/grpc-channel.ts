import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { ConsumerError, StatusCode } from "../component/errors.ts";
import { codeOfForeignHttp } from "../component/status.ts";
import type { HostPort } from "../config/values.ts";
import { formatHostPort } from "../config/values.ts";
import { decodeStatus } from "../telemetry/response.ts";
import { decompressNow } from "./compression.ts";
import { type Deadline, Deadlines } from "./deadlines.ts";
import { codeOfReset, decodeMessage, formatTimeout, MessageReader, prefix } from "./grpc.ts";
import { Http2Connection } from "./http2/connection.ts";
import { Http2Code } from "./http2/frames.ts";
import { encodeHeaders, type Headers } from "./http2/hpack.ts";
import { type ConnectionHandler, Http2Stream } from "./http2/stream.ts";

/** gRPC's back-off between attempts to connect: https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md */
const BACKOFF = { initialMs: 1_000, factor: 1.6, maxMs: 120_000, jitter: 0.2 } as const;
/** An answer has a partial success and its message at most. */
const MAX_ANSWER = 4 * 1024 * 1024;
/** After a call that got no answer: how long a ping may take before the connection counts as dead. */
const PING_MS = 5_000;
/** For TCP, TLS and the server's first word; gRPC's own minimum. */
const CONNECT_MS = 20_000;
const READ_BUFFER = 64 * 1024;

/** A call that did not end with OK. */
export class GrpcError extends Error {
  override readonly name: string = "GrpcError";
  readonly code: number;
  /** The delay of a `RetryInfo`, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(code: number, message: string, options: { retryAfterMs?: number | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

export interface ChannelOptions {
  readonly target: HostPort;
  /** With TLS, verified with the certificates that Node trusts. */
  readonly secure: boolean;
  readonly path: string;
  /** Metadata of every call, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the messages that `call` gets are compressed with gzip. */
  readonly gzip: boolean;
  readonly timeoutMs: number;
}

/** Not to be remembered by anybody on the way. */
const SECRET: ReadonlySet<string> = new Set(["authorization", "api-key", "x-api-key", "cookie"]);
const EMPTY = new Uint8Array();

class Call extends Http2Stream implements Deadline {
  deadlineAt: number = 0;
  deadlineIndex: number = -1;
  retried: boolean = false;
  readonly message: Uint8Array;
  readonly #channel: GrpcChannel;
  readonly #resolve: (answer: Uint8Array) => void;
  readonly #reject: (error: GrpcError) => void;
  #settled = false;
  #begun = false;
  #httpStatus = "";
  /** Most answers are an empty message, which needs no reader. */
  #empty = false;
  #reader: MessageReader | undefined;

  constructor(
    channel: GrpcChannel,
    message: Uint8Array,
    resolve: (answer: Uint8Array) => void,
    reject: (error: GrpcError) => void,
  ) {
    super();
    this.#channel = channel;
    this.message = message;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get settled(): boolean {
    return this.#settled;
  }

  override onHeaders(headers: Headers, end: boolean): void {
    const status = headers.get(":status");
    if (status?.startsWith("1") === true && !end) return;
    this.#begun = true;
    this.#httpStatus ||= status ?? "";
    const code = headers.get("grpc-status");
    if (code !== undefined && end) this.#end(/^\d{1,10}$/.test(code) ? Number(code) : StatusCode.UNKNOWN, headers);
    else if (this.#httpStatus !== "200") this.#foreign(end);
    else if (end) this.#unfinished();
  }

  override onData(piece: Uint8Array, end: boolean): void {
    if (this.#settled) return;
    if (this.#reader === undefined && !this.#empty && isEmptyFrame(piece)) this.#empty = true;
    else {
      try {
        this.#reader ??= new MessageReader(MAX_ANSWER, false);
        this.#reader.push(piece);
      } catch (cause) {
        const code = cause instanceof ConsumerError ? cause.code : StatusCode.INTERNAL;
        this.#abort(new GrpcError(code, `the server's answer: ${messageOf(cause)}`, { cause }));
        return;
      }
    }
    if (end) this.#unfinished();
  }

  override onReset(code: number): void {
    // The server says that it has not looked at the call: its GOAWAY came first, or it has too many streams.
    if (code === Http2Code.REFUSED_STREAM && !this.retried && !this.#begun && !this.#settled) {
      this.retried = true;
      this.#channel.again(this);
      return;
    }
    this.settle(new GrpcError(codeOfReset(code), `the server reset the stream (HTTP/2 error ${code})`));
  }

  override onLost(cause: Error): void {
    this.settle(new GrpcError(StatusCode.UNAVAILABLE, `the connection was lost: ${messageOf(cause)}`, { cause }));
  }

  onDeadline(): void {
    const { connection } = this;
    if (connection === undefined) {
      this.settle(new GrpcError(StatusCode.DEADLINE_EXCEEDED, "no connection within the timeout"));
      return;
    }
    this.#abort(new GrpcError(StatusCode.DEADLINE_EXCEEDED, "no response within the timeout"));
    this.#channel.probe(connection);
  }

  settle(outcome: Uint8Array | GrpcError): void {
    if (this.#settled) return;
    this.#settled = true;
    if (outcome instanceof GrpcError) this.#reject(outcome);
    else this.#resolve(outcome);
    this.#channel.left(this);
  }

  #abort(error: GrpcError): void {
    this.settle(error);
    this.connection?.reset(this, Http2Code.CANCEL);
  }

  #foreign(end: boolean): void {
    const http = Number(this.#httpStatus);
    const error = new GrpcError(codeOfForeignHttp(http), `the server answered with HTTP status ${http}, not with gRPC`);
    if (end) this.settle(error);
    else this.#abort(error);
  }

  #unfinished(): void {
    this.settle(new GrpcError(StatusCode.INTERNAL, "the server ended the call without a status"));
  }

  #end(code: number, headers: Headers): void {
    if (code !== StatusCode.OK) this.settle(statusError(code, headers));
    else if (this.#empty) this.settle(EMPTY);
    else {
      try {
        const message = this.#reader?.finish();
        if (message === undefined) throw new Error("OK without a message");
        this.settle(this.#reader?.compressed === true ? decompressNow("gzip", message, MAX_ANSWER) : message);
      } catch (cause) {
        this.settle(new GrpcError(StatusCode.INTERNAL, `the server's answer: ${messageOf(cause)}`, { cause }));
      }
    }
  }
}

function isEmptyFrame(piece: Uint8Array): boolean {
  return piece.length === 5 && (piece[0]! | piece[1]! | piece[2]! | piece[3]! | piece[4]!) === 0;
}

function statusError(code: number, headers: Headers): GrpcError {
  const message = decodeMessage(headers.get("grpc-message") ?? "");
  const details = headers.get("grpc-status-details-bin");
  if (details === undefined) return new GrpcError(code, message);
  try {
    const { retryAfterMs } = decodeStatus(Buffer.from(details, "base64"));
    return new GrpcError(code, message, { retryAfterMs });
  } catch (cause) {
    return new GrpcError(code, `${message} (unreadable grpc-status-details-bin)`, { cause });
  }
}

/**
 * Unary calls of one method to one server, over one HTTP/2 connection that is made when it is needed and made again when it is lost.
 * After an attempt that failed, calls fail at once until the back-off is over, as gRPC's do.
 */
export class GrpcChannel {
  readonly #options: ChannelOptions;
  readonly #block: Uint8Array;
  readonly #deadlines: Deadlines = new Deadlines();
  readonly #connections: Set<Http2Connection> = new Set();
  /** All connections read into it; what is to be kept is copied out at once. */
  readonly #readBuffer: Buffer = Buffer.allocUnsafeSlow(READ_BUFFER);
  /** The one that new calls go to. */
  #current: Http2Connection | undefined;
  /** Calls that wait for the connection, or until the server allows another stream. */
  readonly #queue: Set<Call> = new Set();
  #failures = 0;
  #nextAttempt = 0;
  #lastError = "";
  #probing = false;
  #closed = false;
  #inFlight = 0;
  #drained: (() => void) | undefined;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#block = encodeHeaders(
      Object.entries({
        ":method": "POST",
        ":scheme": options.secure ? "https" : "http",
        ":path": options.path,
        ":authority": formatHostPort(options.target),
        "content-type": "application/grpc",
        te: "trailers",
        "grpc-timeout": formatTimeout(options.timeoutMs),
        ...(options.gzip ? { "grpc-encoding": "gzip", "grpc-accept-encoding": "identity,gzip" } : {}),
        ...options.headers,
      }),
      SECRET,
    );
  }

  /**
   * @param message compressed if the channel's messages are; must not be changed any more: after a timeout, parts of it may still be on
   *   their way to the socket
   * @returns the answer's message
   * @throws GrpcError
   */
  call(message: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new GrpcError(StatusCode.UNAVAILABLE, "the exporter is shut down"));
        return;
      }
      const call = new Call(this, message, resolve, reject);
      this.#inFlight++;
      this.#deadlines.add(call, this.#options.timeoutMs);
      this.#dispatch(call);
    });
  }

  /** Resolves when every call is answered (or out of time) and the connection is closed. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    this.#deadlines.close();
    for (const connection of this.#connections) connection.destroy();
  }

  #dispatch(call: Call): void {
    let connection = this.#current;
    if (connection === undefined || connection.destroyed) {
      if (performance.now() < this.#nextAttempt) {
        call.settle(new GrpcError(StatusCode.UNAVAILABLE, this.#lastError));
        return;
      }
      connection = this.#connect();
    }
    if (connection.streams >= connection.peerMaxStreams) {
      this.#queue.add(call);
      return;
    }
    const head = prefix(call.message.length, this.#options.gzip);
    if (connection.request(call, this.#block, head, call.message)) return;
    // The numbers of streams are used up.
    connection.end();
    this.#connect().request(call, this.#block, head, call.message);
  }

  /** Sends what has waited. */
  #dequeue(): void {
    const connection = this.#current;
    // Not those that the loop itself puts back, to wait for the next connection.
    for (const call of [...this.#queue]) {
      if (connection !== undefined && !connection.destroyed && connection.streams >= connection.peerMaxStreams) return;
      if (this.#queue.delete(call)) this.#dispatch(call);
    }
  }

  #connect(): Http2Connection {
    const { target, secure } = this.#options;
    let introduced = false;
    const onread = {
      buffer: this.#readBuffer,
      callback: (length: number): boolean => {
        connection.receive(this.#readBuffer.subarray(0, length));
        return true;
      },
    };
    const to = { host: target.host, port: target.port, noDelay: true, onread };
    const socket = secure ? connectSecurely(to) : connect(to);
    const handler: ConnectionHandler = {
      onReady: () => {
        introduced = true;
        clearTimeout(impatience);
        this.#failures = 0;
      },
      onGoAway: () => {
        if (this.#current === connection) this.#current = undefined;
      },
      onCapacity: () => {
        if (this.#queue.size > 0 && this.#current === connection) this.#dequeue();
      },
      onClose: (reason) => {
        clearTimeout(impatience);
        this.#connections.delete(connection);
        if (this.#current === connection) this.#current = undefined;
        if (!introduced) this.#attemptFailed(reason);
        if (this.#queue.size > 0) this.#dequeue();
      },
    };
    const options = { role: "client", streamWindow: MAX_ANSWER + READ_BUFFER, maxStreams: 0 } as const;
    const connection = new Http2Connection(socket, options, handler);
    const impatience = setTimeout(() => {
      connection.destroy(new Error(`the server has not introduced itself within ${CONNECT_MS} ms`));
    }, CONNECT_MS).unref();
    this.#connections.add(connection);
    this.#current = connection;
    return connection;
  }

  #attemptFailed(reason: Error): void {
    const { initialMs, factor, maxMs, jitter } = BACKOFF;
    const delay = Math.min(maxMs, initialMs * factor ** this.#failures++);
    this.#nextAttempt = performance.now() + delay * (1 - jitter + 2 * jitter * Math.random());
    this.#lastError = `cannot connect: ${messageOf(reason)}`;
  }

  /** @internal a call that the server has not looked at */
  again(call: Call): void {
    call.connection = undefined;
    this.#dispatch(call);
  }

  /** @internal A server that is silent may be gone without a word; TCP would notice after a quarter of an hour. */
  probe(connection: Http2Connection): void {
    if (this.#probing || connection.destroyed) return;
    this.#probing = true;
    const impatience = setTimeout(() => connection.destroy(new Error("the server does not answer")), PING_MS).unref();
    connection.ping(() => {
      clearTimeout(impatience);
      this.#probing = false;
    });
  }

  /** @internal */
  left(call: Call): void {
    this.#deadlines.remove(call);
    this.#queue.delete(call);
    if (--this.#inFlight === 0) this.#drained?.();
  }
}

function connectSecurely(to: object & { host: string }): Socket {
  // TLS has no server names for addresses.
  const name = isIP(to.host) === 0 ? { servername: to.host } : {};
  const socket: TLSSocket = connectTls({ ...to, ...name, ALPNProtocols: ["h2"] });
  socket.once("secureConnect", () => {
    if (socket.alpnProtocol !== "h2") socket.destroy(new Error("the server does not speak HTTP/2"));
  });
  return socket;
}

function messageOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return cause.errors.map(messageOf).join("; ");
  return cause instanceof Error ? cause.message : String(cause);
}
