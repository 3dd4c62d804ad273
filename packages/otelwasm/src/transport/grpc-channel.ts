import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from "node:http2";
import { StatusCode } from "../component/errors.ts";
import { decodeStatus } from "../telemetry/response.ts";
import { decompress } from "./compression.ts";
import { type Deadline, Deadlines } from "./deadlines.ts";
import {
  codeOfForeignHttp,
  codeOfReset,
  decodeMessage,
  formatTimeout,
  frame,
  MessageReader,
  PREFIX,
  prefix,
  WINDOW,
} from "./grpc.ts";

/** gRPC's back-off between attempts to connect: https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md */
const BACKOFF = { initialMs: 1_000, factor: 1.6, maxMs: 120_000, jitter: 0.2 } as const;
/** An answer has a partial success and its message at most. */
const MAX_ANSWER = 4 * 1024 * 1024;
/** After a call that got no answer: how long a ping may take before the connection counts as dead. */
const PING_MS = 5_000;
/** Messages up to here are copied behind their prefix. */
const COPY_BELOW = 16 * 1024;
const SESSION_MEMORY = 1024;

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
  /** `http://host:port` or `https://host:port`. */
  readonly authority: string;
  readonly path: string;
  /** Metadata of every call, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the messages that `call` gets are compressed with gzip. */
  readonly gzip: boolean;
  readonly timeoutMs: number;
}

const CALL: unique symbol = Symbol("call");
interface CallStream extends ClientHttp2Stream {
  [CALL]?: Call | undefined;
}

class Call implements Deadline {
  deadlineAt: number = 0;
  deadlineIndex: number = -1;
  retried: boolean = false;
  stream: CallStream | undefined = undefined;
  status: OutgoingHttpHeaders | undefined = undefined;
  reader: MessageReader | undefined = undefined;
  /** Most answers are an empty message, which needs no reader. */
  empty: boolean = false;
  error: Error | undefined = undefined;
  readonly channel: GrpcChannel;
  readonly message: Uint8Array;
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (error: GrpcError) => void;

  constructor(
    channel: GrpcChannel,
    message: Uint8Array,
    resolve: (answer: Uint8Array) => void,
    reject: (error: GrpcError) => void,
  ) {
    this.channel = channel;
    this.message = message;
    this.resolve = resolve;
    this.reject = reject;
  }

  onDeadline(): void {
    this.channel.expired(this);
  }
}

const EMPTY = new Uint8Array();

/**
 * Unary calls of one method to one server, over one HTTP/2 connection that is made when it is needed and made again when it is lost.
 * After an attempt that failed, calls fail at once until the back-off is over, as gRPC's do.
 */
