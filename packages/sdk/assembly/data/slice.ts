import { arenaAllocate } from "../memory/arena";
import { foldBack, HIDDEN, KEPT, Message, moveMessage, newMessage, open, Piece, insertBefore, splitOut, touch, removeMessage, slide } from "../wire/message";
import { after, BYTES, readLength, readTag, skipValue } from "../wire/read";

/**
 * The messages of a repeated field: `for (const span of scopeSpans.spans)`. Messages stay where they are; removing
 * and moving one while walking is allowed, and does not disturb the walk.
 */
@unmanaged
export class Slice<T> {
  owner: Message;
  field: u32;
  /** The next handle of the same owner. */
  following: usize;
  /** Where `at` was last, so that counting loops are not quadratic. */
  near: Message | null;
  nearIndex: i32;
  version: u32;
  count: i32;
  /** Whether walking gives messages that nobody touched back to the bytes: for attributes, which are many. */
  folding: bool;

  /** Used by `for (const item of slice)`. */
  iterator(): SliceIterator<T> {
    const it = changetype<SliceIterator<T>>(arenaAllocate(offsetof<SliceIterator<T>>()));
    it.owner = this.owner;
    it.field = this.field;
    it.current = null;
    it.folding = this.folding;
    it.fresh = false;
    return it;
  }

  /** How many there are. Counts without looking into them. */
  get length(): i32 {
    if (this.count >= 0 && this.version == this.owner._version) return this.count;
    this.refresh();
    return (this.count = countMessages(this.owner, this.field));
  }

  /** @returns the message at `index`; traps when there is none */
  at(index: i32): T {
    this.refresh();
    let current = this.near;
    let i = this.nearIndex;
    if (current === null || i > index || current._parent !== this.owner || (current._flags & HIDDEN) != 0) {
      current = null;
      i = -1;
    }
    while (i < index) {
      current = nextMessage(this.owner, this.field, current);
      if (current === null) break;
      ++i;
    }
    if (current === null || index < 0) abort("a slice has no element " + index.toString());
    const found = current!;
    found._flags |= KEPT;
    this.near = found;
    this.nearIndex = i;
    return changetype<T>(found);
  }

  /** Adds an empty message at the end. */
  appendEmpty(): T {
    const owner = this.owner;
    open(owner);
    const message = newMessage(owner, this.field, 0, owner._end, owner._end);
    insertBefore(owner, null, message);
    ++owner._version;
    touch(message);
    return changetype<T>(message);
  }

  /** Removes every message for which `condition` answers true. */
  removeIf(condition: (item: T) => bool): void {
    let current = nextMessage(this.owner, this.field, null);
    while (current !== null) {
      if (condition(changetype<T>(current))) removeMessage(current);
      current = nextMessage(this.owner, this.field, current);
    }
  }

  /** Moves all messages to the end of another slice of the same kind; this one is empty afterwards. */
  moveAllTo(to: Slice<T>): void {
    if (to.owner === this.owner && to.field == this.field) return;
    let current = nextMessage(this.owner, this.field, null);
    while (current !== null) {
      moveMessage(current, to.owner, to.field);
      current = nextMessage(this.owner, this.field, current);
    }
  }

  private refresh(): void {
    if (this.version == this.owner._version) return;
    this.version = this.owner._version;
    this.near = null;
    this.nearIndex = -1;
    this.count = -1;
  }
}

@unmanaged
export class SliceIterator<T> {
  owner: Message;
  field: u32;
  current: Message | null;
  folding: bool;
  /** Whether this walk made the message that it stands at. */
  fresh: bool;

  /** Goes on to the next message. @returns false at the end */
  next(): bool {
    const current = this.current;
    let found: Message | null;
    if (this.folding && this.fresh && current !== null && current._parent === this.owner) {
      if (slide(current, (this.field << 3) | BYTES)) return true;
      found = findMessage(this.owner, this.field, foldBack(current));
    } else found = nextMessage(this.owner, this.field, current);
    this.current = found;
    this.fresh = made;
    return found !== null;
  }

  get value(): T {
    return changetype<T>(this.current);
  }
}

/** The handle on a repeated field of `owner`: the same one each time. */
export function sliceOf<S>(owner: Message, field: u32): S {
  let each = owner._slices;
  while (each != 0) {
    const slice = changetype<Slice<Message>>(each);
    if (slice.field == field) return changetype<S>(each);
    each = slice.following;
  }
  const slice = changetype<Slice<Message>>(arenaAllocate(offsetof<Slice<Message>>()));
  slice.owner = owner;
  slice.field = field;
  slice.following = owner._slices;
  slice.near = null;
  slice.nearIndex = -1;
  slice.version = owner._version;
  slice.count = -1;
  slice.folding = false;
  owner._slices = changetype<usize>(slice);
  return changetype<S>(slice);
}

/** @returns the message of the field that follows `current`, or the first one */
export function nextMessage(owner: Message, field: u32, current: Message | null): Message | null {
  let piece: Piece | null;
  if (current === null) {
    open(owner);
    piece = owner._first;
  } else {
    if (current._parent !== owner) {
      // It was moved away meanwhile: go on from the mark that it left.
      const tombstone = current._tombstone;
      if (tombstone === null || tombstone._parent !== owner) {
        abort("a message was moved twice while its slice was walked");
        return null;
      }
      current = tombstone;
    }
    piece = current._next;
  }
  return findMessage(owner, field, piece);
}

/** Whether {@link findMessage} made the message that it answered last. */
let made = false;

/** @returns the first message of the field at or after `piece` */
function findMessage(owner: Message, field: u32, piece: Piece | null): Message | null {
  made = false;
  const tag = (field << 3) | BYTES;
  while (piece !== null) {
    if (piece._field != 0) {
      if (piece._field == field && (changetype<Message>(piece)._flags & HIDDEN) == 0) return changetype<Message>(piece);
      piece = piece._next;
      continue;
    }
    let p = piece._start;
    const end = piece._end;
    while (p < end) {
      const tagStart = p;
      let t = <u32>load<u8>(p);
      if (t < 0x80) ++p;
      else {
        t = readTag(p, end);
        p = after;
        if (p == 0) return null;
      }
      if (t != tag) {
        p = skipValue(p, end, t);
        if (p == 0) return null;
        continue;
      }
      const length = readLength(p, end);
      const start = after;
      if (start == 0) return null;
      const message = newMessage(owner, field, tagStart, start, start + length);
      splitOut(owner, piece, tagStart, start + length, message);
      made = true;
      return message;
    }
    piece = piece._next;
  }
  return null;
}

function countMessages(owner: Message, field: u32): i32 {
  const tag = (field << 3) | BYTES;
  let count = 0;
  let piece = owner._first;
  let p = owner._start;
  let end = owner._end;
  do {
    if (piece !== null) {
      p = piece._start;
      end = piece._end;
      if (piece._field != 0) {
        end = p;
        if (piece._field == field && (changetype<Message>(piece)._flags & HIDDEN) == 0) ++count;
      }
      piece = piece._next;
    }
    while (p < end) {
      const t = readTag(p, end);
      p = after;
      if (p == 0) return count;
      if (t == tag) ++count;
      p = skipValue(p, end, t);
      if (p == 0) return count;
    }
  } while (piece !== null);
  return count;
}
