import type { Message } from "./schema.ts";
import { walkField } from "./walk.ts";
import { WireType } from "./writer.ts";

const NO_FIELDS: Message = { name: "", fields: [], byNumber: [], byName: new Map() };

/**
 * Reads the fields of one message one after the other, without decoding what nobody asks for. It expects well-formed bytes
 * (`validateOtlp`); at anything else it stops and says so in `malformed`, and it never reads outside of its range.
 */
export class FieldReader {
  readonly bytes: Uint8Array;
  /** Of the current field. */
  number = 0;
  wireType = 0;
  /** Where the current field's content begins: after its tag, and after its length if it has one. */
  start = 0;
  /** Where the current field ends, and the next one begins. */
  end: number;
  malformed = false;
  #limit: number;

  /**
   * @param from where the message begins
   * @param limit where it ends
   */
  constructor(bytes: Uint8Array, from: number = 0, limit: number = bytes.length) {
    this.bytes = bytes;
    this.end = from;
    this.#limit = limit;
  }

  /** Begins with another message of the same bytes. */
  reset(from: number, limit: number): void {
    this.end = from;
    this.#limit = limit;
    this.malformed = false;
  }

  /** Goes on to the next field. @returns false after the last one */
  next(): boolean {
    const { bytes } = this;
    const limit = this.#limit;
    let position = this.end;
    if (position >= limit) return false;
    let tag = bytes[position++]!;
    if (tag >= 0x80) {
      let shift = 7;
      let byte = 0x80;
      for (tag &= 0x7f; byte >= 0x80 && position < limit && shift < 35; shift += 7) {
        byte = bytes[position++]!;
        tag |= (byte & 0x7f) << shift;
      }
      tag >>>= 0;
    }
    this.number = tag >>> 3;
    this.wireType = tag & 7;
    this.start = position;
    switch (this.wireType) {
      case WireType.VARINT:
        while (position < limit && bytes[position]! >= 0x80) position++;
        position++;
        break;
      case WireType.I64:
        position += 8;
        break;
      case WireType.LEN: {
        let length = 0x80;
        if (position < limit) length = bytes[position++]!;
        if (length >= 0x80) {
          length &= 0x7f;
          let byte = 0x80;
          // Not by shifting: a malformed length must not become negative.
          for (let scale = 0x80; byte >= 0x80 && position < limit && scale <= 2 ** 28; scale *= 0x80) {
            byte = bytes[position++]!;
            length += (byte & 0x7f) * scale;
          }
          if (byte >= 0x80) length = Number.POSITIVE_INFINITY;
        }
        this.start = position;
        position += length;
        break;
      }
      case WireType.I32:
        position += 4;
        break;
      default: {
        const next = walkField(bytes, this.end, limit, NO_FIELDS, 0);
        position = next < 0 ? Number.POSITIVE_INFINITY : next;
      }
    }
    if (position > limit || this.number === 0) {
      this.malformed = true;
      this.end = limit;
      return false;
    }
    this.end = position;
    return true;
  }

  /** Goes on to the next number of a packed run, which has neither tag nor length. @returns false after the last one */
  nextElement(wireType: WireType): boolean {
    const limit = this.#limit;
    let position = this.end;
    if (position >= limit) return false;
    this.start = position;
    if (wireType === WireType.VARINT) {
      while (position < limit && this.bytes[position]! >= 0x80) position++;
      position++;
    } else {
      position += wireType === WireType.I64 ? 8 : 4;
    }
    if (position > limit) {
      this.malformed = true;
      this.end = limit;
      return false;
    }
    this.end = position;
    return true;
  }

  /** The current field's varint, modulo 2^64. */
  varint(): bigint {
    // Nearly all of them fit into a number.
    if (this.end - this.start <= 7) {
      let small = 0;
      for (let at = this.end - 1; at >= this.start; at--) small = small * 0x80 + (this.bytes[at]! & 0x7f);
      return BigInt(small);
    }
    let value = 0n;
    for (let at = Math.min(this.end, this.start + 10) - 1; at >= this.start; at--)
      value = (value << 7n) | BigInt(this.bytes[at]! & 0x7f);
    return BigInt.asUintN(64, value);
  }

  /** The current field's varint, modulo 2^32, from -2^31 on. */
  varint32(): number {
    let value = 0;
    for (let at = this.start, shift = 0; at < this.end && shift < 32; at++, shift += 7)
      value |= (this.bytes[at]! & 0x7f) << shift;
    return value;
  }
}
