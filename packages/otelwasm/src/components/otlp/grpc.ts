import { createServer, type Server, type Socket } from "node:net";
import { ConsumerError, StatusCode } from "../../component/errors.ts";
import type { Logger } from "../../component/logger.ts";
import type { Ports } from "../../component/ports.ts";
import { toRpcStatus } from "../../component/status.ts";
import type { Signal } from "../../telemetry/batch.ts";
import { encodeStatus } from "../../telemetry/response.ts";
import { BodyError, decompress } from "../../transport/compression.ts";
import { type Deadline, Deadlines } from "../../transport/deadlines.ts";
import { EMPTY_MESSAGE, encodeMessage, MessageReader, parseTimeout, tooLarge } from "../../transport/grpc.ts";
import { Http2Connection } from "../../transport/http2/connection.ts";
import { encodeHeaders, type Headers } from "../../transport/http2/hpack.ts";
import { type ConnectionHandler, Http2Stream } from "../../transport/http2/stream.ts";
import { listen } from "../../transport/listen.ts";
import { SIGNAL_OF_GRPC_PATH } from "../../transport/otlp.ts";
import type { GrpcConfig } from "./config.ts";
import type { Intake, Reply } from "./intake.ts";

/** At shutdown, how long a client may go on sending a call that it has begun. */
const UPLOAD_GRACE_MS = 5_000;
/** The Collector's (grpc-go's) limit for a new connection to say that it speaks HTTP/2. */
const HANDSHAKE_MS = 120_000;
/** How long a client may take to send a call, as node:http has it for a request. */
const UPLOAD_MS = 300_000;
/** Calls of one connection that are under way, where nothing is configured: each may hold a message. grpc-go has no limit. */
const DEFAULT_STREAMS = 1_000;
/** Of a text that the client has sent: it is not to be sent back at any length. */
const QUOTED = 200;
/** A stream's window is a message and this much, so that one that is too long is seen to be. */
const ROOM = 64 * 1024;

const CONTENT_TYPE = "application/grpc";
const OK_HEADERS = encodeHeaders([
  [":status", "200"],
  ["content-type", CONTENT_TYPE],
]);
const OK_TRAILERS = encodeHeaders([["grpc-status", "0"]]);
const BAD_METHOD = encodeHeaders([
  [":status", "405"],
  ["allow", "POST"],
]);
const BAD_TYPE = encodeHeaders([[":status", "415"]]);

/** One call: a message in, a status out. */
class Call extends Http2Stream implements Deadline, Reply {
  deadlineAt: number = 0;
  deadlineIndex: number = -1;
  readonly #host: GrpcServer;
  readonly #peer: Peer;
  #signal: Signal = "logs";
  #gzip = false;
  /** The deadline is the client's, and not ours for its sending. */
  #timed = false;
  #reader: MessageReader | undefined;
  #answered = false;

  constructor(host: GrpcServer, peer: Peer) {
    super();
    this.#host = host;
    this.#peer = peer;
  }

