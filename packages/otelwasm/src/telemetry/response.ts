// What travels back to a sender: `google.rpc.Status` with `RetryInfo`, and the `partial_success` of an `Export*ServiceResponse`.
// Messages this small are not worth a generated codec; the wire code below knows just these.
// https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto, error_details.proto
import type { Signal } from "./batch.ts";

/** A `google.rpc.Status`. `retryAfterMs`: the delay of its `RetryInfo` detail, in milliseconds. */
export interface StatusMessage {
  /** One of gRPC's codes, or whatever else a peer has sent. */
  readonly code: number;
  readonly message: string;
  readonly retryAfterMs?: number;
}

/** `partial_success` of a response: the destination took the batch, except for `rejected` items, or has something to say. */
export interface PartialSuccess {
  readonly rejected: bigint;
  readonly message: string;
}

const RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo";
const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { ignoreBOM: true });

function putVarint(out: number[], value: bigint): void {
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
}

function putBytes(out: number[], field: number, bytes: ArrayLike<number>): void {
  putVarint(out, BigInt((field << 3) | 2));
  putVarint(out, BigInt(bytes.length));
  for (let i = 0; i < bytes.length; i++) out.push(bytes[i]!);
}

function durationOf(milliseconds: number): { seconds: number; nanos: number } {
  const whole = Math.max(0, Math.round(milliseconds));
  return { seconds: Math.floor(whole / 1000), nanos: (whole % 1000) * 1_000_000 };
}

/** @returns the protobuf encoding of a `google.rpc.Status`, with a `RetryInfo` if there is a delay */
export function encodeStatus(status: StatusMessage): Uint8Array {
  const out: number[] = [];
  if (status.code !== 0) {
    out.push(0x08);
    putVarint(out, BigInt(status.code));
  }
  if (status.message !== "") putBytes(out, 2, utf8.encode(status.message));
  if (status.retryAfterMs !== undefined) {
    const { seconds, nanos } = durationOf(status.retryAfterMs);
    const duration: number[] = [];
    if (seconds !== 0) {
      duration.push(0x08);
      putVarint(duration, BigInt(seconds));
    }
    if (nanos !== 0) {
      duration.push(0x10);
      putVarint(duration, BigInt(nanos));
    }
    const info: number[] = [];
    putBytes(info, 1, duration);
    const any: number[] = [];
    putBytes(any, 1, utf8.encode(RETRY_INFO));
    putBytes(any, 2, info);
    putBytes(out, 3, any);
  }
  return Uint8Array.from(out);
}

/** @returns the JSON mapping of a `google.rpc.Status`, as UTF-8 */
export function encodeStatusJson(status: StatusMessage): Uint8Array {
  const { code, message, retryAfterMs } = status;
  if (retryAfterMs === undefined) return utf8.encode(JSON.stringify({ code, message }));
  const { seconds, nanos } = durationOf(retryAfterMs);
  const fraction = nanos === 0 ? "" : `.${String(nanos / 1_000_000).padStart(3, "0")}`;
  const details = [{ "@type": RETRY_INFO, retryDelay: `${seconds}${fraction}s` }];
  return utf8.encode(JSON.stringify({ code, message, details }));
}

/** A field's number and its value: a varint (or fixed) as `bigint`, a length-delimited one as a view into the message. */
type Field = readonly [number: number, value: bigint | Uint8Array];

function malformed(what: string): Error {
  return new Error(`malformed protobuf: ${what}`);
}

function* fields(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw malformed("a varint is cut off");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw malformed("a varint is longer than ten bytes");
  };
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw malformed("a field is longer than its message");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = varint();
    const field = Number(key >> 3n);
    if (field === 0 || field > 0x1fff_ffff) throw malformed(`field number ${field}`);
    const wireType = Number(key & 7n);
    if (wireType === 0) yield [field, varint()];
    else if (wireType === 2) yield [field, take(Number(varint()))];
    else if (wireType === 1) take(8);
    else if (wireType === 5) take(4);
    else throw malformed(`wire type ${wireType}`);
  }
}

