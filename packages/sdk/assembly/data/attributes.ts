import { arenaAllocate } from "../memory/arena";
import { cut, HIDDEN, insertRaw, KEPT, Message, newMessage, open, Piece, removeMessage, splitOut, touch } from "../wire/message";
import { getLength, getMessage, valueEnd } from "../wire/fields";
import { after, BYTES, readLength, readTag, sameBytes, skipValue } from "../wire/read";
import { writeVarint } from "../wire/write";
import { entryEnd, entryStart, entryValue, isPlain, ordinaryKey, ordinaryValue, writeFixed64Entry, writeLengthEntry, writeTextEntry, writeVarintEntry } from "./entry";
import { newUtf8, Bytes, Utf8 } from "./bytes";
import { encodeText, textEnd } from "./text";
import { Slice, sliceOf } from "./slice";
import { Value, ValueType } from "./value";

/** A message that is in no batch, to read a value where it stands. */
const scratch: usize = memory.data(offsetof<Message>(), 4);

/** One attribute. In a loop over attributes it is valid until the next step, unless it was changed. */
@unmanaged
export class KeyValue extends Message {
  get key(): string {
    return this.keyUtf8.toString();
  }

  get keyUtf8(): Utf8 {
    if (this._first === null) {
      const ordinary = ordinaryKey(this._start, this._end);
      if (ordinary != 0) return newUtf8(ordinary, ordinary + <usize>load<u8>(ordinary - 1));
    }
    const start = getLength(this, 1);
    return newUtf8(start, valueEnd);
  }

  /** What the value is. This and the readers below look at the bytes: faster than through {@link value}. */
  get type(): ValueType {
    return this.peek().type;
  }

  get str(): string {
    return this.peek().str;
  }

  get strUtf8(): Utf8 {
    return this.peek().strUtf8;
  }

  get bool(): bool {
    return this.peek().bool;
  }

  get int(): i64 {
    return this.peek().int;
  }

  get double(): f64 {
    return this.peek().double;
  }

  get bytes(): Bytes {
    return this.peek().bytes;
  }

  /** The value, for reading scalars only. */
  private peek(): Value {
    if (this._first !== null || ordinaryKey(this._start, this._end) == 0) return this.value;
    const start = ordinaryValue(this._start);
    const peeked = changetype<Value>(scratch);
    peeked._start = start;
    peeked._end = start + <usize>load<u8>(start - 1);
    return peeked;
  }

  /** The value, to be read or changed. */
  get value(): Value {
    return changetype<Value>(getMessage(this, 2, 0));
  }

  remove(): void {
    removeMessage(this);
  }
}

/** The attributes in a repeated field of `owner`. */
export function attributesOf(owner: Message, field: u32): Attributes {
  const attributes = sliceOf<Attributes>(owner, field);
  attributes.folding = true;
  return attributes;
}

let foundPiece: Piece | null = null;
let foundTag: usize = 0;
let foundStart: usize = 0;
let foundEnd: usize = 0;

/** Attributes of anything: a map whose entries stand one after another. Where a key occurs twice, the first one counts. */
@unmanaged
export class Attributes extends Slice<KeyValue> {
  /** @returns the value of a key, to be read or changed; null if there is none */
  get(key: string): Value | null {
    const start = encodeText(key);
    const entry = findEntry(this.owner, this.field, start, textEnd - start);
    return entry === null ? null : entry.value;
  }

  has(key: string): bool {
    const start = encodeText(key);
    return find(this.owner, this.field, start, textEnd - start);
  }

  /** Sets a text, in the place of the key's present value or at the end. */
  putStr(key: string, value: string): void {
    writeTextEntry(this.field, key, value, ValueType.Str);
    this.put(key);
  }

  putUtf8(key: string, value: Utf8): void {
    this.putLength(key, ValueType.Str, value);
  }

  putBytes(key: string, value: Bytes): void {
    this.putLength(key, ValueType.Bytes, value);
  }

  putInt(key: string, value: i64): void {
    const start = encodeText(key);
    writeVarintEntry(this.field, start, textEnd - start, ValueType.Int, value);
    this.put(key);
  }

  putDouble(key: string, value: f64): void {
    const start = encodeText(key);
    writeFixed64Entry(this.field, start, textEnd - start, ValueType.Double, reinterpret<u64>(value));
    this.put(key);
  }

  putBool(key: string, value: bool): void {
    const start = encodeText(key);
    writeVarintEntry(this.field, start, textEnd - start, ValueType.Bool, value ? 1 : 0);
    this.put(key);
  }

  putEmptyMap(key: string): Attributes {
    return this.putEmpty(key).setEmptyMap();
  }

  putEmptySlice(key: string): Slice<Value> {
    return this.putEmpty(key).setEmptySlice();
  }

  /** @returns the key's value, made if there is none and emptied otherwise */
  putEmpty(key: string): Value {
    const start = encodeText(key);
    const size = textEnd - start;
    const entry = findEntry(this.owner, this.field, start, size);
    if (entry !== null) {
      const value = entry.value;
      value.clear();
      touch(value);
      return value;
    }
    return this.append(start, size);
  }

