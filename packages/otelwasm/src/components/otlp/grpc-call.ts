import type { ServerAuthenticator } from "../../component/auth.ts";
import { ConsumerError, StatusCode } from "../../component/errors.ts";
import { toRpcStatus } from "../../component/status.ts";
import type { Signal } from "../../telemetry/batch.ts";
import { encodeStatus } from "../../telemetry/response.ts";
import { BodyError, type Coding, decompress } from "../../transport/compression.ts";
import type { Deadline } from "../../transport/deadlines.ts";
import { EMPTY_MESSAGE, encodeMessage, MessageReader, parseTimeout, tooLarge } from "../../transport/grpc.ts";
import { encodeHeaders, type Headers } from "../../transport/http2/hpack.ts";
import { Http2Stream } from "../../transport/http2/stream.ts";
import { SIGNAL_OF_GRPC_PATH } from "../../transport/otlp.ts";
import type { GrpcServer, Peer } from "./grpc.ts";
import type { Reply } from "./intake.ts";

/** How long a client may take to send a call, as node:http has it for a request. */
const UPLOAD_MS = 300_000;
/** Of a text that the client has sent: it is not to be sent back at any length. */
const QUOTED = 200;

const CONTENT_TYPE = "application/grpc";
const OK_HEADERS = encodeHeaders([
  [":status", "200"],
  ["content-type", CONTENT_TYPE],
]);
const OK_TRAILERS = encodeHeaders([["grpc-status", "0"]]);
/** What `grpc-encoding` may say; identity: undefined. */
const CODINGS: ReadonlyMap<string, Coding | undefined> = new Map([
  ["identity", undefined],
  ["gzip", "gzip"],
  ["zstd", "zstd"],
]);
const BAD_METHOD = encodeHeaders([
  [":status", "405"],
  ["allow", "POST"],
]);
const BAD_TYPE = encodeHeaders([[":status", "415"]]);

/** One call: a message in, a status out. */
export class Call extends Http2Stream implements Deadline, Reply {
  deadlineAt: number = 0;
  deadlineIndex: number = -1;
  readonly #host: GrpcServer;
  readonly #peer: Peer;
  #signal: Signal = "logs";
  #coding: Coding | undefined;
  /** Whether the client may send is not known yet; `ended`: it has sent all. */
  #admission: "open" | "asked" | "ended" = "open";
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
    if (!this.#leave()) return;
    this.#peer.keepalive.answered = true;
    this.connection?.respondWith(this, OK_HEADERS, EMPTY_MESSAGE, OK_TRAILERS);
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
    if (coding !== undefined) {
      if (!CODINGS.has(coding)) {
        const error = unimplemented(
          `grpc-encoding ${coding.slice(0, QUOTED)} is not supported; use gzip, zstd or identity`,
        );
        this.#fail(error, [["grpc-accept-encoding", "identity,gzip,zstd"]]);
        return;
      }
      this.#coding = CODINGS.get(coding);
    }
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
    if (this.#host.authenticator !== undefined) this.#authenticate(this.#host.authenticator, headers);
  }

  #authenticate(authenticator: ServerAuthenticator, headers: Headers): void {
    try {
      const asked = authenticator.authenticate((name) => headers.get(name));
      if (asked === undefined) return;
      this.#admission = "asked";
      // Nobody who is not known yet fills the memory meanwhile.
      this.#peer.hold();
      asked.then(
        () => {
          this.#peer.release();
          const ended = this.#admission === "ended";
          this.#admission = "open";
          if (ended) this.#complete();
        },
        (error: unknown) => {
          this.#peer.release();
          this.#fail(error);
        },
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  #complete(): void {
    if (this.#answered) return;
    if (this.#admission !== "open") {
      this.#admission = "ended";
      return;
    }
    if (!this.#timed) this.#host.deadlines.remove(this);
    try {
      const message = this.#reader?.finish();
      if (message === undefined) {
        throw ConsumerError.permanent("the call has no request message", { code: StatusCode.INTERNAL });
      }
      if (this.#reader?.compressed !== true) this.#deliver(message);
      else if (this.#coding === undefined) {
        throw ConsumerError.permanent("the message is compressed, but grpc-encoding does not say how");
      } else this.#unpack(this.#coding, message);
    } catch (error) {
      this.#fail(error);
    }
  }

  #unpack(coding: Coding, message: Uint8Array): void {
    const plain = decompressMessage(coding, message, this.#host.limit);
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
    if (!this.#leave()) return;
    this.#peer.keepalive.answered = true;
    this.connection?.respond(this, block);
  }

  /** @returns whether an answer can still be given */
  #leave(): boolean {
    this.#host.deadlines.remove(this);
    if (this.#answered) return false;
    this.#answered = true;
    return true;
  }
}

function unimplemented(message: string): ConsumerError {
  return ConsumerError.permanent(message, { code: StatusCode.UNIMPLEMENTED });
}

function decompressMessage(coding: Coding, message: Uint8Array, limit: number): Uint8Array | Promise<Uint8Array> {
  const toldAs = (error: unknown): ConsumerError => {
    if (!(error instanceof BodyError)) return ConsumerError.from(error);
    if (error.code === "too_large") return tooLarge(limit + 1, limit);
    return ConsumerError.permanent(error.message, { code: StatusCode.INTERNAL, cause: error });
  };
  try {
    const plain = decompress(coding, message, limit);
    return plain instanceof Uint8Array
      ? plain
      : plain.catch((error: unknown) => {
          throw toldAs(error);
        });
  } catch (error) {
    throw toldAs(error);
  }
}
