// The member `ot` of a W3C tracestate: `vendor=1,ot=th:e666;rv:6e6d1a75832a2f`.
import { arenaAllocate } from "@otelwasm/sdk/memory/arena";
import { NONE, parseRandomness, parseThreshold, writeRandomness, writeThreshold } from "./probability";

const COMMA: u8 = 0x2c;
const SEMICOLON: u8 = 0x3b;
/** `rv:` and 14 digits, `th:` and 14, `ot=`, and what separates. */
const ROOM: usize = 48;
/** W3C allows no more members. */
const MOST_MEMBERS: i32 = 32;

/** What {@link readTracestate} found; `NONE` where there is none, or none that is well-formed. */
export let randomness: u64 = NONE;
export let threshold: u64 = NONE;

/** Reads a tracestate's `ot`. */
export function readTracestate(start: usize, end: usize): void {
  randomness = NONE;
  threshold = NONE;
  while (start < end) {
    const next = find(start, end, COMMA);
    const from = trimmed(start, next);
    if (isOt(from, next)) readOt(from + 3, trimmedEnd(from, next));
    start = next + 1;
  }
}

function readOt(start: usize, end: usize): void {
  while (start < end) {
    const next = find(start, end, SEMICOLON);
    if (isKey(start, next, 0x7672)) randomness = parseRandomness(start + 3, next);
    else if (isKey(start, next, 0x6874)) threshold = parseThreshold(start + 3, next);
    start = next + 1;
  }
}

/** End of what {@link writeTracestate} wrote. */
export let writtenEnd: usize = 0;

/**
 * Writes a tracestate anew: `ot` in front, as W3C wants it of who changes a member, with its other keys as they were.
 * @param rv `NONE` for none
 * @param th `NONE` for none
 * @returns where it begins; it ends at {@link writtenEnd} and lives as long as the batch
 */
export function writeTracestate(start: usize, end: usize, rv: u64, th: u64): usize {
  const result = arenaAllocate(end - start + ROOM);
  store<u32>(result, 0x3d746f);
  const content = result + 3;
  let to = content;
  if (rv != NONE) {
    store<u32>(to, 0x3a7672);
    to = writeRandomness(to + 3, rv);
  }
  if (th != NONE) {
    if (to != content) store<u8>(to++, SEMICOLON);
    store<u32>(to, 0x3a6874);
    to = writeThreshold(to + 3, th);
  }
  for (let p = start; p < end; ) {
    const next = find(p, end, COMMA);
    const from = trimmed(p, next);
    if (isOt(from, next)) to = copyOtherKeys(to, content, from + 3, trimmedEnd(from, next));
    p = next + 1;
  }
  let members = 1;
  if (to == content) {
    to = result;
    members = 0;
  }
  for (let p = start; p < end && members < MOST_MEMBERS; ) {
    const next = find(p, end, COMMA);
    const from = trimmed(p, next);
    const until = trimmedEnd(from, next);
    if (from < until && !isOt(from, next)) {
      if (to != result) store<u8>(to++, COMMA);
      memory.copy(to, from, until - from);
      to += until - from;
      ++members;
    }
    p = next + 1;
  }
  writtenEnd = to;
  return result;
}

function copyOtherKeys(to: usize, content: usize, start: usize, end: usize): usize {
  while (start < end) {
    const next = find(start, end, SEMICOLON);
    if (next > start && !isKey(start, next, 0x7672) && !isKey(start, next, 0x6874)) {
      if (to != content) store<u8>(to++, SEMICOLON);
      memory.copy(to, start, next - start);
      to += next - start;
    }
    start = next + 1;
  }
  return to;
}

function find(start: usize, end: usize, c: u8): usize {
  while (start < end && load<u8>(start) != c) ++start;
  return start;
}

function isOt(start: usize, end: usize): bool {
  return end - start >= 3 && end > start && load<u16>(start) == 0x746f && load<u8>(start, 2) == 0x3d;
}

/** @param key two characters */
function isKey(start: usize, end: usize, key: u16): bool {
  return end - start >= 3 && load<u16>(start) == key && load<u8>(start, 2) == 0x3a;
}

function trimmed(start: usize, end: usize): usize {
  while (start < end && (load<u8>(start) == 0x20 || load<u8>(start) == 0x09)) ++start;
  return start;
}

function trimmedEnd(start: usize, end: usize): usize {
  while (start < end && (load<u8>(end - 1) == 0x20 || load<u8>(end - 1) == 0x09)) --end;
  return end;
}
