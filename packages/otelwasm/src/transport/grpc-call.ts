import { ConsumerError, StatusCode } from "../component/errors.ts";
import { codeOfForeignHttp } from "../component/status.ts";
import { decodeStatus } from "../telemetry/response.ts";
import { decompressNow } from "./compression.ts";
import type { Deadline } from "./deadlines.ts";
import { causeOf } from "./dial.ts";
import { codeOfReset, decodeMessage, MessageReader } from "./grpc.ts";
import type { Http2Connection } from "./http2/connection.ts";
import { Http2Code } from "./http2/frames.ts";
import type { Headers } from "./http2/hpack.ts";
import { Http2Stream } from "./http2/stream.ts";

/** An answer has a partial success and its message at most. */
export const MAX_ANSWER: number = 4 * 1024 * 1024;
const EMPTY = new Uint8Array();

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

export interface CallOwner {
  /** A call that the server has not looked at. */
  again(call: Call): void;
  /** A server that does not answer may be gone without a word. */
  probe(connection: Http2Connection): void;
  /** Called once for each call, when it has its outcome. */
  left(call: Call): void;
  /** Why there is no connection, if that is known. */
  readonly reason: string;
}

export class Call extends Http2Stream implements Deadline {
  deadlineAt: number = 0;
  deadlineIndex: number = -1;
  retried: boolean = false;
  readonly message: Uint8Array;
  readonly #owner: CallOwner;
  readonly #resolve: (answer: Uint8Array) => void;
  readonly #reject: (error: Error) => void;
  #settled = false;
  #begun = false;
  #httpStatus = "";
  /** The answer's own headers: how it is compressed, if it is. */
  #initial: Headers | undefined;
  /** Most answers are an empty message, which needs no reader. */
  #empty = false;
  #reader: MessageReader | undefined;

  constructor(
    owner: CallOwner,
    message: Uint8Array,
    resolve: (answer: Uint8Array) => void,
    reject: (error: Error) => void,
  ) {
    super();
    this.#owner = owner;
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
    this.#initial ??= headers;
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
        this.#abort(new GrpcError(code, `the server's answer: ${causeOf(cause)}`, { cause }));
        return;
      }
    }
    if (end) this.#unfinished();
  }

  override onReset(code: number): void {
    // The server says that it has not looked at the call: its GOAWAY came first, or it has too many streams.
    if (code === Http2Code.REFUSED_STREAM && !this.retried && !this.#begun && !this.#settled) {
      this.retried = true;
      this.#owner.again(this);
      return;
    }
    this.settle(new GrpcError(codeOfReset(code), `the server reset the stream (HTTP/2 error ${code})`));
  }

  override onLost(cause: Error): void {
    this.settle(new GrpcError(StatusCode.UNAVAILABLE, `the connection was lost: ${causeOf(cause)}`, { cause }));
  }

  onDeadline(): void {
    const { connection } = this;
    if (connection === undefined) {
      const { reason } = this.#owner;
      const why = reason === "" ? "" : `: ${reason}`;
      this.settle(new GrpcError(StatusCode.DEADLINE_EXCEEDED, `no connection within the timeout${why}`));
      return;
    }
    this.#abort(new GrpcError(StatusCode.DEADLINE_EXCEEDED, "no response within the timeout"));
    this.#owner.probe(connection);
  }

  settle(outcome: Uint8Array | Error): void {
    if (this.#settled) return;
    this.#settled = true;
    if (outcome instanceof Error) this.#reject(outcome);
    else this.#resolve(outcome);
    this.#owner.left(this);
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

  #unpack(message: Uint8Array): Uint8Array {
    const encoding = this.#initial?.get("grpc-encoding");
    if (encoding !== "gzip" && encoding !== "zstd") throw new Error(`compressed with ${encoding ?? "nothing known"}`);
    return decompressNow(encoding, message, MAX_ANSWER);
  }

  #end(code: number, headers: Headers): void {
    if (code !== StatusCode.OK) this.settle(statusError(code, headers));
    else if (this.#empty) this.settle(EMPTY);
    else {
      try {
        const message = this.#reader?.finish();
        if (message === undefined) throw new Error("OK without a message");
        this.settle(this.#reader?.compressed === true ? this.#unpack(message) : message);
      } catch (cause) {
        this.settle(new GrpcError(StatusCode.INTERNAL, `the server's answer: ${causeOf(cause)}`, { cause }));
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
