import { arenaAllocate } from "../memory/arena";
import { contentSize, writeContent } from "./encode";
import { insertBefore, Message, newMessage, open, touch } from "./message";

let copyEnd: usize = 0;

/** @returns where the content of a message stands in one piece, up to {@link copyEnd} */
function flatten(m: Message): usize {
  if (m._first === null) {
    copyEnd = m._end;
    return m._start;
  }
  const start = arenaAllocate(contentSize(m));
  copyEnd = writeContent(m, start);
  return start;
}

/** Adds a copy of a message to the end of another's content, as its field `field`. */
export function copyMessage(m: Message, to: Message, field: u32): Message {
  const start = flatten(m);
  const copy = newMessage(to, field, 0, start, copyEnd);
  open(to);
  insertBefore(to, null, copy);
  ++to._version;
  touch(copy);
  return copy;
}

/** Replaces the content of a message by a copy of another's. Handles on what was in it are not part of it any more. */
export function copyContent(from: Message, to: Message): void {
  const start = flatten(from);
  to._first = null;
  to._last = null;
  to._start = start;
  to._end = copyEnd;
  ++to._version;
  touch(to);
}
