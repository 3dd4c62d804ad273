// A message is a node of the arena: a view on its slice of the batch, and, once something below it has been looked at
// as a message or changed, the list of pieces that its content consists of. A piece is either *raw* (bytes of whole
// fields, copied as they are, unknown fields included) or a message again. Removed messages stay in the list, hidden,
// so that whoever walks it keeps its place.
import { arenaAllocate } from "../memory/arena";
import { malformed } from "./error";
import { MAXIMUM_DEPTH } from "./read";

/** Something in it has changed, and so in every message above it. */
export const DIRTY: u32 = 1;
/** Nothing has changed, but the source's bytes are no longer in one place (a field that occurred twice was merged). */
export const REBUILT: u32 = 2;
/** A singular field that the batch does not have; it appears when something is put into it. */
export const ABSENT: u32 = 4;
export const REMOVED: u32 = 8;
/** A handle on it was given out for good: walking past it must not take it apart again. */
export const KEPT: u32 = 16;
export const HIDDEN: u32 = ABSENT | REMOVED;

@unmanaged
export class Piece {
  _next: Piece | null;
  _prev: Piece | null;
  /** The field's number of a message; 0 for a raw piece. */
  _field: u32;
  /** Raw: the bytes. Message: its content in the source, as long as `first` is null. */
  _start: usize;
  _end: usize;
}

@unmanaged
export class Message extends Piece {
  _parent: Message | null;
  /** Where the field's tag stands in the source, in front of `start`; 0 when tag and length must be written anew. */
  _tagStart: usize;
  _first: Piece | null;
  _last: Piece | null;
  /** The handles on repeated fields that were asked for: a list of `Slice`. */
  _slices: usize;
  /** After moving: the hidden piece that marks the old place. */
  _tombstone: Message | null;
  /** Size of the content in the result, between the two passes of encoding. */
  _size: usize;
  _flags: u32;
  _depth: u32;
  /** Grows whenever the number of messages below changes. */
  _version: u32;
}

let spare: Message | null = null;

export function newMessage(parent: Message | null, field: u32, tagStart: usize, start: usize, end: usize): Message {
  let m = spare;
  if (m === null) m = changetype<Message>(arenaAllocate(offsetof<Message>()));
  else spare = null;
  m._next = null;
  m._prev = null;
  m._field = field;
  m._start = start;
  m._end = end;
  m._parent = parent;
  m._tagStart = tagStart;
  m._first = null;
  m._last = null;
  m._slices = 0;
  m._tombstone = null;
  m._size = 0;
  m._flags = 0;
  m._depth = parent === null ? 0 : parent._depth + 1;
  m._version = 0;
  if (m._depth > MAXIMUM_DEPTH) {
    malformed("messages are nested more than 100 deep", start);
    m._start = m._end;
  }
  return m;
}

function newRaw(start: usize, end: usize): Piece {
  const piece = changetype<Piece>(arenaAllocate(offsetof<Piece>()));
  piece._next = null;
  piece._prev = null;
  piece._field = 0;
  piece._start = start;
  piece._end = end;
  return piece;
}

/** Turns the content into a list of pieces, if it is not one yet. */
export function open(m: Message): void {
  if (m._first !== null) return;
  const raw = newRaw(m._start, m._end);
  m._first = raw;
  m._last = raw;
}

/** Marks the path up to the root as changed. */
export function touch(m: Message): void {
  let each: Message | null = m;
  while (each !== null && (each._flags & DIRTY) == 0) {
    each._flags = (each._flags | DIRTY) & ~ABSENT;
    each = each._parent;
  }
}

/** Links `piece` into the list of `m`, in front of `before`; at the end if that is null. */
export function insertBefore(m: Message, before: Piece | null, piece: Piece): void {
  const prev = before === null ? m._last : before._prev;
  piece._prev = prev;
  piece._next = before;
  if (prev === null) m._first = piece;
  else prev._next = piece;
  if (before === null) m._last = piece;
  else before._prev = piece;
}