  /** Removes every entry with this key. @returns whether there was one */
  remove(key: string): bool {
    const start = encodeText(key);
    const size = textEnd - start;
    let removed = false;
    while (find(this.owner, this.field, start, size)) {
      removed = true;
      const piece = foundPiece!;
      if (piece._field != 0) removeMessage(changetype<Message>(piece));
      else {
        cut(this.owner, piece, foundTag, foundEnd);
        ++this.owner._version;
        touch(this.owner);
      }
    }
    return removed;
  }

  private append(keyStart: usize, keySize: usize): Value {
    const owner = this.owner;
    const at = arenaAllocate(keySize + 12);
    const start = writeVarint(writeVarint(at, (1 << 3) | BYTES), keySize);
    memory.copy(start, keyStart, keySize);
    const entry = this.appendEmpty();
    insertRaw(entry, null, at, start + keySize);
    const value = entry.value;
    touch(value);
    return value;
  }

  private putLength(key: string, type: u32, value: Bytes): void {
    const start = encodeText(key);
    writeLengthEntry(this.field, start, textEnd - start, type, value.start, value.end - value.start);
    this.put(key);
  }

  /** Puts the entry that was written last into its place. */
  private put(key: string): void {
    const owner = this.owner;
    const start = encodeText(key);
    if (!find(owner, this.field, start, textEnd - start)) {
      insertRaw(owner, null, entryStart, entryEnd);
    } else if ((foundPiece === null || foundPiece!._field == 0) && isPlain(foundStart, foundEnd)) {
      if (foundPiece === null) open(owner);
      const piece = foundPiece === null ? owner._first! : foundPiece!;
      cut(owner, piece, foundTag, foundEnd);
      insertRaw(owner, piece, entryStart, entryEnd);
    } else {
      const value = takeEntry(owner, this.field).value;
      value.clear();
      insertRaw(value, null, entryValue, entryEnd);
    }
    ++owner._version;
  }
}

function findEntry(owner: Message, field: u32, key: usize, size: usize): KeyValue | null {
  return find(owner, field, key, size) ? takeEntry(owner, field) : null;
}

/** What {@link find} found, as a message. */
function takeEntry(owner: Message, field: u32): KeyValue {
  let piece = foundPiece;
  if (piece !== null && piece._field != 0) {
    changetype<Message>(piece)._flags |= KEPT;
    return changetype<KeyValue>(piece);
  }
  if (piece === null) {
    open(owner);
    piece = owner._first;
  }
  const entry = newMessage(owner, field, foundTag, foundStart, foundEnd);
  entry._flags = KEPT;
  splitOut(owner, piece!, foundTag, foundEnd, entry);
  return changetype<KeyValue>(entry);
}

/** Looks for an entry; `found…` say where it is. */
function find(owner: Message, field: u32, key: usize, size: usize): bool {
  const tag = (field << 3) | BYTES;
  let piece = owner._first;
  let p = owner._start;
  let end = owner._end;
  let here: Piece | null = null;
  do {
    if (piece !== null) {
      here = piece;
      p = piece._start;
      end = piece._end;
      if (piece._field != 0) {
        end = p;
        const message = changetype<Message>(piece);
        if (piece._field == field && (message._flags & HIDDEN) == 0) {
          const start = getLength(message, 1);
          if (valueEnd - start == size && sameBytes(start, key, size)) {
            foundPiece = piece;
            return true;
          }
        }
      }
      piece = piece._next;
    }
    while (p < end) {
      const tagStart = p;
      let t = <u32>load<u8>(p);
      if (t < 0x80) ++p;
      else {
        t = readTag(p, end);
        p = after;
        if (p == 0) return false;
      }
      if (t != tag) {
        p = skipValue(p, end, t);
        if (p == 0) return false;
        continue;
      }
      let length = <usize>load<u8>(p);
      if (length < 0x80) ++p;
      else {
        length = readLength(p, end);
        p = after;
        if (p == 0) return false;
      }
      const start = p;
      p += length;
      if (p > end) {
        readLength(start - 1, end);
        return false;
      }
      if (hasKey(start, p, key, size)) {
        foundPiece = here;
        foundTag = tagStart;
        foundStart = start;
        foundEnd = p;
        return true;
      }
    }
  } while (piece !== null);
  return false;
}

/** Whether the `KeyValue` from `start` to `end` has this key. */
function hasKey(start: usize, end: usize, key: usize, size: usize): bool {
  const ordinary = ordinaryKey(start, end);
  if (ordinary != 0) return <usize>load<u8>(ordinary - 1) == size && sameBytes(ordinary, key, size);
  let found: usize = 0;
  let foundSize: usize = 0;
  let p = start;
  while (p < end) {
    const t = readTag(p, end);
    p = after;
    if (p == 0) return false;
    if (t == ((1 << 3) | BYTES)) {
      foundSize = readLength(p, end);
      found = after;
      if (found == 0) return false;
    }
    p = skipValue(p, end, t);
    if (p == 0) return false;
  }
  return foundSize == size && sameBytes(found, key, size);
}
