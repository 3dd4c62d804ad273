import { type Field, MAX_DEPTH, type Message } from "./schema.ts";
import { WireType } from "./writer.ts";

/** What is wrong with a payload, and where. Filled by the function that fails; its callers put the path in front. */
export interface Problem {
  /** Byte from the payload's start. */
  offset: number;
  text: string;
  /** From the inside out. */
  readonly path: string[];
}

/** Where the last varint ended, and its lower 32 bits. */
let varintEnd = 0;
let varintLow = 0;
/** Bits 32 and above; not exact beyond 53 bits in all. */
let varintHigh = 0;

function fail(problem: Problem | undefined, offset: number, text: string): -1 {
  if (problem !== undefined) {
    problem.offset = offset;
    problem.text = text;
  }
  return -1;
}

/** Reads a varint into `varintLow` and `varintHigh`, and its end into `varintEnd`. */
function varint(bytes: Uint8Array, position: number, end: number, problem: Problem | undefined): boolean {
  let low = 0;
  let high = 0;
  for (let i = 0; i < 10; i++) {
    if (position + i >= end) {
      fail(problem, position, "the varint is cut off");
      return false;
    }
    const byte = bytes[position + i]!;
    if (i < 4) low += (byte & 0x7f) * 2 ** (7 * i);
    else if (i === 4) {
      low += (byte & 0x0f) * 2 ** 28;
      high += (byte & 0x70) >> 4;
    } else high += (byte & 0x7f) * 2 ** (7 * i - 32);
    if (byte < 0x80) {
      // The tenth byte holds bit 63 and nothing else.
      if (i === 9 && byte > 1) break;
      varintLow = low;
      varintHigh = high;
      varintEnd = position + i + 1;
      return true;
    }
  }
  fail(problem, position, "the varint has more than 64 bits");
  return false;
}

/** @returns the position after a varint, or -1 */
export function skipVarint(bytes: Uint8Array, position: number, end: number, problem?: Problem): number {
  return varint(bytes, position, end, problem) ? varintEnd : -1;
}

/** Reads a length; the content begins at `varintEnd`. @returns the content's end, or -1 when it runs past `end` */
function contentEnd(bytes: Uint8Array, position: number, end: number, problem: Problem | undefined): number {
  if (!varint(bytes, position, end, problem)) return -1;
  // Decoders read a length as 32 bits, in at most five bytes.
  if (varintEnd - position > 5) return fail(problem, position, "the length has more than 5 bytes");
  const length = varintLow + varintHigh * 2 ** 32;
  if (length > end - varintEnd) return fail(problem, position, `length ${length} runs past the end`);
  return varintEnd + length;
}

/** @returns the position after a length and its content, or -1 */
export function skipLength(bytes: Uint8Array, position: number, end: number): number {
  return contentEnd(bytes, position, end, undefined);
}

/** The content that `skipLength` skipped last begins here. */
export function contentStart(): number {
  return varintEnd;
}

function skipFixed(position: number, end: number, size: number, problem: Problem | undefined): number {
  return end - position >= size
    ? position + size
    : fail(problem, position, `${end - position} of ${size} bytes are there`);
}

/** Fields up to the end tag of the group `number`, which protobuf deprecated but decoders still take. */
function skipGroup(
  bytes: Uint8Array,
  start: number,
  end: number,
  number: number,
  depth: number,
  problem: Problem | undefined,
): number {
  if (depth > MAX_DEPTH) return fail(problem, start, `nested deeper than ${MAX_DEPTH}`);
  let position = start;
  while (position < end) {
    const at = position;
    if (!tag(bytes, position, end, problem)) return -1;
    position = varintEnd;
    if ((tagValue & 7) === WireType.EGROUP) {
      if (tagValue >>> 3 === number) return position;
      return fail(problem, at, `end of group ${tagValue >>> 3} inside group ${number}`);
    }
    position = skipUnknown(bytes, position, end, tagValue, depth, problem);
    if (position < 0) return -1;
  }
  return fail(problem, start, `group ${number} has no end`);
}

/** The last tag that `tag` read. */
let tagValue = 0;

