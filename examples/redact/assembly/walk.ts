// One walk over a batch's bytes. Every text is looked at, also one that a later field of the same message replaces: nothing that is to be hidden
// goes on because of how it was written.
import { arenaAllocate } from "@otelwasm/sdk/memory/arena";
import { ordinaryKey, ordinaryValue } from "@otelwasm/sdk/data/entry";
import { malformed } from "@otelwasm/sdk/wire/error";
import { enterMessage, leaveMessage, outerGrowth, replaceBytes } from "@otelwasm/sdk/wire/patch";
import { after, BYTES, MAXIMUM_DEPTH, readLength, readTag, sameBytes, skipValue } from "@otelwasm/sdk/wire/read";
import { writeVarint } from "@otelwasm/sdk/wire/write";
import { detect } from "./detect";
import { ALLOWED, BLOCKED, decideKey, hasKeys, INSPECTED } from "./keys";
import { rangeCount, rangeEnd, rangeStart } from "./ranges";
import { replacementOf, replacementSize } from "./replacement";
import { Type, typeOf } from "./schema";

/** Looks through the content of a message. */
export function walk(type: Type, p: usize, end: usize, depth: u32): void {
  if (depth > MAXIMUM_DEPTH) {
    malformed("messages are nested more than 100 deep", p);
    return;
  }
  while (p < end) {
    let tag = <u32>load<u8>(p);
    if (tag < 0x80) ++p;
    else {
      tag = readTag(p, end);
      p = after;
      if (p == 0) return;
    }
    const held = (tag & 7) == BYTES && tag < 128 ? typeOf(type, tag >> 3) : Type.None;
    if (held == Type.None || tag < 8) {
      p = skipValue(p, end, tag);
      if (p == 0) return;
      continue;
    }
    const length = p;
    const size = readLength(p, end);
    p = after;
    if (p == 0) return;
    const start = p;
    p += size;
    if (held == Type.Text) inspect(length, start, p);
    else if (held == Type.Attribute) walkAttribute(length, start, p, depth + 1);
    else {
      const step = enterMessage(length, start);
      const outer = outerGrowth;
      walk(held, start, p, depth + 1);
      leaveMessage(step, outer, p);
    }
  }
}

function walkAttribute(length: usize, start: usize, end: usize, depth: u32): void {
  const ordinary = ordinaryKey(start, end);
  let decision: u8 = INSPECTED;
  if (hasKeys) {
    const key = ordinary == 0 ? findKey(start, end) : ordinary;
    decision = decideKey(key, ordinary == 0 ? keyEnd - key : <usize>load<u8>(key - 1));
    if (decision == ALLOWED) return;
  }
  if (ordinary != 0 && decision == INSPECTED && isHarmless(ordinaryValue(start))) return;
  const step = enterMessage(length, start);
  const outer = outerGrowth;
  if (decision == BLOCKED) block(start, end);
  else walk(Type.Attribute, start, end, depth);
  leaveMessage(step, outer, end);
}

/** Whether a value in an attribute as nearly everyone writes it has nothing to be hidden: without the walk's steps. */
// @ts-ignore: decorator
@inline
function isHarmless(value: usize): bool {
  const end = value + <usize>load<u8>(value - 1);
  const tag = load<u8>(value);
  if (tag == ((1 << 3) | BYTES)) {
    const size = <usize>load<u8>(value, 1);
    if (size >= 0x80 || value + 2 + size != end) return false;
    detect(value + 2, end);
    return rangeCount == 0;
  }
  // A boolean, or an integer of one byte.
  return (tag == 2 << 3 || tag == 3 << 3) && value + 2 == end && load<u8>(value, 1) < 0x80;
}

/** Replaces what is to be hidden in a text. */
function inspect(length: usize, start: usize, end: usize): void {
  detect(start, end);
  if (rangeCount == 0) return;
  const step = enterMessage(length, start);
  const outer = outerGrowth;
  for (let i = 0; i < rangeCount; ++i) {
    const from = rangeStart(i);
    const until = rangeEnd(i);
    replace(from, until, replacementOf(from, until - from), replacementSize);
  }
  leaveMessage(step, outer, end);
}

/** What is replaced by itself is no change: a batch that was masked before passes as it came. */
function replace(from: usize, until: usize, by: usize, size: usize): void {
  if (until - from != size || !sameBytes(from, by, size)) replaceBytes(from, until, by, size);
}

let keyEnd: usize = 0;

/** @returns where the key of an attribute begins: the last one counts */
function findKey(p: usize, end: usize): usize {
  let found = p;
  keyEnd = p;
  while (p < end) {
    const tag = readTag(p, end);
    p = after;
    if (p == 0) break;
    if (tag == ((1 << 3) | BYTES)) {
      const size = readLength(p, end);
      if (after == 0) break;
      found = after;
      keyEnd = found + size;
    }
    p = skipValue(p, end, tag);
    if (p == 0) break;
  }
  return found;
}

/** Replaces an attribute's value, whatever it is. */
function block(p: usize, end: usize): void {
  while (p < end) {
    const tag = readTag(p, end);
    p = after;
    if (p == 0) return;
    const length = p;
    p = skipValue(p, end, tag);
    if (p == 0) return;
    if (tag != ((2 << 3) | BYTES)) continue;
    // A value in several places is merged by its readers: each of them is replaced.
    readLength(length, end);
    const start = after;
    const text = plainText(start, p);
    const by = text == 0 ? replacementOf(start, p - start) : replacementOf(text, p - text);
    const size = replacementSize;
    const value = arenaAllocate(size + 8);
    store<u8>(value, (1 << 3) | BYTES);
    const content = writeVarint(value + 1, size);
    memory.copy(content, by, size);
    const step = enterMessage(length, start);
    const outer = outerGrowth;
    replace(start, p, value, content + size - value);
    leaveMessage(step, outer, p);
  }
}

/** @returns where the text of a value begins that is nothing else; 0 if it is something else */
function plainText(start: usize, end: usize): usize {
  if (start >= end || load<u8>(start) != ((1 << 3) | BYTES)) return 0;
  const size = readLength(start + 1, end);
  return after != 0 && after + size == end ? after : 0;
}