export class GrpcChannel {
  readonly #options: ChannelOptions;
  readonly #headers: OutgoingHttpHeaders;
  readonly #deadlines: Deadlines = new Deadlines();
  #session: ClientHttp2Session | undefined;
  /** Calls that wait for the connection. */
  #waiting: Call[] = [];
  #connected = false;
  #failures = 0;
  #nextAttempt = 0;
  #lastError = "";
  #probing = false;
  #closed = false;
  #inFlight = 0;
  #drained: (() => void) | undefined;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#headers = {
      ":method": "POST",
      ":path": options.path,
      "content-type": "application/grpc",
      te: "trailers",
      "grpc-timeout": formatTimeout(options.timeoutMs),
      ...(options.gzip ? { "grpc-encoding": "gzip", "grpc-accept-encoding": "identity,gzip" } : {}),
      ...options.headers,
    };
  }

  /**
   * @param message compressed if the channel's messages are; must not be changed until the promise settles
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
    const session = this.#session;
    if (session === undefined || session.destroyed) return;
    await new Promise<void>((resolve) => {
      session.once("close", resolve);
      session.destroy();
    });
  }

  #dispatch(call: Call): void {
    const session = this.#session;
    if (session !== undefined && this.#connected) this.#send(session, call);
    else if (session !== undefined || performance.now() >= this.#nextAttempt) {
      this.#waiting.push(call);
      if (session === undefined) this.#connect();
    } else this.#settle(call, new GrpcError(StatusCode.UNAVAILABLE, this.#lastError));
  }

  #connect(): void {
    const session = connect(this.#options.authority, {
      maxSessionMemory: SESSION_MEMORY,
      settings: { initialWindowSize: WINDOW, enablePush: false },
    });
    this.#session = session;
    this.#connected = false;
    let reason: Error | undefined;
    session.on("connect", () => {
      session.setLocalWindowSize(WINDOW);
      this.#connected = true;
      this.#failures = 0;
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const call of waiting) if (call.deadlineIndex >= 0) this.#send(session, call);
    });
    session.on("error", (error) => {
      reason = error;
    });
    // From now on new calls get a new connection; those that run end on the old one.
    session.on("goaway", () => this.#forget(session));
    session.on("close", () => {
      const failed = this.#session === session && !this.#connected;
      this.#forget(session);
      if (failed) this.#attemptFailed(reason);
    });
  }

  #forget(session: ClientHttp2Session): void {
    if (this.#session !== session || !this.#connected) return;
    this.#session = undefined;
    this.#connected = false;
  }

  #attemptFailed(reason: Error | undefined): void {
    this.#session = undefined;
    const { initialMs, factor, maxMs, jitter } = BACKOFF;
    const delay = Math.min(maxMs, initialMs * factor ** this.#failures++);
    this.#nextAttempt = performance.now() + delay * (1 - jitter + 2 * jitter * Math.random());
    this.#lastError = `cannot connect: ${messageOf(reason)}`;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const call of waiting) {
      this.#settle(call, new GrpcError(StatusCode.UNAVAILABLE, this.#lastError, { cause: reason }));
    }
  }

  #send(session: ClientHttp2Session, call: Call): void {
    let stream: CallStream;
    try {
      stream = session.request(this.#headers);
    } catch (cause) {
      // The connection is closing, or has used up its stream numbers.
      this.#forget(session);
      if (call.retried) this.#settle(call, new GrpcError(StatusCode.UNAVAILABLE, messageOf(cause), { cause }));
      else {
        call.retried = true;
        this.#dispatch(call);
      }
      return;
    }
    stream[CALL] = call;
    call.stream = stream;
    stream.on("response", onStatus);
    stream.on("trailers", onStatus);
    stream.on("data", onData);
    stream.on("error", onError);
    stream.on("close", onClose);
    const { message } = call;
    if (message.length < COPY_BELOW) {
      stream.end(frame(message, this.#options.gzip));
      return;
    }
    stream.cork();
    stream.write(prefix(message.length, this.#options.gzip));
    stream.end(message);
    stream.uncork();
  }

  /** @internal */
  expired(call: Call): void {
    const { stream } = call;
    if (stream === undefined) {
      this.#waiting = this.#waiting.filter((each) => each !== call);
      this.#settle(call, new GrpcError(StatusCode.DEADLINE_EXCEEDED, "no connection within the timeout"));
      return;
    }
    call.stream = undefined;
    stream[CALL] = undefined;
    stream.close(constants.NGHTTP2_CANCEL);
    this.#settle(call, new GrpcError(StatusCode.DEADLINE_EXCEEDED, "no response within the timeout"));
    this.#probe();
  }

  /** A server that is silent may be gone without a word; TCP would notice after a quarter of an hour. */
  #probe(): void {
    const session = this.#session;
    if (session === undefined || this.#probing || session.destroyed) return;
    this.#probing = true;
    const impatience = setTimeout(() => session.destroy(), PING_MS);
    const done = (): void => {
      clearTimeout(impatience);
      this.#probing = false;
    };
    session.once("close", done);
    const asked = session.ping((error) => {
      if (error !== null) return;
      session.removeListener("close", done);
      done();
    });
    if (!asked) session.destroy();
  }

  /** @internal the stream has ended, in whatever way */
  ended(call: Call, stream: CallStream): void {
    const outcome = outcomeOf(call, stream);
    if (!(outcome instanceof GrpcError)) {
      this.#settle(call, outcome);
      return;
    }
    // The server says that it has not looked at the call: GOAWAY came before it.
    if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM && !call.retried && call.status === undefined) {
      call.retried = true;
      call.stream = undefined;
      this.#dispatch(call);
      return;
    }
    this.#settle(call, outcome);
  }

  #settle(call: Call, outcome: Uint8Array | GrpcError): void {
    this.#deadlines.remove(call);
    if (outcome instanceof GrpcError) call.reject(outcome);
    else call.resolve(outcome);
    if (--this.#inFlight === 0) this.#drained?.();
  }
}

