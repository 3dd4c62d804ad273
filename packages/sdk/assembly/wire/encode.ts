// Encoding what has changed: one pass for the sizes, one for the bytes. Only messages on the path of a change are
// visited; every other one is copied with its tag and length, together with its neighbours where they touch.
import { DIRTY, HIDDEN, Message, Piece, REBUILT } from "./message";
import { copyBytes, varintSize, writeVarint } from "./write";

/** Computes and remembers the size of the content in the result. */
export function contentSize(m: Message): usize {
  let piece = m._first;
  if (piece === null) return (m._size = m._end - m._start);
  let size: usize = 0;
  do {
    size += piece._field == 0 ? piece._end - piece._start : fieldSize(changetype<Message>(piece));
    piece = piece._next;
  } while (piece !== null);
  return (m._size = size);
}

function fieldSize(m: Message): usize {
  if (m._flags & HIDDEN) return 0;
  if (isVerbatim(m)) return m._end - m._tagStart;
  const size = contentSize(m);
  return varintSize((m._field << 3) | 2) + varintSize(size) + size;
}

// @ts-ignore: decorator
@inline
function isVerbatim(m: Message): bool {
  return (m._flags & (DIRTY | REBUILT)) == 0 && m._tagStart != 0;
}

/** Writes the content, after {@link contentSize}. @returns the position after it */
export function writeContent(m: Message, to: usize): usize {
  let piece = m._first;
  if (piece === null) return copyBytes(to, m._start, m._end - m._start);
  // Neighbours in the source are copied in one go.
  let from: usize = 0;
  let until: usize = 0;
  do {
    if (piece._field == 0) {
      if (piece._start != until) {
        if (from != until) to = copyBytes(to, from, until - from);
        from = piece._start;
      }
      until = piece._end;
    } else {
      const message = changetype<Message>(piece);
      if ((message._flags & HIDDEN) == 0) {
        if (isVerbatim(message)) {
          if (message._tagStart != until) {
            if (from != until) to = copyBytes(to, from, until - from);
            from = message._tagStart;
          }
          until = message._end;
        } else {
          if (from != until) to = copyBytes(to, from, until - from);
          from = 0;
          until = 0;
          to = writeVarint(to, (message._field << 3) | 2);
          to = writeVarint(to, message._size);
          to = writeContent(message, to);
        }
      }
    }
    piece = piece._next;
  } while (piece !== null);
  return from != until ? copyBytes(to, from, until - from) : to;
}
