// The attributes of one record while the actions work on them. One pass over the record finds those that matter; nothing is
// changed until all actions are done, and then only what they changed is written anew.
//
// In entries are, as the record has them: all attributes, or only those whose keys the configuration names if no action
// looks at every key. Where a key occurs twice, the first one counts, as in the Collector.
import { arenaAllocate } from "@otelwasm/sdk/memory/arena";
import { cut, insertRaw, Message, open, touch } from "@otelwasm/sdk/wire/message";
import { after, BYTES, readLength, readTag, skipValue } from "@otelwasm/sdk/wire/read";
import { copyBytes, varintSize, writeVarint } from "@otelwasm/sdk/wire/write";
import { findSlot, keyAt, keyCount, keyFieldSize } from "./keys";
import { fieldSize, gather, unknownFields, writtenEnd } from "./value";

const enum State {
  AS_IT_IS,
  CHANGED,
  APPENDED,
  REMOVED,
}

@unmanaged
export class Entry {
  /** The whole field in the record, tag included. */
  tagStart: usize;
  end: usize;
  keyStart: usize;
  keySize: usize;
  /** The content of the value's message: of the record, of the configuration, or of the arena. */
  valueStart: usize;
  valueEnd: usize;
  /** Everything in the `KeyValue` but its value. */
  restStart: usize;
  restEnd: usize;
  /** Of an appended one: the whole field, encoded in advance; 0 for none. */
  encodedStart: usize;
  encodedEnd: usize;
  /** -1 for a key that the configuration does not name. */
  slot: i32;
  /** Its place among the entries. */
  index: i32;
  state: State;
}

const KEY_TAG: u32 = (1 << 3) | BYTES;
const VALUE_TAG: u32 = (2 << 3) | BYTES;

let entries: usize = 0;
let capacity: i32 = 0;
let count: i32 = 0;
let changes: i32 = 0;
/** For each slot the entry that counts, 0 for none. */
let bySlot: usize = 0;
let slotCount: i32 = 0;
let everyKey = false;

/** Called once all keys are known. @param all whether attributes count whose keys the configuration does not name */
export function prepareEntries(all: bool): void {
  everyKey = all;
  slotCount = keyCount();
  bySlot = heap.alloc((slotCount + 1) << 2);
}

/** @returns the attribute that has the slot's key, null when the record has none */
// @ts-ignore: decorator
@inline
export function entryOf(slot: i32): Entry | null {
  return load<Entry | null>(bySlot + (slot << 2));
}

export function entryCount(): i32 {
  return count;
}

/** @returns an entry by its place, null when it is not there any more */
export function liveEntry(index: i32): Entry | null {
  const entry = at(index);
  return entry.state == State.REMOVED ? null : entry;
}

// @ts-ignore: decorator
@inline
function at(index: i32): Entry {
  return changetype<Entry>(load<usize>(entries + (index << 2)));
}

let scanned = false;

/** Has to be told of every message, before it is scanned. */
// @ts-ignore: decorator
@inline
export function beginItem(): void {
  scanned = false;
}

/** Finds the attributes of a message that nobody has looked into yet, once. @param field their number, less than 16 */
export function scanAttributes(owner: Message, field: u32): void {
  if (scanned) return;
  scanned = true;
  scanBytes(owner._start, owner._end, field);
}

/** As {@link scanAttributes}, for attributes that are not going to be changed. */
export function scanBytes(p: usize, end: usize, field: u32): void {
  count = 0;
  changes = 0;
  for (let i = 0; i < slotCount; ++i) store<usize>(bySlot + (i << 2), 0);
  const tag = (field << 3) | BYTES;
  while (p < end) {
    const tagStart = p;
    const t = <u32>load<u8>(p);
    if (t == tag) {
      const start = p + 2;
      const size = <usize>load<u8>(p, 1);
      const firstSize = <usize>load<u8>(p, 3);
      const next = start + size;
      const second = start + 2 + firstSize;
      // As everyone writes it: a key and a value in either order, nothing else, each shorter than 128 bytes.
      if (
        ((size | firstSize) & 0x80) == 0 &&
        next <= end &&
        second + 2 <= next &&
        load<u8>(second, 1) < 0x80 &&
        second + 2 + <usize>load<u8>(second, 1) == next
      ) {
        const first = <u32>load<u8>(start);
        const last = <u32>load<u8>(second);
        if (first == KEY_TAG && last == VALUE_TAG) {
          p = next;
          const slot = findSlot(start + 2, firstSize);
          if (slot >= 0 || everyKey) {
            const entry = found(tagStart, next, start + 2, firstSize, slot);
            entry.valueStart = second + 2;
            entry.valueEnd = next;
            entry.restStart = start;
            entry.restEnd = second;
          }
          continue;
        }
        if (first == VALUE_TAG && last == KEY_TAG) {
          p = next;
          const slot = findSlot(second + 2, <usize>load<u8>(second, 1));
          if (slot >= 0 || everyKey) {
            const entry = found(tagStart, next, second + 2, <usize>load<u8>(second, 1), slot);
            entry.valueStart = start + 2;
            entry.valueEnd = second;
            entry.restStart = second;
            entry.restEnd = next;
          }
          continue;
        }
      }
      p = readEntry(p, end);
    } else if (t < 0x80) {
      p = skipValue(p + 1, end, t);
    } else {
      const long = readTag(p, end);
      p = after == 0 ? 0 : long == tag ? readEntry(p, end) : skipValue(after, end, long);
    }
    if (p == 0) return;
  }
}

