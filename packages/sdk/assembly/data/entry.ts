// Encoded attributes: a `KeyValue` as a field of its owner, written once and put into as many messages as want it.
import { arenaAllocate } from "../memory/arena";
import { BYTES, FIXED64, skipValue, VARINT } from "../wire/read";
import { copyBytes, varintSize, writeVarint } from "../wire/write";
import { encodeText, textEnd, textGeneration } from "./text";

/** The entry that was written last: from its tag, the content of its value, and the end of both. */
export let entryStart: usize = 0;
export let entryValue: usize = 0;
export let entryEnd: usize = 0;

/** Writes everything up to the content of the value. @returns where that goes */
function beginEntry(field: u32, key: usize, keySize: usize, valueSize: usize): usize {
  const size = keySize + varintSize(keySize) + valueSize + varintSize(valueSize) + 2;
  const at = arenaAllocate(size + 12);
  let p = writeVarint(writeVarint(at, (field << 3) | BYTES), size);
  p = copyBytes(writeVarint(writeVarint(p, (1 << 3) | BYTES), keySize), key, keySize);
  entryStart = at;
  entryValue = writeVarint(writeVarint(p, (2 << 3) | BYTES), valueSize);
  return entryValue;
}

/** @param type the number of `AnyValue`'s field */
export function writeLengthEntry(field: u32, key: usize, keySize: usize, type: u32, start: usize, size: usize): void {
  const p = beginEntry(field, key, keySize, size + varintSize(size) + 1);
  entryEnd = copyBytes(writeVarint(writeVarint(p, (type << 3) | BYTES), size), start, size);
}

export function writeVarintEntry(field: u32, key: usize, keySize: usize, type: u32, value: u64): void {
  const p = beginEntry(field, key, keySize, varintSize(value) + 1);
  entryEnd = writeVarint(writeVarint(p, (type << 3) | VARINT), value);
}

export function writeFixed64Entry(field: u32, key: usize, keySize: usize, type: u32, value: u64): void {
  const p = writeVarint(beginEntry(field, key, keySize, 9), (type << 3) | FIXED64);
  store<u64>(p, value);
  entryEnd = p + 8;
}

const SLOTS: usize = 32;
const SLOT: usize = 28;
const table: usize = memory.data(896, 4);

/** The entry of a text. The same two strings, for every record of a batch, are written once. */
export function writeTextEntry(field: u32, key: string, value: string, type: u32): void {
  const k = changetype<usize>(key);
  const v = changetype<usize>(value);
  const slot = table + (((k >> 4) ^ (v >> 5) ^ <usize>field) & (SLOTS - 1)) * SLOT;
  if (load<usize>(slot) == k && load<usize>(slot, 4) == v && load<u32>(slot, 8) == field && load<u32>(slot, 12) == textGeneration) {
    entryStart = load<usize>(slot, 16);
    entryValue = load<usize>(slot, 20);
    entryEnd = load<usize>(slot, 24);
    return;
  }
  const keyStart = encodeText(key);
  const keySize = textEnd - keyStart;
  const start = encodeText(value);
  writeLengthEntry(field, keyStart, keySize, type, start, textEnd - start);
  store<usize>(slot, k);
  store<usize>(slot, v, 4);
  store<u32>(slot, field, 8);
  store<u32>(slot, textGeneration, 12);
  store<usize>(slot, entryStart, 16);
  store<usize>(slot, entryValue, 20);
  store<usize>(slot, entryEnd, 24);
}

/**
 * Whether a `KeyValue` has nothing but its key and a value with nothing but one known member, so that replacing it as
 * a whole loses nothing. As everyone writes it.
 */
export function isPlain(start: usize, end: usize): bool {
  if (end - start < 4 || load<u8>(start) != 0x0a) return false;
  const middle = start + 2 + <usize>load<u8>(start, 1);
  if (middle + 2 > end || load<u8>(start, 1) >= 0x80 || load<u8>(middle) != 0x12) return false;
  const value = middle + 2;
  if (load<u8>(middle, 1) >= 0x80 || value + <usize>load<u8>(middle, 1) != end) return false;
  if (value == end) return true;
  const tag = <u32>load<u8>(value);
  // The members of `AnyValue`'s oneof by number: text, bool, int, double, array, map, bytes, index of a text.
  const wire: u32 = tag & 7;
  const isMember = wire == BYTES ? tag < 64 && (0b11100010 >> (tag >> 3)) & 1 : wire == VARINT ? tag == 16 || tag == 24 : tag == 33;
  return isMember && skipValue(value + 1, end, tag) == end;
}
