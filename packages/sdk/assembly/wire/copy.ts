import { arenaAllocate } from "../memory/arena";
import { contentSize, writeContent } from "./encode";
import { insertBefore, Message, newMessage, open, touch } from "./message";

/** Adds a copy of a message to the end of another's content, as its field `field`. */
export function copyMessage(m: Message, to: Message, field: u32): Message {
  let start = m._start;
  let end = m._end;
  if (m._first !== null) {
    const size = contentSize(m);
    start = arenaAllocate(size);
    end = writeContent(m, start);
  }
  open(to);
  const copy = newMessage(to, field, 0, start, end);
  insertBefore(to, null, copy);
  ++to._version;
  touch(copy);
  return copy;
}
