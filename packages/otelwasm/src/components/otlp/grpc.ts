import {
  constants,
  createServer,
  type Http2Server,
  type Http2Session,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { ConsumerError, StatusCode } from "../../component/errors.ts";
import type { Logger } from "../../component/logger.ts";
import { toRpcStatus } from "../../component/status.ts";
import type { Signal } from "../../telemetry/batch.ts";
import { encodeStatus } from "../../telemetry/response.ts";
import { BodyError, decompress } from "../../transport/compression.ts";
import { type Deadline, Deadlines } from "../../transport/deadlines.ts";
import { EMPTY_MESSAGE, encodeMessage, MessageReader, parseTimeout, tooLarge, WINDOW } from "../../transport/grpc.ts";
import { listen } from "../../transport/listen.ts";
import { SIGNAL_OF_GRPC_PATH } from "../../transport/otlp.ts";
import type { GrpcConfig } from "./config.ts";
import type { Intake, Reply } from "./intake.ts";

/** At shutdown, how long a client may go on sending a call that it has begun. */
const UPLOAD_GRACE_MS = 5_000;
/** The Collector's (grpc-go's) limit for a new connection to say that it speaks HTTP/2. */
const HANDSHAKE_MS = 120_000;
/** MiB of node:http2's own book-keeping for one connection; with large windows its default, 10, refuses streams. */
const SESSION_MEMORY = 1024;

const CONTENT_TYPE = "application/grpc";
const OK_HEADERS: OutgoingHttpHeaders = { ":status": 200, "content-type": CONTENT_TYPE };
const OK_TRAILERS: OutgoingHttpHeaders = { "grpc-status": "0" };
const WITH_TRAILERS = { waitForTrailers: true };
const ENDED = { endStream: true };

const CALL: unique symbol = Symbol("call");
/** A stream with its call on it: its listeners are the same functions for all. */
interface CallStream extends ServerHttp2Stream {
  [CALL]?: Call;
}

interface SessionState {
  /** Calls that wait for the pipeline. */
  delivering: number;
}

/** One call: a message in, a status out. */
class Call implements Deadline, Reply {
  deadlineAt: number = 0;
  deadlineIndex: number = -1;
  readonly host: GrpcServer;
  readonly session: SessionState;
  readonly signal: Signal;
  readonly gzip: boolean;
  readonly reader: MessageReader;
  readonly #stream: CallStream;
  #answered = false;

  constructor(host: GrpcServer, session: SessionState, stream: CallStream, signal: Signal, gzip: boolean) {
    this.host = host;
    this.session = session;
    this.signal = signal;
    this.gzip = gzip;
    this.reader = new MessageReader(host.limit);
    this.#stream = stream;
  }

  get answered(): boolean {
    return this.#answered;
  }

  delivered(): void {
    this.session.delivering--;
    if (!this.#leave()) return;
    const stream = this.#stream;
    stream.respond(OK_HEADERS, WITH_TRAILERS);
    stream.end(EMPTY_MESSAGE);
  }

  refused(error: unknown): void {
    this.session.delivering--;
    this.fail(error);
  }

  onDeadline(): void {
    this.fail(ConsumerError.retryable("the call's deadline has passed", { code: StatusCode.DEADLINE_EXCEEDED }));
  }

  /** The client has gone, or has given up. */
  abandon(): void {
    this.#leave();
  }

  fail(error: unknown): void {
    if (this.#leave()) respondError(this.#stream, error);
  }

  /** @returns whether an answer can still be given */
  #leave(): boolean {
    this.host.deadlines.remove(this);
    if (this.#answered) return false;
    this.#answered = true;
    return !this.#stream.destroyed && !this.#stream.closed;
  }
}

/** A whole answer in one block of headers ("Trailers-Only"). */
function respondError(stream: ServerHttp2Stream, error: unknown, more: OutgoingHttpHeaders = {}): void {
  const status = toRpcStatus(error);
  const headers: OutgoingHttpHeaders = {
    ":status": 200,
    "content-type": CONTENT_TYPE,
    "grpc-status": String(status.code),
    "grpc-message": encodeMessage(status.message),
    ...more,
  };
  if (status.retryAfterMs !== undefined) {
    headers["grpc-status-details-bin"] = Buffer.from(encodeStatus(status)).toString("base64").replace(/=+$/, "");
  }
  stream.respond(headers, ENDED);
  // The client may still be sending: what it sends is not wanted any more (RFC 9113, 8.1). Not in the same turn: a reset overtakes
  // headers that have not been written, and the client would not learn why.
  if (!stream.readableEnded) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
}

/** OTLP over gRPC, on node:http2 and raw bytes. */
export class GrpcServer {
  readonly protocol = "grpc";
  readonly limit: number;
  readonly deadlines: Deadlines = new Deadlines();
  readonly #config: GrpcConfig;
  readonly #intake: Intake;
  readonly #server: Http2Server;
  readonly #sessions: Map<Http2Session, SessionState> = new Map();

  constructor(config: GrpcConfig, intake: Intake, logger: Logger) {
    this.#config = config;
    this.limit = config.max_recv_msg_size_mib;
    this.#intake = intake;
    this.#server = createServer({
      maxSessionMemory: SESSION_MEMORY,
      settings: {
        initialWindowSize: Math.min(WINDOW, this.limit + 64 * 1024),
        ...(config.max_concurrent_streams > 0 ? { maxConcurrentStreams: config.max_concurrent_streams } : {}),
      },
    });
    this.#server.on("session", (session) => {
      this.#sessions.set(session, { delivering: 0 });
      session.setLocalWindowSize(WINDOW);
      session.setTimeout(HANDSHAKE_MS, () => session.destroy());
      session.once("remoteSettings", () => session.setTimeout(0));
      session.on("close", () => this.#sessions.delete(session));
    });
    this.#server.on("sessionError", (error) => logger.debug("gRPC connection failed", { error: error.message }));
    this.#server.on("stream", (stream: ServerHttp2Stream, headers) => this.#accept(stream, headers));
  }

  /** @returns the URL */
  async listen(): Promise<string> {
    return `http://${await listen(this.#server, this.#config.endpoint)}`;
  }

  /** Stops accepting, says GOAWAY; resolves when everybody is answered and the port is free. */
  async shutdown(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const session of this.#sessions.keys()) goAway(session);
    const impatience = setInterval(() => {
      for (const [session, { delivering }] of this.#sessions) if (delivering === 0) session.destroy();
    }, UPLOAD_GRACE_MS);
    await closed;
    clearInterval(impatience);
    this.deadlines.close();
  }

  #accept(stream: CallStream, headers: IncomingHttpHeaders): void {
    stream.on("error", onError);
    if (headers[":method"] !== "POST") {
      stream.respond({ ":status": 405, allow: "POST" }, ENDED);
      return;
    }
    const type = headers["content-type"];
    if (type === undefined || !/^application\/grpc(?:\+proto)?(?:;|$)/.test(type)) {
      stream.respond({ ":status": 415, "content-type": "text/plain" }, ENDED);
      return;
    }
    const path = headers[":path"] ?? "";
    const signal = SIGNAL_OF_GRPC_PATH.get(path);
    const session = stream.session === undefined ? undefined : this.#sessions.get(stream.session);
    if (session === undefined) return;
    if (signal === undefined || !this.#intake.serves(signal)) {
      respondError(stream, unimplemented(`unknown method ${path}`));
      return;
    }
    const coding = headers["grpc-encoding"];
    if (coding !== undefined && coding !== "identity" && coding !== "gzip") {
      const error = unimplemented(`grpc-encoding ${String(coding)} is not supported; use gzip or identity`);
      respondError(stream, error, { "grpc-accept-encoding": "identity,gzip" });
      return;
    }
    const timeout = headers["grpc-timeout"];
    const milliseconds = timeout === undefined ? undefined : parseTimeout(String(timeout));
    if (timeout !== undefined && milliseconds === undefined) {
      respondError(stream, ConsumerError.permanent(`malformed grpc-timeout ${JSON.stringify(timeout)}`));
      return;
    }
    const call = new Call(this, session, stream, signal, coding === "gzip");
    stream[CALL] = call;
    if (milliseconds !== undefined) this.deadlines.add(call, milliseconds);
    stream.on("data", onData);
    stream.on("end", onEnd);
    stream.on("wantTrailers", onWantTrailers);
    stream.on("close", onClose);
  }

  /** @throws ConsumerError what the client is to be told */
  complete(call: Call): void {
    const message = call.reader.finish();
    if (message === undefined) {
      throw ConsumerError.permanent("the call has no request message", { code: StatusCode.INTERNAL });
    }
    if (!call.reader.compressed) {
      this.#deliver(call, message);
      return;
    }
    if (!call.gzip) {
      throw ConsumerError.permanent("the message is compressed, but grpc-encoding does not say how");
    }
    const plain = decompressMessage(message, this.limit);
    if (plain instanceof Uint8Array) this.#deliver(call, plain);
    else
      plain.then(
        (bytes) => this.#deliver(call, bytes),
        (error: unknown) => call.fail(error),
      );
  }

  #deliver(call: Call, bytes: Uint8Array): void {
    if (call.answered) return;
    call.session.delivering++;
    this.#intake.deliver(call.signal, bytes, call);
  }
}

