// Protobuf's wire format: reading. Positions are addresses; 0 means "malformed", which has then been reported.
//
// Bounds: every buffer has 16 readable bytes after its end, so a tag and a one-byte length may be read first and
// checked afterwards; no position passes `end` unchecked.
import { malformed } from "./error";

export const VARINT: u32 = 0;
export const FIXED64: u32 = 1;
export const BYTES: u32 = 2;
export const GROUP: u32 = 3;
export const GROUP_END: u32 = 4;
export const FIXED32: u32 = 5;

/** Messages within messages deeper than this are refused, as protobuf's libraries do. */
export const MAXIMUM_DEPTH: u32 = 100;

/** Where the value that was read last ends; 0 when it was malformed. */
export let after: usize = 0;

/** @returns the varint at `p`, which may be longer than necessary; {@link after} is set */
export function readVarint(p: usize, end: usize): u64 {
  let value: u64 = 0;
  let shift: u64 = 0;
  while (p < end) {
    const byte = load<u8>(p++);
    value |= <u64>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      after = p;
      return value;
    }
    shift += 7;
    if (shift > 63) {
      after = malformed("a number has more than ten bytes", p);
      return 0;
    }
  }
  after = malformed("a number is cut off", p);
  return 0;
}

/** As {@link readVarint}, for tags: 0 when malformed. */
export function readTag(p: usize, end: usize): u32 {
  const value = readVarint(p, end);
  if (after == 0) return 0;
  if (value > 0xffffffff) {
    after = malformed("a field's number is out of range", p);
    return 0;
  }
  return <u32>value;
}

/** As {@link readVarint}, for lengths: {@link after} is 0 when it leads past `end`. */
export function readLength(p: usize, end: usize): usize {
  const length = readVarint(p, end);
  if (after != 0 && length > <u64>(end - after)) {
    after = malformed("a length leads past the end", p);
    return 0;
  }
  return <usize>length;
}

/** @returns the position after the value at `p` of a field with this tag */
export function skipValue(p: usize, end: usize, tag: u32): usize {
  if (tag < 8) return malformed("a field has the number 0", p);
  switch (tag & 7) {
    case BYTES: {
      const length = <usize>load<u8>(p);
      if (length < 0x80) {
        p += 1 + length;
        if (p > end) return malformed("a length leads past the end", p - length);
        return p;
      }
      const long = readLength(p, end);
      return after == 0 ? 0 : after + long;
    }
    case VARINT: {
      const stop = min(end, p + 10);
      while (p < stop) if (load<u8>(p++) < 0x80) return p;
      return malformed(p == end ? "a number is cut off" : "a number has more than ten bytes", p);
    }
    case FIXED64:
      p += 8;
      return p > end ? malformed("a 64 bit value is cut off", end) : p;
    case FIXED32:
      p += 4;
      return p > end ? malformed("a 32 bit value is cut off", end) : p;
    case GROUP:
      return skipGroup(p, end, tag >> 3, 1);
    default:
      return malformed("a field has the wire type " + (tag & 7).toString(), p);
  }
}

function skipGroup(p: usize, end: usize, field: u32, depth: u32): usize {
  if (depth > MAXIMUM_DEPTH) return malformed("groups are nested too deeply", p);
  while (p < end) {
    const tag = readTag(p, end);
    p = after;
    if (p == 0) return 0;
    if ((tag & 7) == GROUP_END) return tag >> 3 == field ? p : malformed("a group ends that is not open", p);
    p = (tag & 7) == GROUP && tag >= 8 ? skipGroup(p, end, tag >> 3, depth + 1) : skipValue(p, end, tag);
    if (p == 0) return 0;
  }
  return malformed("a group is not closed", p);
}

/** Whether two stretches of `size` bytes are equal. */
export function sameBytes(a: usize, b: usize, size: usize): bool {
  const end = a + size;
  while (a + 8 <= end) {
    if (load<u64>(a) != load<u64>(b)) return false;
    a += 8;
    b += 8;
  }
  while (a < end) if (load<u8>(a++) != load<u8>(b++)) return false;
  return true;
}