function outcomeOf(call: Call, stream: CallStream): Uint8Array | GrpcError {
  const { status } = call;
  const code = status?.["grpc-status"];
  if (code === "0") {
    if (call.empty) return EMPTY;
    try {
      const { reader } = call;
      const message = reader?.finish();
      if (reader === undefined || message === undefined) {
        return new GrpcError(StatusCode.INTERNAL, "the server answered OK without a message");
      }
      // An answer is small, so this is done at once.
      const plain = reader.compressed ? decompress("gzip", message, MAX_ANSWER) : message;
      return plain instanceof Uint8Array
        ? plain
        : new GrpcError(StatusCode.INTERNAL, "the server's answer is too large");
    } catch (cause) {
      return new GrpcError(StatusCode.INTERNAL, `the server's answer: ${messageOf(cause)}`, { cause });
    }
  }
  if (code !== undefined) return statusError(status, Number(code));
  if (call.error !== undefined) {
    const { error } = call;
    const lost = stream.rstCode === constants.NGHTTP2_NO_ERROR || stream.session?.destroyed !== false;
    const told = lost && !isStreamError(error) ? StatusCode.UNAVAILABLE : codeOfReset(stream.rstCode ?? 0);
    return new GrpcError(told, messageOf(error), { cause: error });
  }
  const http = Number(status?.[":status"] ?? 0);
  if (http !== 0 && http !== 200) {
    return new GrpcError(codeOfForeignHttp(http), `the server answered with HTTP status ${http}, not with gRPC`);
  }
  if (stream.rstCode !== undefined && stream.rstCode !== constants.NGHTTP2_NO_ERROR) {
    return new GrpcError(codeOfReset(stream.rstCode), `the server reset the stream (HTTP/2 error ${stream.rstCode})`);
  }
  if (status !== undefined) return new GrpcError(StatusCode.INTERNAL, "the server ended the call without a status");
  return new GrpcError(StatusCode.UNAVAILABLE, "the connection was lost before the server answered");
}

function isStreamError(error: Error): boolean {
  return "code" in error && error.code === "ERR_HTTP2_STREAM_ERROR";
}

function statusError(status: OutgoingHttpHeaders | undefined, code: number): GrpcError {
  const message = decodeMessage(String(status?.["grpc-message"] ?? ""));
  const details = status?.["grpc-status-details-bin"];
  let retryAfterMs: number | undefined;
  if (typeof details === "string") {
    try {
      ({ retryAfterMs } = decodeStatus(Buffer.from(details, "base64")));
    } catch (cause) {
      return new GrpcError(code, `${message} (unreadable grpc-status-details-bin)`, { cause });
    }
  }
  return new GrpcError(Number.isInteger(code) ? code : StatusCode.UNKNOWN, message, { retryAfterMs });
}

function onStatus(this: CallStream, headers: OutgoingHttpHeaders): void {
  const call = this[CALL];
  if (call !== undefined) call.status = call.status === undefined ? headers : { ...call.status, ...headers };
}

function onData(this: CallStream, chunk: Uint8Array): void {
  const call = this[CALL];
  if (call === undefined) return;
  if (call.reader === undefined && !call.empty && chunk.length === PREFIX && isEmptyFrame(chunk)) {
    call.empty = true;
    return;
  }
  try {
    call.reader ??= new MessageReader(MAX_ANSWER);
    call.reader.push(chunk);
  } catch (error) {
    this.close(constants.NGHTTP2_CANCEL);
    call.error = error instanceof Error ? error : new Error(String(error));
  }
}

function isEmptyFrame(chunk: Uint8Array): boolean {
  return chunk[0] === 0 && chunk[1] === 0 && chunk[2] === 0 && chunk[3] === 0 && chunk[4] === 0;
}

function onError(this: CallStream, error: Error): void {
  const call = this[CALL];
  if (call !== undefined) call.error ??= error;
}

function onClose(this: CallStream): void {
  const call = this[CALL];
  this[CALL] = undefined;
  call?.channel.ended(call, this);
}

function messageOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return cause.errors.map(messageOf).join("; ");
  return cause instanceof Error ? cause.message : String(cause ?? "the connection was closed");
}
