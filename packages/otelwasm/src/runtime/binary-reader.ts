import { WasmError } from "./errors.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * A cursor over a part of a WebAssembly binary. Every read is checked against the part's end: hostile bytes give
 * `invalid_module` with the offset, never a read beyond the end, and never a loop longer than the bytes.
 * https://webassembly.github.io/spec/core/binary/values.html
 */
export class BinaryReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  offset: number;

  constructor(bytes: Uint8Array, offset = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
  }

  get done(): boolean {
    return this.offset >= this.end;
  }

  fail(what: string): never {
    throw new WasmError("invalid_module", `${what} at offset ${this.offset}`);
  }

  byte(): number {
    if (this.offset >= this.end) this.fail("unexpected end");
    return this.bytes[this.offset++]!;
  }

  peek(): number {
    if (this.offset >= this.end) this.fail("unexpected end");
    return this.bytes[this.offset]!;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 0x0f) this.fail("an integer is longer than 32 bits");
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    return this.fail("an integer is longer than 32 bits");
  }

  /** Limits of 64-bit memories: exact up to 2^53, which is beyond what any memory can have. */
  u64(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      if (shift === 63 && byte > 0x01) this.fail("an integer is longer than 64 bits");
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return this.fail("an integer is longer than 64 bits");
  }

  /** Passes a signed LEB128 integer of at most so many bits: 33 for a heap type. */
  skipSigned(bits: 32 | 33 | 64): void {
    for (let left = bits; left > 0; left -= 7) if (this.byte() < 0x80) return;
    this.fail(`an integer is longer than ${bits} bits`);
  }

  /** The number of a vector's elements. Each takes at least one byte, so that a count beyond the end is refused before the loop. */
  count(): number {
    const count = this.u32();
    if (count > this.end - this.offset) this.fail(`a vector of ${count} elements runs past its section`);
    return count;
  }

  /** A part of `size` bytes, which this reader then passes. */
  part(size: number): BinaryReader {
    if (size > this.end - this.offset) this.fail(`${size} bytes run past the end`);
    const part = new BinaryReader(this.bytes, this.offset, this.offset + size);
    this.offset += size;
    return part;
  }

  name(): string {
    const part = this.part(this.u32());
    try {
      return utf8.decode(this.bytes.subarray(part.offset, part.end));
    } catch (error) {
      throw new WasmError("invalid_module", `a name is not UTF-8 at offset ${part.offset}`, { cause: error });
    }
  }
}