function tag(bytes: Uint8Array, position: number, end: number, problem: Problem | undefined): boolean {
  if (!varint(bytes, position, end, problem)) return false;
  if (varintEnd - position > 5 || varintHigh > 0) {
    fail(problem, position, "the tag has more than 32 bits");
    return false;
  }
  tagValue = varintLow;
  if (tagValue >>> 3 === 0) {
    fail(problem, position, "field number 0");
    return false;
  }
  return true;
}

function skipUnknown(
  bytes: Uint8Array,
  position: number,
  end: number,
  fieldTag: number,
  depth: number,
  problem: Problem | undefined,
): number {
  switch (fieldTag & 7) {
    case WireType.VARINT:
      return skipVarint(bytes, position, end, problem);
    case WireType.I64:
      return skipFixed(position, end, 8, problem);
    case WireType.LEN:
      return contentEnd(bytes, position, end, problem);
    case WireType.I32:
      return skipFixed(position, end, 4, problem);
    case WireType.SGROUP:
      return skipGroup(bytes, position, end, fieldTag >>> 3, depth + 1, problem);
    case WireType.EGROUP:
      return fail(problem, position - 1, `end of group ${fieldTag >>> 3}, which was not begun`);
    default:
      return fail(problem, position - 1, `wire type ${fieldTag & 7} does not exist`);
  }
}

function knownField(
  bytes: Uint8Array,
  position: number,
  end: number,
  field: Field,
  wireType: number,
  depth: number,
  problem: Problem | undefined,
): number {
  if (wireType !== field.wireType) {
    if (!field.packed || wireType !== WireType.LEN)
      return fail(problem, position, `expected wire type ${field.wireType}, got ${wireType}`);
    const close = contentEnd(bytes, position, end, problem);
    if (close < 0) return -1;
    let at = varintEnd;
    while (at >= 0 && at < close) {
      at =
        field.wireType === WireType.VARINT
          ? skipVarint(bytes, at, close, problem)
          : skipFixed(at, close, field.wireType === WireType.I64 ? 8 : 4, problem);
    }
    return at < 0 ? -1 : close;
  }
  if (field.message === undefined) return skipUnknown(bytes, position, end, wireType, depth, problem);
  const close = contentEnd(bytes, position, end, problem);
  if (close < 0) return -1;
  return walkMessage(bytes, varintEnd, close, field.message, depth + 1, problem) < 0 ? -1 : close;
}

/** How often `number` occurs before `until`: the index of a repeated field, counted only when something is wrong. */
function occurrences(bytes: Uint8Array, start: number, until: number, number: number): number {
  let count = 0;
  for (let position = start; position < until; ) {
    if (!tag(bytes, position, until, undefined)) break;
    const fieldTag = tagValue;
    position = skipUnknown(bytes, varintEnd, until, fieldTag, 0, undefined);
    if (position < 0) break;
    if (fieldTag >>> 3 === number) count++;
  }
  return count;
}

/**
 * Checks one field of `message`, whatever it looks like: the slow, complete way beside the generated fast one.
 *
 * @param position where the field's tag begins
 * @param depth the message's own depth; 0 for the root
 * @returns the position after the field, or -1
 */
export function walkField(
  bytes: Uint8Array,
  position: number,
  end: number,
  message: Message,
  depth: number,
  problem?: Problem,
): number {
  if (!tag(bytes, position, end, problem)) return -1;
  const fieldTag = tagValue;
  const field = message.byNumber[fieldTag >>> 3];
  return field === undefined
    ? skipUnknown(bytes, varintEnd, end, fieldTag, depth, problem)
    : knownField(bytes, varintEnd, end, field, fieldTag & 7, depth, problem);
}

/** Checks a whole message. @returns `end`, or -1 */
export function walkMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  message: Message,
  depth: number,
  problem?: Problem,
): number {
  if (depth > MAX_DEPTH) return fail(problem, start, `nested deeper than ${MAX_DEPTH} messages`);
  for (let position = start; position < end; ) {
    const next = walkField(bytes, position, end, message, depth, problem);
    if (next < 0) {
      if (problem !== undefined && tag(bytes, position, end, undefined)) {
        const number = tagValue >>> 3;
        const field = message.byNumber[number];
        if (field === undefined) problem.path.push(`${number}`);
        else
          problem.path.push(
            field.repeated ? `${field.name}[${occurrences(bytes, start, position, number)}]` : field.name,
          );
      }
      return -1;
    }
    position = next;
  }
  return end;
}