function found(tagStart: usize, end: usize, keyStart: usize, keySize: usize, slot: i32): Entry {
  const entry = newEntry(slot);
  entry.tagStart = tagStart;
  entry.end = end;
  entry.keyStart = keyStart;
  entry.keySize = keySize;
  entry.state = State.AS_IT_IS;
  return entry;
}

function newEntry(slot: i32): Entry {
  if (count == capacity) {
    // The table only grows: as large as the most attributes that any record had.
    const wider = heap.alloc(max(capacity * 2, 64) << 2);
    memory.copy(wider, entries, count << 2);
    for (let i = capacity; i < max(capacity * 2, 64); ++i) store<usize>(wider + (i << 2), heap.alloc(offsetof<Entry>()));
    if (entries != 0) heap.free(entries);
    entries = wider;
    capacity = max(capacity * 2, 64);
  }
  const entry = at(count);
  entry.index = count++;
  entry.slot = slot;
  if (slot >= 0 && load<usize>(bySlot + (slot << 2)) == 0) store<Entry>(bySlot + (slot << 2), entry);
  return entry;
}

/** Reads an attribute that is written in another way than usual, or longer. @returns the position after it */
function readEntry(tagStart: usize, end: usize): usize {
  readTag(tagStart, end);
  const size = readLength(after, end);
  const start = after;
  if (start == 0) return 0;
  const next = start + size;
  let keyStart = start;
  let keySize: usize = 0;
  let valueStart: usize = start;
  let valueEnd: usize = start;
  let values = 0;
  let total: usize = 0;
  let usual = true;
  let p = start;
  while (p < next) {
    const tag = readTag(p, next);
    p = after;
    if (p == 0) return 0;
    if (tag == KEY_TAG) {
      keySize = readLength(p, next);
      keyStart = after;
      if (values > 0) usual = false;
    } else if (tag == VALUE_TAG) {
      const length = readLength(p, next);
      const from = after;
      if (from == 0) return 0;
      valueStart = from;
      valueEnd = from + length;
      total += length;
      ++values;
    } else if (values > 0) usual = false;
    p = skipValue(p, next, tag);
    if (p == 0) return 0;
  }
  const slot = findSlot(keyStart, keySize);
  if (slot < 0 && !everyKey) return next;
  if (values > 1) {
    valueStart = gather(start, next, VALUE_TAG, total);
    valueEnd = valueStart + total;
  }
  const entry = found(tagStart, next, keyStart, keySize, slot);
  entry.valueStart = valueStart;
  entry.valueEnd = valueEnd;
  if (usual && values == 1) {
    entry.restStart = start;
    entry.restEnd = valueStart - 1 - varintSize(valueEnd - valueStart);
    // A length may be written with more bytes than it needs.
    if (load<u8>(entry.restEnd) == VALUE_TAG) return next;
  }
  const rest = arenaAllocate(size);
  entry.restStart = rest;
  entry.restEnd = withoutValue(start, next, rest);
  return next;
}

function withoutValue(start: usize, end: usize, to: usize): usize {
  let p = start;
  while (p < end) {
    const tag = readTag(p, end);
    const next = skipValue(after, end, tag);
    if (tag != VALUE_TAG) {
      memory.copy(to, p, next - p);
      to += next - p;
    }
    p = next;
  }
  return to;
}

/** Gives an attribute another value; what later releases may have put into the old one stays. */
export function replaceValue(entry: Entry, start: usize, end: usize): void {
  if (entry.state == State.AS_IT_IS) {
    entry.state = State.CHANGED;
    ++changes;
  }
  entry.encodedStart = 0;
  const unknown: usize = hasOneField(entry.valueStart, entry.valueEnd) ? 0 : unknownFields(entry.valueStart, entry.valueEnd);
  if (unknown != 0 && writtenEnd != unknown) {
    const both = arenaAllocate(end - start + (writtenEnd - unknown));
    memory.copy(both, start, end - start);
    memory.copy(both + (end - start), unknown, writtenEnd - unknown);
    end = both + (end - start) + (writtenEnd - unknown);
    start = both;
  }
  entry.valueStart = start;
  entry.valueEnd = end;
}

