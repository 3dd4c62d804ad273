// The attributes that the configuration names. Each has a slot; while a record is scanned, most of its keys are told apart
// from all of these by their length alone.
import { sameBytes } from "@otelwasm/sdk/wire/read";
import { fieldSize } from "./value";

/** Keys of this size and longer share a place in the table of lengths. */
const LONGEST: usize = 255;

/** The first slot for each length, plus one. */
const byLength = memory.data(256 * 4, 4);

export class Key {
  /** The next slot with a key of the same length, plus one. */
  next: i32 = 0;

  constructor(
    readonly start: usize,
    readonly size: usize,
  ) {}
}

const keys: Array<Key> = [];
/** The same for the hot path, 12 bytes each: start, size, next. */
let table: usize = 0;

/** How many slots there are. */
export function keyCount(): i32 {
  return keys.length;
}

export function keyAt(slot: i32): Key {
  return keys[slot];
}

/** @returns the slot of a key */
export function slotOf(text: string): i32 {
  const size = <usize>String.UTF8.byteLength(text);
  const start = heap.alloc(size + 1);
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, start);
  const known = findSlot(start, size);
  if (known >= 0) {
    heap.free(start);
    return known;
  }
  const place = byLength + (min(size, LONGEST) << 2);
  const key = new Key(start, size);
  key.next = load<i32>(place);
  keys.push(key);
  store<i32>(place, keys.length);
  const wider = heap.alloc(keys.length * 12);
  for (let i = 0; i < keys.length; ++i) {
    store<usize>(wider + i * 12, keys[i].start);
    store<usize>(wider + i * 12, keys[i].size, 4);
    store<i32>(wider + i * 12, keys[i].next, 8);
  }
  if (table != 0) heap.free(table);
  table = wider;
  return keys.length - 1;
}

/** @returns the slot of a key, -1 when the configuration does not name it */
// @ts-ignore: decorator
@inline
export function findSlot(start: usize, size: usize): i32 {
  const first = load<i32>(byLength + (min(size, LONGEST) << 2));
  return first == 0 ? -1 : compareKeys(first, start, size);
}

function compareKeys(next: i32, start: usize, size: usize): i32 {
  do {
    const entry = table + (next - 1) * 12;
    if (load<usize>(entry, 4) == size && sameBytes(load<usize>(entry), start, size)) return next - 1;
    next = load<i32>(entry, 8);
  } while (next != 0);
  return -1;
}

/** Bytes of the key as the first field of a `KeyValue`. */
export function keyFieldSize(slot: i32): usize {
  return fieldSize(keys[slot].size);
}
