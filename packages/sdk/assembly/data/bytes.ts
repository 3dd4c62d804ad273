import { arenaAllocate } from "../memory/arena";
import { sameBytes } from "../wire/read";
import { encodeText, textEnd } from "./text";

const HEX = "0123456789abcdef";

/**
 * Bytes of the batch, where they stand: nothing is copied until asked for. Valid until `process…` returns.
 * A text field is a {@link Utf8}.
 */
@unmanaged
export class Bytes {
  start: usize;
  end: usize;

  /** Copies an array's bytes into the batch. */
  static from(array: Uint8Array): Bytes {
    const start = arenaAllocate(array.length);
    memory.copy(start, array.dataStart, array.length);
    return newBytes(start, start + array.length);
  }

  /** @param hex an even number of hexadecimal digits; anything else ends the bytes there */
  static fromHex(hex: string): Bytes {
    const start = arenaAllocate(hex.length >> 1);
    let p = start;
    for (let i = 0; i + 1 < hex.length; i += 2) {
      const high = digit(hex.charCodeAt(i));
      const low = digit(hex.charCodeAt(i + 1));
      if ((high | low) < 0) break;
      store<u8>(p++, (high << 4) | low);
    }
    return newBytes(start, p);
  }

  get length(): i32 {
    return <i32>(this.end - this.start);
  }

  get isEmpty(): bool {
    return this.start == this.end;
  }

  /** The byte at `index`; 0 outside. */
  at(index: i32): u8 {
    return <u32>index < <u32>this.length ? load<u8>(this.start + index) : 0;
  }

  equals(other: Bytes): bool {
    const size = this.end - this.start;
    return size == other.end - other.start && sameBytes(this.start, other.start, size);
  }

  toHex(): string {
    let text = "";
    for (let p = this.start; p < this.end; ++p) {
      const byte = load<u8>(p);
      text += HEX.charAt(byte >> 4) + HEX.charAt(byte & 15);
    }
    return text;
  }

  toArray(): Uint8Array {
    const array = new Uint8Array(this.length);
    memory.copy(array.dataStart, this.start, this.length);
    return array;
  }
}

/** Text of the batch as its UTF-8 bytes: compared without being decoded. Valid until `process…` returns. */
@unmanaged
export class Utf8 extends Bytes {
  /** @returns a view on the text's UTF-8 bytes; a string that was seen in this batch is not encoded again */
  static of(text: string): Utf8 {
    const start = encodeText(text);
    return changetype<Utf8>(newBytes(start, textEnd));
  }

  equalsString(text: string): bool {
    const start = encodeText(text);
    const size = this.end - this.start;
    return size == textEnd - start && sameBytes(this.start, start, size);
  }

  startsWith(text: string): bool {
    const start = encodeText(text);
    const size = textEnd - start;
    return size <= this.end - this.start && sameBytes(this.start, start, size);
  }

  endsWith(text: string): bool {
    const start = encodeText(text);
    const size = textEnd - start;
    return size <= this.end - this.start && sameBytes(this.end - size, start, size);
  }

  includes(text: string): bool {
    const start = encodeText(text);
    const size = textEnd - start;
    if (size == 0) return true;
    const first = load<u8>(start);
    for (let p = this.start; p + size <= this.end; ++p) {
      if (load<u8>(p) == first && sameBytes(p, start, size)) return true;
    }
    return false;
  }

  toString(): string {
    return String.UTF8.decodeUnsafe(this.start, this.end - this.start);
  }
}

export function newBytes(start: usize, end: usize): Bytes {
  const bytes = changetype<Bytes>(arenaAllocate(offsetof<Bytes>()));
  bytes.start = start;
  bytes.end = end;
  return bytes;
}

export function newUtf8(start: usize, end: usize): Utf8 {
  return changetype<Utf8>(newBytes(start, end));
}

function digit(code: i32): i32 {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  code |= 0x20;
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1;
}
