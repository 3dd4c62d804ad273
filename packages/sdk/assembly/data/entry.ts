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
 * Recognises a `KeyValue` as everyone writes it: a short key and a short value, nothing else. Most SDKs write the key first,
 * the Collector and what uses its `pdata` the value.
 *
 * @returns where the key's text begins, right behind its size; 0 for any other `KeyValue`
 */
export function ordinaryKey(start: usize, end: usize): usize {
  if (end - start < 4) return 0;
  const second = start + 2 + <usize>load<u8>(start, 1);
  if (load<u8>(start, 1) >= 0x80 || second + 2 > end) return 0;
  if (load<u8>(second, 1) >= 0x80 || second + 2 + <usize>load<u8>(second, 1) != end) return 0;
  const tag = load<u8>(start);
  if (tag == 0x0a) return load<u8>(second) == 0x12 ? start + 2 : 0;
  return tag == 0x12 && load<u8>(second) == 0x0a ? second + 2 : 0;
}

/** Where the content of an ordinary `KeyValue`'s value begins, right behind its size. */
export function ordinaryValue(start: usize): usize {
  return load<u8>(start) == 0x0a ? start + 4 + <usize>load<u8>(start, 1) : start + 2;
}

/**
 * Whether a `KeyValue` has nothing but its key and a value with nothing but one known member, so that replacing it as
 * a whole loses nothing. As everyone writes it.
 */
export function isPlain(start: usize, end: usize): bool {
  if (ordinaryKey(start, end) == 0) return false;
  const value = ordinaryValue(start);
  end = value + <usize>load<u8>(value - 1);
  if (value == end) return true;
  const tag = <u32>load<u8>(value);
  // The members of `AnyValue`'s oneof by number: text, bool, int, double, array, map, bytes, index of a text.
  const wire: u32 = tag & 7;
  const isMember = wire == BYTES ? tag < 64 && (0b11100010 >> (tag >> 3)) & 1 : wire == VARINT ? tag == 16 || tag == 24 : tag == 33;
  return isMember && skipValue(value + 1, end, tag) == end;
}
