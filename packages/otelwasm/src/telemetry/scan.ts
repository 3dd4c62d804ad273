// What the generated validator does not write out in line. A position beyond every payload says that a field is malformed.
import { messages } from "./schema.ts";
import { contentStart, skipLength, skipVarint, walkField } from "./walk.ts";

/** No payload is longer: positions stay small integers. */
export const MAX_BYTES: number = 2 ** 30 - 1;
const MALFORMED = 2 ** 30;

/** The length that `length` read last. */
export let contentLength = 0;

/** Reads a length into `contentLength`. @returns where the content begins */
export function length(b: Uint8Array, p: number, end: number): number {
  if (end - p > 1) {
    const low = b[p]!;
    const high = b[p + 1]!;
    if (low >= 0x80 && high < 0x80) {
      contentLength = (low & 0x7f) | (high << 7);
      return p + 2;
    }
  }
  const close = skipLength(b, p, end);
  if (close < 0) {
    contentLength = 0;
    return MALFORMED;
  }
  contentLength = close - contentStart();
  return contentStart();
}

/** @returns the position after a varint of more than one byte */
export function varint(b: Uint8Array, p: number, end: number): number {
  // 21 bits are enough for almost everything; the tenth byte is special, and left to the slow way.
  if (end - p > 1) {
    if (b[p + 1]! < 0x80) return p + (b[p]! < 0x80 ? 1 : 2);
    if (end - p > 2 && b[p + 2]! < 0x80) return p + (b[p]! < 0x80 ? 1 : 3);
  }
  const next = skipVarint(b, p, end);
  return next < 0 ? MALFORMED : next;
}

/** How often `other` was asked. */
export let others = 0;

/** A field that the fast way does not expect: unknown, of a wrong wire type, or with an unusual encoding of its tag. */
export function other(b: Uint8Array, p: number, end: number, message: number, depth: number): number {
  others++;
  const next = walkField(b, p, end, messages[message]!, depth);
  return next < 0 ? MALFORMED : next;
}

/** A run of eight-byte numbers. */
export function packed64(b: Uint8Array, p: number, end: number): number {
  const close = skipLength(b, p, end);
  return close >= 0 && (close - contentStart()) % 8 === 0 ? close : MALFORMED;
}

/** A run of varints. */
export function packedVarint(b: Uint8Array, p: number, end: number): number {
  const close = skipLength(b, p, end);
  if (close < 0) return MALFORMED;
  let at = contentStart();
  while (at < close) at = b[at]! < 0x80 ? at + 1 : varint(b, at, close);
  return at === close ? close : MALFORMED;
}
