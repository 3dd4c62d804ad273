// Values as text, as the Collector's `AsString` writes them: arrays and maps become JSON with sorted keys.
import { arenaAllocate } from "@otelwasm/sdk/memory/arena";
import { DOUBLE_TEXT_SIZE, writeDouble, writeDoublePlain, writeInteger } from "@otelwasm/sdk/number";
import { writeJson } from "./json";
import { contentEnd, contentStart, Kind, readValue, scalar } from "./value";

const SCALAR_SIZE: usize = 400;
const scratch = memory.data(400);

/** End of the text that {@link textOf} or {@link scalarTextOf} answered. */
export let textEnd: usize = 0;

/** @returns where the value's text begins; it is valid until the next call, or as long as the batch */
export function textOf(start: usize, end: usize): usize {
  const kind = readValue(start, end);
  switch (kind) {
    case Kind.STR:
      textEnd = contentEnd;
      return contentStart;
    case Kind.DOUBLE:
      textEnd = writeDouble(scratch, reinterpret<f64>(scalar));
      return scratch;
    case Kind.BYTES: {
      const from = contentStart;
      const until = contentEnd;
      const to = arenaAllocate(base64Size(until - from));
      textEnd = writeBase64(to, from, until);
      return to;
    }
    case Kind.ARRAY:
    case Kind.MAP: {
      const json = writeJson(start, end);
      textEnd = json.end;
      return json.start;
    }
    default:
      return writeScalar(kind);
  }
}

/**
 * The text that a regular expression is matched against; doubles never have an exponent.
 * @returns 0 for values that a regular expression never matches
 */
export function scalarTextOf(start: usize, end: usize): usize {
  const kind = readValue(start, end);
  switch (kind) {
    case Kind.STR:
      textEnd = contentEnd;
      return contentStart;
    case Kind.DOUBLE:
      assert(DOUBLE_TEXT_SIZE <= SCALAR_SIZE);
      textEnd = writeDoublePlain(scratch, reinterpret<f64>(scalar));
      return scratch;
    case Kind.BOOL:
    case Kind.INT:
      return writeScalar(kind);
    default:
      return 0;
  }
}

function writeScalar(kind: Kind): usize {
  if (kind == Kind.INT) {
    textEnd = writeInteger(scratch, scalar);
  } else if (kind == Kind.BOOL) {
    store<u32>(scratch, scalar != 0 ? 0x65757274 : 0x736c6166);
    store<u8>(scratch, 0x65, 4);
    textEnd = scratch + (scalar != 0 ? 4 : 5);
  } else {
    textEnd = scratch;
  }
  return scratch;
}

export function base64Size(size: usize): usize {
  return ((size + 2) / 3) << 2;
}

export function writeBase64(to: usize, from: usize, until: usize): usize {
  for (; from < until; from += 3) {
    const left = until - from;
    const bits =
      (<u32>load<u8>(from) << 16) | (left > 1 ? <u32>load<u8>(from, 1) << 8 : 0) | (left > 2 ? <u32>load<u8>(from, 2) : 0);
    store<u8>(to, sextet(bits >> 18), 0);
    store<u8>(to, sextet((bits >> 12) & 63), 1);
    store<u8>(to, left > 1 ? sextet((bits >> 6) & 63) : 0x3d, 2);
    store<u8>(to, left > 2 ? sextet(bits & 63) : 0x3d, 3);
    to += 4;
  }
  return to;
}

function sextet(value: u32): u8 {
  if (value < 26) return <u8>(0x41 + value);
  if (value < 52) return <u8>(0x61 - 26 + value);
  if (value < 62) return <u8>(0x30 - 52 + value);
  return value == 62 ? 0x2b : 0x2f;
}