/** Whether a value consists of text shorter than 128 bytes or a small integer, and nothing else. */
function hasOneField(start: usize, end: usize): bool {
  if (start == end) return true;
  const tag = load<u8>(start);
  if (tag == 0x0a) return load<u8>(start, 1) < 0x80 && start + 2 + load<u8>(start, 1) == end;
  return (tag == 0x18 || tag == 0x10) && start + 2 == end;
}

/** Adds an attribute that the record does not have. */
export function appendEntry(slot: i32, start: usize, end: usize): Entry {
  const entry = newEntry(slot);
  const key = keyAt(slot);
  entry.state = State.APPENDED;
  entry.tagStart = 0;
  entry.keyStart = key.start;
  entry.keySize = key.size;
  entry.valueStart = start;
  entry.valueEnd = end;
  entry.encodedStart = 0;
  ++changes;
  return entry;
}

export function removeEntry(entry: Entry): void {
  if (entry.state == State.AS_IT_IS) ++changes;
  // One that was appended is as if it had never been there.
  else if (entry.state == State.APPENDED) --changes;
  entry.state = State.REMOVED;
  const slot = entry.slot;
  if (slot < 0 || entryOf(slot) !== entry) return;
  // The next one with the same key counts from now on. What stands before has been passed already.
  store<usize>(bySlot + (slot << 2), 0);
  for (let i = entry.index + 1; i < count; ++i) {
    const other = at(i);
    if (other.slot == slot && other.state != State.REMOVED) {
      store<Entry>(bySlot + (slot << 2), other);
      return;
    }
  }
}

/** Puts the changes into the message. */
export function commitEntries(owner: Message, field: u32): void {
  if (changes == 0) return;
  open(owner);
  touch(owner);
  const raw = owner._first!;
  for (let i = 0; i < count; ++i) {
    const entry = at(i);
    switch (entry.state) {
      case State.AS_IT_IS:
        break;
      case State.APPENDED:
        if (entry.encodedStart != 0) {
          insertRaw(owner, null, entry.encodedStart, entry.encodedEnd);
        } else {
          const start = encodeEntry(field, entry, keyFieldSize(entry.slot));
          insertRaw(owner, null, start, encodedEnd);
        }
        break;
      default:
        // Appended and removed again.
        if (entry.tagStart == 0) break;
        cut(owner, raw, entry.tagStart, entry.end);
        if (entry.state == State.CHANGED) {
          const start = encodeEntry(field, entry, entry.restEnd - entry.restStart);
          insertRaw(owner, raw, start, encodedEnd);
        }
    }
  }
  ++owner._version;
}

let encodedEnd: usize = 0;

function encodeEntry(field: u32, entry: Entry, restSize: usize): usize {
  const valueSize = entry.valueEnd - entry.valueStart;
  const size = restSize + fieldSize(valueSize);
  const start = arenaAllocate(fieldSize(size));
  let p = writeVarint(start, (field << 3) | BYTES);
  p = writeVarint(p, size);
  if (entry.state == State.APPENDED) {
    p = writeVarint(p, KEY_TAG);
    p = writeVarint(p, entry.keySize);
    p = copyBytes(p, entry.keyStart, entry.keySize);
  } else {
    p = copyBytes(p, entry.restStart, restSize);
  }
  p = writeVarint(p, VALUE_TAG);
  p = writeVarint(p, valueSize);
  encodedEnd = copyBytes(p, entry.valueStart, valueSize);
  return start;
}

/** Encodes an attribute in advance, for good. @returns where the field begins; {@link constantEnd} is its end */
export function encodeConstant(field: u32, slot: i32, value: usize, valueEnd: usize): usize {
  const key = keyAt(slot);
  const valueSize = valueEnd - value;
  const size = keyFieldSize(slot) + fieldSize(valueSize);
  const start = heap.alloc(fieldSize(size));
  let p = writeVarint(start, (field << 3) | BYTES);
  p = writeVarint(writeVarint(writeVarint(p, size), KEY_TAG), key.size);
  memory.copy(p, key.start, key.size);
  p = writeVarint(writeVarint(p + key.size, VALUE_TAG), valueSize);
  memory.copy(p, value, valueSize);
  constantEnd = p + valueSize;
  return start;
}

export let constantEnd: usize = 0;