  override onHeaders(headers: Headers, end: boolean): void {
    // Trailers of a request mean nothing in gRPC.
    if (this.#reader === undefined) this.#begin(headers);
    if (end) this.#complete();
  }

  override onData(piece: Uint8Array, end: boolean): void {
    if (this.#answered) return;
    try {
      this.#reader?.push(piece);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (end) this.#complete();
  }

  /** The client has given up, or has gone. */
  override onReset(): void {
    this.#leave();
  }

  override onLost(): void {
    this.#leave();
  }

  delivered(): void {
    this.#peer.delivering--;
    if (this.#leave()) this.connection?.respondWith(this, OK_HEADERS, EMPTY_MESSAGE, OK_TRAILERS);
  }

  refused(error: unknown): void {
    this.#peer.delivering--;
    this.#fail(error);
  }

  onDeadline(): void {
    this.#fail(ConsumerError.retryable("the call's deadline has passed", { code: StatusCode.DEADLINE_EXCEEDED }));
  }

  #begin(headers: Headers): void {
    if (headers.get(":method") !== "POST") {
      this.#answer(BAD_METHOD);
      return;
    }
    const type = headers.get("content-type");
    if (type !== CONTENT_TYPE && (type === undefined || !/^application\/grpc(?:\+proto)?(?:;|$)/.test(type))) {
      this.#answer(BAD_TYPE);
      return;
    }
    const path = headers.get(":path") ?? "";
    const signal = SIGNAL_OF_GRPC_PATH.get(path);
    if (signal === undefined || !this.#host.intake.serves(signal)) {
      this.#fail(unimplemented(`unknown method ${path.slice(0, QUOTED)}`));
      return;
    }
    this.#signal = signal;
    const coding = headers.get("grpc-encoding");
    if (coding !== undefined && coding !== "identity" && coding !== "gzip") {
      const error = unimplemented(`grpc-encoding ${coding.slice(0, QUOTED)} is not supported; use gzip or identity`);
      this.#fail(error, [["grpc-accept-encoding", "identity,gzip"]]);
      return;
    }
    this.#gzip = coding === "gzip";
    // Those that the client has given up, or that are out of time, are no streams any more; the pipeline is still at work on them.
    if (this.#peer.delivering >= this.#peer.maxStreams) {
      this.#fail(ConsumerError.retryable(`more than ${this.#peer.maxStreams} calls of one connection are under way`));
      return;
    }
    const timeout = headers.get("grpc-timeout");
    let limit = UPLOAD_MS;
    if (timeout !== undefined) {
      const milliseconds = parseTimeout(timeout);
      if (milliseconds === undefined) {
        this.#fail(ConsumerError.permanent(`malformed grpc-timeout ${JSON.stringify(timeout.slice(0, QUOTED))}`));
        return;
      }
      this.#timed = milliseconds <= UPLOAD_MS;
      if (this.#timed) limit = milliseconds;
    }
    this.#host.deadlines.add(this, limit);
    this.#reader = new MessageReader(this.#host.limit, true);
  }

  #complete(): void {
    if (this.#answered) return;
    if (!this.#timed) this.#host.deadlines.remove(this);
    try {
      const message = this.#reader?.finish();
      if (message === undefined) {
        throw ConsumerError.permanent("the call has no request message", { code: StatusCode.INTERNAL });
      }
      if (this.#reader?.compressed !== true) this.#deliver(message);
      else if (!this.#gzip) {
        throw ConsumerError.permanent("the message is compressed, but grpc-encoding does not say how");
      } else this.#unpack(message);
    } catch (error) {
      this.#fail(error);
    }
  }

  #unpack(message: Uint8Array): void {
    const plain = decompressMessage(message, this.#host.limit);
    if (plain instanceof Uint8Array) this.#deliver(plain);
    else
      plain.then(
        (bytes) => this.#deliver(bytes),
        (error: unknown) => this.#fail(error),
      );
  }

  #deliver(bytes: Uint8Array): void {
    if (this.#answered) return;
    this.#peer.delivering++;
    this.#host.intake.deliver(this.#signal, bytes, "grpc", this);
  }

  /** A whole answer in one block of headers ("Trailers-Only"). */
  #fail(error: unknown, more: [string, string][] = []): void {
    const status = toRpcStatus(error);
    const headers: [string, string][] = [
      [":status", "200"],
      ["content-type", CONTENT_TYPE],
      ["grpc-status", String(status.code)],
      ["grpc-message", encodeMessage(status.message)],
      ...more,
    ];
    if (status.retryAfterMs !== undefined) {
      const details = Buffer.from(encodeStatus(status)).toString("base64").replace(/=+$/, "");
      headers.push(["grpc-status-details-bin", details]);
    }
    this.#answer(encodeHeaders(headers));
  }

  #answer(block: Uint8Array): void {
    if (this.#leave()) this.connection?.respond(this, block);
  }

  /** @returns whether an answer can still be given */
  #leave(): boolean {
    this.#host.deadlines.remove(this);
    if (this.#answered) return false;
    this.#answered = true;
    return true;
  }
}

/** A client's connection. */
class Peer implements ConnectionHandler {
  /** Calls that wait for the pipeline. */
  delivering: number = 0;
  readonly maxStreams: number;
  readonly connection: Http2Connection;
  readonly #host: GrpcServer;
  readonly #handshake: NodeJS.Timeout;

  constructor(host: GrpcServer, socket: Socket, maxStreams: number) {
    this.#host = host;
    this.maxStreams = maxStreams;
    this.#handshake = setTimeout(() => socket.destroy(), HANDSHAKE_MS).unref();
    const options = { role: "server", streamWindow: host.limit + ROOM, maxStreams } as const;
    this.connection = new Http2Connection(socket, options, this);
    socket.on("data", (chunk: Uint8Array) => this.connection.receive(chunk));
  }

  open(): Call {
    return new Call(this.#host, this);
  }

  onReady(): void {
    clearTimeout(this.#handshake);
  }

  onClose(reason: Error): void {
    clearTimeout(this.#handshake);
    this.#host.forget(this, reason);
  }
}

/** OTLP over gRPC: https://opentelemetry.io/docs/specs/otlp/#otlpgrpc */
export class GrpcServer {
  readonly protocol = "grpc";
  readonly limit: number;
  readonly intake: Intake;
  readonly deadlines: Deadlines = new Deadlines();
  readonly #config: GrpcConfig;
  readonly #logger: Logger;
  readonly #server: Server;
  readonly #peers: Set<Peer> = new Set();

  constructor(config: GrpcConfig, intake: Intake, logger: Logger) {
    this.#config = config;
    this.limit = config.max_recv_msg_size_mib;
    this.intake = intake;
    this.#logger = logger;
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
      this.#peers.add(new Peer(this, socket, config.max_concurrent_streams || DEFAULT_STREAMS));
    });
  }

  /** @returns the URL */
  async listen(ports?: Ports): Promise<string> {
    return `http://${await listen(this.#server, this.#config.endpoint, ports)}`;
  }

  /** Stops accepting, says GOAWAY; resolves when everybody is answered and the port is free. */
  async shutdown(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const peer of this.#peers) peer.connection.goAway();
    const impatience = setInterval(() => {
      for (const peer of this.#peers) if (peer.delivering === 0) peer.connection.destroy();
    }, UPLOAD_GRACE_MS);
    await closed;
    clearInterval(impatience);
    this.deadlines.close();
  }

  forget(peer: Peer, reason: Error): void {
    this.#peers.delete(peer);
    this.#logger.debug("gRPC connection closed", { reason: reason.message });
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
