// The content of an `AnyValue` message, read and written as bytes.
import { arenaAllocate } from "@otelwasm/sdk/memory/arena";
import { after, BYTES, FIXED64, readLength, readTag, readVarint, skipValue, VARINT } from "@otelwasm/sdk/wire/read";
import { copyBytes, varintSize, writeVarint } from "@otelwasm/sdk/wire/write";

/** Which member of the oneof a value has: the number of its field. */
export const enum Kind {
  EMPTY = 0,
  STR = 1,
  BOOL = 2,
  INT = 3,
  DOUBLE = 4,
  ARRAY = 5,
  MAP = 6,
  BYTES = 7,
}

/** Of the value that {@link readValue} read last: the content of text, bytes, array or map. */
export let contentStart: usize = 0;
export let contentEnd: usize = 0;
/** A boolean, an integer, or a double's bits. */
export let scalar: u64 = 0;

/** Reads an `AnyValue`; of several members the last one counts. */
export function readValue(start: usize, end: usize): Kind {
  // As everyone writes it: one field.
  if (start + 2 <= end) {
    const tag = load<u8>(start);
    if (tag == 0x0a) {
      contentStart = start + 2;
      contentEnd = contentStart + load<u8>(start, 1);
      if (contentEnd == end && load<u8>(start, 1) < 0x80) return Kind.STR;
    } else if (tag == 0x18 && start + 2 == end && load<u8>(start, 1) < 0x80) {
      scalar = load<u8>(start, 1);
      return Kind.INT;
    }
  }
  return readAnyValue(start, end);
}

function readAnyValue(p: usize, end: usize): Kind {
  let kind = Kind.EMPTY;
  // Where an array or map stands in several places: the first of them, and their size altogether.
  let run: usize = 0;
  let total: usize = 0;
  let pieces = 0;
  while (p < end) {
    const at = p;
    const tag = readTag(p, end);
    p = after;
    if (p == 0) return Kind.EMPTY;
    const field = tag >> 3;
    const wire = tag & 7;
    if (wire == VARINT && (field == Kind.BOOL || field == Kind.INT)) {
      scalar = readVarint(p, end);
      if (field == Kind.BOOL) scalar = scalar != 0 ? 1 : 0;
      kind = field;
    } else if (wire == FIXED64 && field == Kind.DOUBLE && p + 8 <= end) {
      scalar = load<u64>(p);
      kind = Kind.DOUBLE;
    } else if (wire == BYTES && (field == Kind.STR || (field >= <u32>Kind.ARRAY && field <= <u32>Kind.BYTES))) {
      const size = readLength(p, end);
      if (after == 0) return Kind.EMPTY;
      contentStart = after;
      contentEnd = after + size;
      if (<u32>kind != field) {
        run = at;
        total = 0;
        pieces = 0;
      }
      total += size;
      ++pieces;
      kind = field;
    }
    p = skipValue(p, end, tag);
    if (p == 0) return Kind.EMPTY;
  }
  if (pieces > 1 && (kind == Kind.ARRAY || kind == Kind.MAP)) {
    contentStart = gather(run, end, (<u32>kind << 3) | BYTES, total);
    contentEnd = contentStart + total;
  }
  return kind;
}

/**
 * A message that stands in several places is one message with the fields of all of them.
 * @returns where a copy begins that has them together: `total` bytes
 */
export function gather(p: usize, end: usize, wanted: u32, total: usize): usize {
  const merged = arenaAllocate(total);
  let to = merged;
  while (p < end) {
    const tag = readTag(p, end);
    p = after;
    if (tag == wanted) {
      const size = readLength(p, end);
      memory.copy(to, after, size);
      to += size;
    }
    p = skipValue(p, end, tag);
  }
  return merged;
}

/**
 * Finds a singular message field.
 * @returns where its content begins; it ends at {@link fieldEnd}, and is empty when there is none
 */
export function messageOf(start: usize, end: usize, field: u32): usize {
  return findField(start, end, field, true);
}

/** As {@link messageOf} for text and bytes, of which the last one counts. */
export function textField(start: usize, end: usize, field: u32): usize {
  return findField(start, end, field, false);
}

export let fieldEnd: usize = 0;

function findField(start: usize, end: usize, field: u32, merge: bool): usize {
  const wanted = (field << 3) | BYTES;
  let found = start;
  let total: usize = 0;
  let pieces = 0;
  fieldEnd = start;
  let p = start;
  while (p < end) {
    const tag = readTag(p, end);
    p = after;
    if (p == 0) return found;
    if (tag == wanted) {
      const size = readLength(p, end);
      if (after == 0) return found;
      found = after;
      fieldEnd = found + size;
      total += size;
      ++pieces;
    }
    p = skipValue(p, end, tag);
    if (p == 0) return found;
  }
  if (pieces < 2 || !merge) return found;
  found = gather(start, end, wanted, total);
  fieldEnd = found + total;
  return found;
}

/** End of the value that was written last. */
export let writtenEnd: usize = 0;

/** @returns where a value that is text begins; it ends at {@link writtenEnd}, and lives as long as the batch */
export function newText(text: usize, size: usize): usize {
  const start = arenaAllocate(size + 6);
  writtenEnd = writeText(start, text, size);
  return start;
}

export function newInteger(value: i64): usize {
  const start = arenaAllocate(11);
  writtenEnd = writeVarint(writeVarint(start, (Kind.INT << 3) | VARINT), value);
  return start;
}

export function newDouble(value: f64): usize {
  const start = arenaAllocate(9);
  store<u8>(start, (Kind.DOUBLE << 3) | <u8>FIXED64);
  store<f64>(start, value, 1);
  writtenEnd = start + 9;
  return start;
}

/** Writes a value that is text. @returns the position after it, at most 6 bytes more than the text has */
export function writeText(to: usize, text: usize, size: usize): usize {
  const start = writeVarint(writeVarint(to, (Kind.STR << 3) | BYTES), size);
  return copyBytes(start, text, size);
}

/** Bytes that a field of this size takes, with its tag of one byte and its length. */
// @ts-ignore: decorator
@inline
export function fieldSize(size: usize): usize {
  return 1 + varintSize(size) + size;
}

/**
 * What of a value's bytes belongs to none of the known members: fields of later releases, which stay when the value changes.
 * @returns where they begin; they end at {@link writtenEnd}
 */
export function unknownFields(start: usize, end: usize): usize {
  const to = arenaAllocate(end - start);
  writtenEnd = to;
  let p = start;
  while (p < end) {
    const tag = readTag(p, end);
    if (after == 0) break;
    const next = skipValue(after, end, tag);
    if (next == 0) break;
    if (tag >> 3 > <u32>Kind.BYTES) {
      memory.copy(writtenEnd, p, next - p);
      writtenEnd += next - p;
    }
    p = next;
  }
  return to;
}
