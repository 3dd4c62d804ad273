// Singular fields of a message: found when asked for. The last occurrence counts, as protobuf wants it, so a scan
// always goes to the message's end.
import { arenaAllocate } from "../memory/arena";
import { HIDDEN, Message, newMessage, open, Piece, REBUILT, ABSENT, splitOut, cut, insertBefore, touch, insertRaw, REMOVED } from "./message";
import { after, BYTES, FIXED32, FIXED64, readLength, readTag, readVarint, skipValue, VARINT } from "./read";
import { writeVarint } from "./write";

let foundEnd: usize = 0;

/** @returns where the value of the field's last occurrence starts, outside of messages that were opened; 0 if there is none */
function findLast(m: Message, tag: u32): usize {
  let found: usize = 0;
  let piece = m._first;
  let p = m._start;
  let end = m._end;
  do {
    if (piece !== null) {
      p = piece._start;
      end = piece._field == 0 ? piece._end : p;
      piece = piece._next;
    }
    while (p < end) {
      let t = <u32>load<u8>(p);
      if (t < 0x80) ++p;
      else {
        t = readTag(p, end);
        p = after;
        if (p == 0) return 0;
      }
      if (t == tag) {
        found = p;
        foundEnd = end;
      }
      p = skipValue(p, end, t);
      if (p == 0) return 0;
    }
  } while (piece !== null);
  return found;
}

/**
 * Which member of a oneof the message has: the one that occurs last.
 * @param varints numbers of the members that are varints, as bits; likewise the others
 * @returns its number, 0 for none
 */
export function lastOf(m: Message, varints: u32, fixed64s: u32, lengths: u32): u32 {
  let found: u32 = 0;
  let piece = m._first;
  let p = m._start;
  let end = m._end;
  do {
    if (piece !== null) {
      p = piece._start;
      end = piece._end;
      if (piece._field != 0) {
        end = p;
        if ((changetype<Message>(piece)._flags & HIDDEN) == 0 && piece._field < 32 && (lengths >> piece._field) & 1) found = piece._field;
      }
      piece = piece._next;
    }
    while (p < end) {
      const t = readTag(p, end);
      p = after;
      if (p == 0) return 0;
      const field = t >> 3;
      if (field < 32) {
        const wire = t & 7;
        const members = wire == BYTES ? lengths : wire == VARINT ? varints : wire == FIXED64 ? fixed64s : 0;
        if ((members >> field) & 1) found = field;
      }
      p = skipValue(p, end, t);
      if (p == 0) return 0;
    }
  } while (piece !== null);
  return found;
}

export function hasField(m: Message, tag: u32): bool {
  return findLast(m, tag) != 0;
}

export function getVarint(m: Message, field: u32): u64 {
  const p = findLast(m, (field << 3) | VARINT);
  return p == 0 ? 0 : readVarint(p, foundEnd);
}

export function getFixed64(m: Message, field: u32): u64 {
  const p = findLast(m, (field << 3) | FIXED64);
  return p == 0 ? 0 : load<u64>(p);
}

export function getFixed32(m: Message, field: u32): u32 {
  const p = findLast(m, (field << 3) | FIXED32);
  return p == 0 ? 0 : load<u32>(p);
}

export function unzigzag(value: u64): i32 {
  return <i32>(<u32>value >> 1) ^ -(<i32>value & 1);
}

export function getDouble(m: Message, field: u32): f64 {
  return reinterpret<f64>(getFixed64(m, field));
}

/** End of what {@link getLength} found. */
export let valueEnd: usize = 0;

/** @returns where the content of a string or bytes field starts, up to {@link valueEnd}; both 0 if there is none */
export function getLength(m: Message, field: u32): usize {
  const p = findLast(m, (field << 3) | BYTES);
  if (p == 0) {
    valueEnd = 0;
    return 0;
  }
  const length = readLength(p, foundEnd);
  const start = after;
  valueEnd = start + length;
  return start;
}

/**
 * A singular message field. The handle is the same each time; it is empty, and not part of the result, as long as
 * the batch does not have the field and nothing is put into it. Several occurrences are merged.
 * @param others members of the oneof that it belongs to, as bits: each of them ends what stood before it; 0 for no oneof
 */