/** Puts `by` into the place of `piece`. */
export function replacePiece(m: Message, piece: Piece, by: Piece): void {
  const prev = piece._prev;
  const next = piece._next;
  by._prev = prev;
  by._next = next;
  if (prev === null) m._first = by;
  else prev._next = by;
  if (next === null) m._last = by;
  else next._prev = by;
}

/** Puts a message into the place of the bytes from `a` to `b` of a raw piece, which goes on to stand for the rest. */
export function splitOut(m: Message, raw: Piece, a: usize, b: usize, by: Piece): void {
  if (a != raw._start) insertBefore(m, raw, newRaw(raw._start, a));
  raw._start = b;
  insertBefore(m, raw, by);
}

/** Takes the bytes from `a` to `b` out of a raw piece, which goes on to stand for the rest. */
export function cut(m: Message, raw: Piece, a: usize, b: usize): void {
  if (a != raw._start) insertBefore(m, raw, newRaw(raw._start, a));
  raw._start = b;
}

/** Adds bytes of whole fields, in front of `before` or at the end, and marks the path as changed. */
export function insertRaw(m: Message, before: Piece | null, start: usize, end: usize): void {
  open(m);
  insertBefore(m, before, newRaw(start, end));
  touch(m);
}

/**
 * Gives a message back to the raw bytes that it stood out of, if nobody has done anything with it: walking over
 * attributes then leaves no trace. Its handle is not valid any more. @returns the piece that follows
 */
export function foldBack(m: Message): Piece | null {
  const next = m._next;
  if (m._flags != 0 || m._first !== null || m._slices != 0 || m._tagStart == 0) return next;
  const parent = m._parent!;
  const prev = m._prev;
  if (prev !== null && prev._field == 0 && prev._end == m._tagStart) {
    prev._end = m._end;
    prev._next = next;
    if (next === null) parent._last = prev;
    else next._prev = prev;
    spare = m;
  } else {
    m._field = 0;
    m._start = m._tagStart;
  }
  return next;
}

/**
 * {@link foldBack} and making the next message of the same field, in one step, for the usual case: the next one stands
 * right behind. @returns whether that was the case; the handle then is the next message
 */
export function slide(m: Message, tag: u32): bool {
  const prev = m._prev;
  const rest = m._next;
  if (m._flags != 0 || m._first !== null || m._slices != 0 || prev === null || rest === null) return false;
  if ((prev._field | rest._field) != 0 || prev._end != m._tagStart || rest._start != m._end || rest._start >= rest._end) return false;
  const tagStart = rest._start;
  const length = <usize>load<u8>(tagStart, 1);
  const start = tagStart + 2;
  const end = start + length;
  if (<u32>load<u8>(tagStart) != tag || length >= 0x80 || end > rest._end) return false;
  prev._end = tagStart;
  m._tagStart = tagStart;
  m._start = start;
  m._end = end;
  rest._start = end;
  return true;
}

/** The arena is reset: what lived in it is gone. */
export function forgetSpare(): void {
  spare = null;
}

/** Hides a message from its list. */
export function removeMessage(m: Message): void {
  if (m._flags & HIDDEN) return;
  const parent = m._parent;
  m._flags |= REMOVED;
  if (parent === null) return;
  ++parent._version;
  touch(parent);
}

/** Moves a message to the end of another's content, as its field `field`. */
export function moveMessage(m: Message, to: Message, field: u32): void {
  for (let each: Message | null = to; each !== null; each = each._parent) {
    if (each === m) abort("a message cannot be moved into itself");
  }
  const from = m._parent;
  if (from === null) abort("the batch itself cannot be moved");
  const tombstone = newMessage(from, m._field, 0, m._start, m._start);
  tombstone._flags = REMOVED;
  replacePiece(from!, m, tombstone);
  m._tombstone = tombstone;
  if ((m._flags & REMOVED) == 0) {
    ++from!._version;
    touch(from!);
  }
  if (m._field != field) m._tagStart = 0;
  m._flags &= ~HIDDEN;
  m._field = field;
  m._parent = to;
  m._depth = to._depth + 1;
  open(to);
  insertBefore(to, null, m);
  ++to._version;
  touch(to);
}
