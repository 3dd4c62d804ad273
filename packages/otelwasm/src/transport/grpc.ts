// What gRPC's server and client sides share. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
import { ConsumerError, StatusCode } from "../component/errors.ts";
import { allocate, endsItsBuffer } from "./body.ts";
import { Http2Code, readUint32 } from "./http2/frames.ts";

/** The five bytes before a message: whether it is compressed, and its length. */
const PREFIX = 5;

/** An empty message: what a successful answer holds. */
export const EMPTY_MESSAGE: Buffer = Buffer.alloc(PREFIX);

/** @returns the message with its prefix, in one piece */
export function frame(message: Uint8Array, compressed: boolean): Uint8Array {
  const out = allocate(PREFIX + message.length);
  out[0] = compressed ? 1 : 0;
  writeLength(out, message.length);
  out.set(message, PREFIX);
  return out;
}

/** The prefix alone, for a message that is large enough to be written separately. */
export function prefix(length: number, compressed: boolean): Uint8Array {
  const out = new Uint8Array(PREFIX);
  out[0] = compressed ? 1 : 0;
  writeLength(out, length);
  return out;
}

function writeLength(out: Uint8Array, length: number): void {
  out[1] = length >>> 24;
  out[2] = length >>> 16;
  out[3] = length >>> 8;
  out[4] = length;
}

/** Puts the one message of a unary call together. */
export class MessageReader {
  readonly #limit: number;
  readonly #adopts: boolean;
  /** The prefix while it is incomplete: it may be cut anywhere. */
  #head: number[] | undefined;
  #message: Uint8Array | undefined;
  #at = 0;
  compressed: boolean = false;

  /**
   * @param limit the most bytes that a message may have
   * @param adopts whether chunks are the reader's to keep: then a message that one chunk holds is not copied
   */
  constructor(limit: number, adopts: boolean) {
    this.#limit = limit;
    this.#adopts = adopts;
  }

  /**
   * @param chunk what is kept of it is copied, unless the message then has the chunk's buffer for itself
   * @throws ConsumerError what the sender is to be told
   */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    let from = 0;
    if (this.#message === undefined) {
      if (this.#head === undefined && chunk.length >= PREFIX) {
        if (this.#adopt(chunk)) return;
        this.#begin(chunk[0]!, chunk[1]!, chunk[2]!, chunk[3]!, chunk[4]!);
        from = PREFIX;
      } else {
        this.#head ??= [];
        while (this.#head.length < PREFIX && from < chunk.length) this.#head.push(chunk[from++]!);
        const [flag, a, b, c, d] = this.#head;
        if (flag === undefined || a === undefined || b === undefined || c === undefined || d === undefined) return;
        this.#begin(flag, a, b, c, d);
      }
    }
    const message = this.#message!;
    const left = chunk.length - from;
    if (left === 0) return;
    if (left > message.length - this.#at) {
      throw ConsumerError.permanent("more than one message in a unary call", { code: StatusCode.INTERNAL });
    }
    message.set(from === 0 ? chunk : chunk.subarray(from), this.#at);
    this.#at += left;
  }

  #begin(flag: number, a: number, b: number, c: number, d: number): void {
    if (flag > 1) throw ConsumerError.permanent(`compression flag ${flag} is neither 0 nor 1`);
    const length = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
    if (length > this.#limit) throw tooLarge(length, this.#limit);
    this.compressed = flag === 1;
    this.#message = allocate(length);
  }

  /** The usual small message: it is all in one chunk, and the last thing that was read. */
  #adopt(chunk: Uint8Array): boolean {
    const length = chunk.length - PREFIX;
    if (!this.#adopts || length > this.#limit || chunk[0]! > 1) return false;
    if (readUint32(chunk, 1) !== length || !endsItsBuffer(chunk)) return false;
    // Not a large buffer for a small message.
    if (chunk.buffer.byteLength > 2 * length) return false;
    this.compressed = chunk[0] === 1;
    this.#message = new Uint8Array(chunk.buffer, chunk.byteOffset + PREFIX, length);
    this.#at = length;
    return true;
  }

  /**
   * @returns the message, as it came; undefined if there was none
   * @throws ConsumerError if it is cut off
   */
  finish(): Uint8Array | undefined {
    const message = this.#message;
    if (message === undefined && this.#head === undefined) return undefined;
    if (message === undefined || this.#at < message.length) {
      throw ConsumerError.permanent("the message is cut off", { code: StatusCode.INTERNAL });
    }
    return message;
  }
}

export function tooLarge(length: number, limit: number): ConsumerError {
  const message = `received message larger than max (${length} vs. ${limit})`;
  return ConsumerError.permanent(message, { code: StatusCode.RESOURCE_EXHAUSTED });
}

const UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** @returns the milliseconds of a `grpc-timeout`; undefined if it is not one */
export function parseTimeout(text: string): number | undefined {
  const unit = UNITS[text.slice(-1)];
  const digits = text.slice(0, -1);
  return unit !== undefined && /^\d{1,8}$/.test(digits) ? Number(digits) * unit : undefined;
}

/** @returns a `grpc-timeout`: at most eight digits and a unit */
export function formatTimeout(milliseconds: number): string {
  const whole = Math.ceil(milliseconds);
  return whole < 100_000_000 ? `${whole}m` : `${Math.min(99_999_999, Math.ceil(whole / 1000))}S`;
}

/** `grpc-message` is UTF-8, percent-encoded except for printable ASCII without `%`. */
export function encodeMessage(message: string): string {
  if (/^[ -$&-~]*$/.test(message)) return message;
  let out = "";
  for (const byte of Buffer.from(message)) {
    out +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}

/** The other way; what is not percent-encoding stays as it is, as the protocol asks. */
export function decodeMessage(text: string): string {
  if (!text.includes("%")) return text;
  const bytes: number[] = [];
  const raw = Buffer.from(text);
  for (let i = 0; i < raw.length; i++) {
    const hex = raw[i] === 0x25 ? raw.toString("latin1", i + 1, i + 3) : "";
    if (/^[0-9a-fA-F]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      i += 2;
    } else bytes.push(raw[i]!);
  }
  return Buffer.from(bytes).toString();
}

/** The status for a stream that was reset: "HTTP2 Transport Mapping" of the protocol. */
export function codeOfReset(http2Code: number): StatusCode {
  switch (http2Code) {
    case Http2Code.REFUSED_STREAM:
      return StatusCode.UNAVAILABLE;
    case Http2Code.CANCEL:
      return StatusCode.CANCELLED;
    case Http2Code.ENHANCE_YOUR_CALM:
      return StatusCode.RESOURCE_EXHAUSTED;
    case Http2Code.INADEQUATE_SECURITY:
      return StatusCode.PERMISSION_DENIED;
    default:
      return StatusCode.INTERNAL;
  }
}