export function getMessage(m: Message, field: u32, others: u64): Message {
  open(m);
  const tag = (field << 3) | BYTES;
  let found: Message | null = null;
  let absent: Message | null = null;
  let piece = m._first;
  while (piece !== null) {
    if (piece._field != 0) {
      if (piece._field == field) {
        const message = changetype<Message>(piece);
        if ((message._flags & HIDDEN) == 0) found = found === null ? message : merge(found, message);
        else if ((message._flags & REMOVED) == 0) absent = message;
      } else if (piece._field < 64 && (others >> piece._field) & 1 && (changetype<Message>(piece)._flags & HIDDEN) == 0) {
        found = null;
      }
      piece = piece._next;
      continue;
    }
    let p = piece._start;
    const end = piece._end;
    while (p < end) {
      const tagStart = p;
      const t = readTag(p, end);
      p = after;
      if (p == 0) break;
      if (t != tag) {
        if (t >> 3 < 64 && (others >> (t >> 3)) & 1) found = null;
        p = skipValue(p, end, t);
        if (p == 0) break;
        continue;
      }
      const length = readLength(p, end);
      const start = after;
      if (start == 0) break;
      p = start + length;
      const message = newMessage(m, field, tagStart, start, p);
      splitOut(m, piece, tagStart, p, message);
      found = found === null ? message : merge(found, message);
    }
    piece = piece._next;
  }
  if (found !== null) return found;
  if (absent !== null) return absent;
  const message = newMessage(m, field, 0, m._end, m._end);
  message._flags = ABSENT;
  insertBefore(m, null, message);
  return message;
}

/** Two occurrences of a singular message are one message with the fields of both. The first handle stays. */
function merge(into: Message, from: Message): Message {
  open(into);
  open(from);
  let piece = from._first;
  while (piece !== null) {
    const next = piece._next;
    if (piece._field != 0) changetype<Message>(piece)._parent = into;
    insertBefore(into, null, piece);
    piece = next;
  }
  from._first = null;
  from._start = from._end;
  from._flags |= REMOVED;
  into._flags |= REBUILT;
  ++into._version;
  return into;
}

export function hasMessage(m: Message, field: u32): bool {
  let piece = m._first;
  while (piece !== null) {
    if (piece._field == field && (changetype<Message>(piece)._flags & HIDDEN) == 0) return true;
    piece = piece._next;
  }
  return findLast(m, (field << 3) | BYTES) != 0;
}

/**
 * Removes every occurrence of some fields.
 * @param fields their numbers (up to 63), as bits
 * @param wires the wire types that count, as bits: others are unknown fields and stay
 * @returns the piece in front of which the first of them stood; null for the end
 */
export function removeFields(m: Message, fields: u64, wires: u32): Piece | null {
  open(m);
  let place: Piece | null = null;
  let placed = false;
  let piece = m._first;
  while (piece !== null) {
    if (piece._field != 0) {
      if (piece._field < 64 && (fields >> piece._field) & 1 && (wires >> BYTES) & 1) {
        changetype<Message>(piece)._flags |= REMOVED;
        ++m._version;
        if (!placed) {
          placed = true;
          place = piece;
        }
      }
      piece = piece._next;
      continue;
    }
    let p = piece._start;
    const end = piece._end;
    while (p < end) {
      const tagStart = p;
      const t = readTag(p, end);
      p = after;
      if (p == 0) return place;
      p = skipValue(p, end, t);
      if (p == 0) return place;
      if (t >> 3 < 64 && (fields >> (t >> 3)) & 1 && (wires >> (t & 7)) & 1) {
        cut(m, piece, tagStart, p);
        if (!placed) {
          placed = true;
          place = piece;
        }
      }
    }
    piece = piece._next;
  }
  touch(m);
  return place;
}

const SCALARS: u32 = (1 << VARINT) | (1 << FIXED64) | (1 << BYTES) | (1 << FIXED32);

/** @param others numbers of the fields that this one replaces: itself and the other members of its oneof, as bits */
export function setVarint(m: Message, field: u32, others: u64, value: u64, implicit: bool): void {
  const place = removeFields(m, others, SCALARS);
  if (implicit && value == 0) return;
  const start = arenaAllocate(16);
  insertRaw(m, place, start, writeVarint(writeVarint(start, (field << 3) | VARINT), value));
}

export function setFixed64(m: Message, field: u32, others: u64, value: u64, implicit: bool): void {
  const place = removeFields(m, others, SCALARS);
  if (implicit && value == 0) return;
  const start = arenaAllocate(16);
  const p = writeVarint(start, (field << 3) | FIXED64);
  store<u64>(p, value);
  insertRaw(m, place, start, p + 8);
}

export function setFixed32(m: Message, field: u32, others: u64, value: u32, implicit: bool): void {
  const place = removeFields(m, others, SCALARS);
  if (implicit && value == 0) return;
  const start = arenaAllocate(12);
  const p = writeVarint(start, (field << 3) | FIXED32);
  store<u32>(p, value);
  insertRaw(m, place, start, p + 4);
}

export function setLength(m: Message, field: u32, others: u64, from: usize, size: usize, implicit: bool): void {
  const place = removeFields(m, others, SCALARS);
  if (implicit && size == 0) return;
  const start = arenaAllocate(size + 12);
  let p = writeVarint(writeVarint(start, (field << 3) | BYTES), size);
  memory.copy(p, from, size);
  insertRaw(m, place, start, p + size);
}

/** Replaces what `others` names by an empty message that is part of the result. */
export function setEmptyMessage(m: Message, field: u32, others: u64): Message {
  const place = removeFields(m, others, SCALARS);
  const message = newMessage(m, field, 0, m._end, m._end);
  insertBefore(m, place, message);
  touch(message);
  return message;
}