function unimplemented(message: string): ConsumerError {
  return ConsumerError.permanent(message, { code: StatusCode.UNIMPLEMENTED });
}

function decompressMessage(message: Uint8Array, limit: number): Uint8Array | Promise<Uint8Array> {
  const toldAs = (error: unknown): ConsumerError => {
    if (!(error instanceof BodyError)) return ConsumerError.from(error);
    if (error.code === "too_large") return tooLarge(limit + 1, limit);
    return ConsumerError.permanent(error.message, { code: StatusCode.INTERNAL, cause: error });
  };
  try {
    const plain = decompress("gzip", message, limit);
    return plain instanceof Uint8Array
      ? plain
      : plain.catch((error: unknown) => {
          throw toldAs(error);
        });
  } catch (error) {
    throw toldAs(error);
  }
}

/** A stream that a client has opened before it heard of the GOAWAY is still served: first the wish, then, a round trip later, the last number. */
function goAway(session: Http2Session): void {
  if (session.closed || session.destroyed) return;
  session.goaway(constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1);
  const asked = session.ping(() => {
    if (!session.destroyed) session.close();
  });
  if (!asked) session.close();
}

function onData(this: CallStream, chunk: Uint8Array): void {
  const call = this[CALL];
  if (call === undefined || call.answered) return;
  try {
    call.reader.push(chunk);
  } catch (error) {
    call.fail(error);
  }
}

function onEnd(this: CallStream): void {
  const call = this[CALL];
  if (call === undefined || call.answered) return;
  try {
    call.host.complete(call);
  } catch (error) {
    call.fail(error);
  }
}

function onWantTrailers(this: CallStream): void {
  this.sendTrailers(OK_TRAILERS);
}

function onClose(this: CallStream): void {
  this[CALL]?.abandon();
}

/** A client's reset is no fault of anybody here; `close` follows, and ends the call. */
function onError(): void {}