function readRetryInfo(any: Uint8Array): number | undefined {
  let type = "";
  let info: Uint8Array | undefined;
  for (const [field, value] of fields(any)) {
    if (typeof value === "bigint") continue;
    if (field === 1) type = text.decode(value);
    else if (field === 2) info = value;
  }
  if (type !== RETRY_INFO || info === undefined) return undefined;
  let milliseconds: number | undefined;
  for (const [field, value] of fields(info)) {
    if (field !== 1 || typeof value === "bigint") continue;
    milliseconds = 0;
    for (const [part, amount] of fields(value)) {
      if (typeof amount !== "bigint") continue;
      if (part === 1) milliseconds += Number(BigInt.asIntN(64, amount)) * 1000;
      else if (part === 2) milliseconds += Number(BigInt.asIntN(64, amount)) / 1_000_000;
    }
  }
  return milliseconds;
}

/**
 * @param bytes a `google.rpc.Status`; details other than `RetryInfo` are passed over
 * @throws Error if the bytes are not well-formed
 */
export function decodeStatus(bytes: Uint8Array): StatusMessage {
  let code = 0;
  let message = "";
  let retryAfterMs: number | undefined;
  for (const [field, value] of fields(bytes)) {
    if (typeof value === "bigint") {
      if (field === 1) code = Number(BigInt.asIntN(32, value));
    } else if (field === 2) message = text.decode(value);
    else if (field === 3) retryAfterMs = readRetryInfo(value) ?? retryAfterMs;
  }
  return retryAfterMs === undefined ? { code, message } : { code, message, retryAfterMs };
}

/**
 * @param bytes an `Export*ServiceResponse`: the three signals' are the same on the wire
 * @returns undefined if everything was taken and nothing is said about it
 * @throws Error if the bytes are not well-formed
 */
export function decodePartialSuccess(bytes: Uint8Array): PartialSuccess | undefined {
  let rejected = 0n;
  let message = "";
  for (const [field, value] of fields(bytes)) {
    if (field !== 1 || typeof value === "bigint") continue;
    for (const [part, amount] of fields(value)) {
      if (part === 1 && typeof amount === "bigint") rejected = BigInt.asIntN(64, amount);
      else if (part === 2 && typeof amount !== "bigint") message = text.decode(amount);
    }
  }
  return rejected === 0n && message === "" ? undefined : { rejected, message };
}

const REJECTED = { traces: "rejectedSpans", metrics: "rejectedDataPoints", logs: "rejectedLogRecords" } as const;

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/**
 * The same of an answer in JSON.
 *
 * @throws Error if it is not JSON, or the count is not a number
 */
export function decodePartialSuccessJson(signal: Signal, json: string): PartialSuccess | undefined {
  const partial = property(JSON.parse(json), "partialSuccess");
  const count = property(partial, REJECTED[signal]);
  const said = property(partial, "errorMessage");
  if (count !== undefined && typeof count !== "string" && typeof count !== "number") {
    throw new Error(`${REJECTED[signal]} is not a number`);
  }
  const rejected = BigInt(count ?? 0);
  const message = typeof said === "string" ? said : "";
  return rejected === 0n && message === "" ? undefined : { rejected, message };
}

/**
 * A `google.rpc.Status` in JSON.
 *
 * @throws Error if it is not a JSON object
 */
export function decodeStatusJson(json: string): StatusMessage {
  const status: unknown = JSON.parse(json);
  if (typeof status !== "object" || status === null) throw new Error("not a JSON object");
  const code = property(status, "code");
  const message = property(status, "message");
  let retryAfterMs: number | undefined;
  const details = property(status, "details");
  for (const detail of Array.isArray(details) ? details : []) {
    const delay = property(detail, "retryDelay");
    if (property(detail, "@type") !== RETRY_INFO || typeof delay !== "string") continue;
    const seconds = /^(-?\d+(?:\.\d{1,9})?)s$/.exec(delay)?.[1];
    // Nanoseconds are whole: what multiplication leaves behind them is not meant.
    if (seconds !== undefined) retryAfterMs = Math.round(Number(seconds) * 1e9) / 1e6;
  }
  return {
    code: typeof code === "number" ? code : 0,
    message: typeof message === "string" ? message : "",
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}
