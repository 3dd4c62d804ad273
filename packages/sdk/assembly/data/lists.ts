// Repeated numbers and texts. Numbers may be packed or not, in any mixture; what is written is packed.
import { arenaAllocate } from "../memory/arena";
import { insertRaw, Message, Piece } from "../wire/message";
import { removeFields } from "../wire/fields";
import { after, BYTES, FIXED64, readLength, readTag, readVarint, skipValue, VARINT } from "../wire/read";
import { varintSize, writeVarint } from "../wire/write";
import { newUtf8, Utf8 } from "./bytes";
import { encodeText, textEnd } from "./text";

/** The values of a repeated field, read afresh from the batch each time they are asked for. */
@unmanaged
class List {
  owner: Message;
  field: u32;

  protected clear(): Piece | null {
    return removeFields(this.owner, <u64>1 << this.field, (1 << VARINT) | (1 << FIXED64) | (1 << BYTES));
  }

  protected write(place: Piece | null, start: usize, end: usize): void {
    insertRaw(this.owner, place, start, end);
  }
}

/** The handle on a repeated field of numbers or texts. */
export function listOf<L>(owner: Message, field: u32): L {
  const list = changetype<List>(arenaAllocate(offsetof<List>()));
  list.owner = owner;
  list.field = field;
  return changetype<L>(list);
}

/** Walks the occurrences of a field: `from` to `to` is one value, or several that are packed. */
@unmanaged
class Occurrences {
  field: u32;
  wire: u32;
  from: usize;
  to: usize;
  piece: Piece | null;
  p: usize;
  end: usize;

  next(): bool {
    while (true) {
      while (this.p < this.end) {
        const tag = readTag(this.p, this.end);
        if (after == 0) return this.stop();
        const start = after;
        const next = skipValue(start, this.end, tag);
        if (next == 0) return this.stop();
        this.p = next;
        if (tag >> 3 != this.field) continue;
        this.wire = tag & 7;
        this.from = start;
        this.to = next;
        if (this.wire == BYTES) {
          readLength(start, this.end);
          this.from = after;
        }
        return true;
      }
      const piece = this.piece;
      if (piece === null) return false;
      this.p = piece._start;
      this.end = piece._field == 0 ? piece._end : this.p;
      this.piece = piece._next;
    }
  }

  private stop(): bool {
    this.p = this.end;
    this.piece = null;
    return false;
  }
}

function occurrencesOf(list: List): Occurrences {
  const each = changetype<Occurrences>(arenaAllocate(offsetof<Occurrences>()));
  const owner = list.owner;
  each.field = list.field;
  each.piece = owner._first;
  each.p = owner._start;
  each.end = owner._first === null ? owner._end : owner._start;
  return each;
}

/** 64 bit numbers of fixed size: `f64`, `u64` or `i64`. */
@unmanaged
export class FixedList<T> extends List {
  get length(): i32 {
    let size: usize = 0;
    const each = occurrencesOf(this);
    while (each.next()) if (each.wire == BYTES || each.wire == FIXED64) size += (each.to - each.from) & ~7;
    return <i32>(size >> 3);
  }

  toArray(): T[] {
    const values = new Array<T>();
    const each = occurrencesOf(this);
    while (each.next()) {
      if (each.wire != BYTES && each.wire != FIXED64) continue;
      for (let p = each.from; p + 8 <= each.to; p += 8) values.push(load<T>(p));
    }
    return values;
  }

  /** Replaces all values. */
  set(values: T[]): void {
    const place = this.clear();
    if (values.length == 0) return;
    const size = values.length * 8;
    const start = arenaAllocate(size + 12);
    let p = writeVarint(writeVarint(start, (this.field << 3) | BYTES), size);
    for (let i = 0; i < values.length; ++i) {
      store<T>(p, values[i]);
      p += 8;
    }
    this.write(place, start, p);
  }
}

/** 64 bit numbers of varying size. */
@unmanaged
export class VarintList extends List {
  get length(): i32 {
    let count = 0;
    const each = occurrencesOf(this);
    while (each.next()) {
      if (each.wire != BYTES && each.wire != VARINT) continue;
      for (let p = each.from; p < each.to; ++p) if (load<u8>(p) < 0x80) ++count;
    }
    return count;
  }

  toArray(): u64[] {
    const values = new Array<u64>();
    const each = occurrencesOf(this);
    while (each.next()) {
      if (each.wire != BYTES && each.wire != VARINT) continue;
      let p = each.from;
      while (p < each.to) {
        values.push(readVarint(p, each.to));
        p = after;
        if (p == 0) return values;
      }
    }
    return values;
  }

  /** Replaces all values. */
  set(values: u64[]): void {
    const place = this.clear();
    if (values.length == 0) return;
    let size: usize = 0;
    for (let i = 0; i < values.length; ++i) size += varintSize(values[i]);
    const start = arenaAllocate(size + 12);
    let p = writeVarint(writeVarint(start, (this.field << 3) | BYTES), size);
    for (let i = 0; i < values.length; ++i) p = writeVarint(p, values[i]);
    this.write(place, start, p);
  }
}

/** Texts. */
@unmanaged
export class TextList extends List {
  get length(): i32 {
    let count = 0;
    const each = occurrencesOf(this);
    while (each.next()) if (each.wire == BYTES) ++count;
    return count;
  }

  toArray(): string[] {
    const values = new Array<string>();
    const each = occurrencesOf(this);
    while (each.next()) if (each.wire == BYTES) values.push(newUtf8(each.from, each.to).toString());
    return values;
  }

  append(value: string): void {
    const from = encodeText(value);
    const size = textEnd - from;
    const start = arenaAllocate(size + 12);
    const p = writeVarint(writeVarint(start, (this.field << 3) | BYTES), size);
    memory.copy(p, from, size);
    this.write(null, start, p + size);
  }

  /** Replaces all values. */
  set(values: string[]): void {
    this.clear();
    for (let i = 0; i < values.length; ++i) this.append(values[i]);
  }
}
