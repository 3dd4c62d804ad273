import type { Signal } from "./batch.ts";
import { decodeSlots, malformed } from "./decode.ts";
import { FieldReader } from "./fields.ts";
import { doubleText, messageText } from "./json-text.ts";
import { type Field, MAX_DEPTH, type Message, rootOf } from "./schema.ts";
import { WireType } from "./writer.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const HEX_DIGITS = Buffer.from("0123456789abcdef");
/** Text of up to this length is copied byte by byte: a call would take longer. */
const SHORT = 64;

/**
 * Writes JSON while it reads protobuf: strings are copied from buffer to buffer and nothing is decoded in between. A repeated field
 * may stand in several places, for whoever appends an attribute appends it at the end; but a singular one that is there twice
 * needs a decoder that merges.
 */
class JsonEncoder {
  readonly #bytes: Buffer;
  #out: Buffer;
  #size = 0;
  /** One for each depth. */
  readonly #readers: FieldReader[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#out = Buffer.allocUnsafeSlow(Math.max(1024, bytes.length * 3));
  }

  finish(): string {
    return this.#out.toString("utf8", 0, this.#size);
  }

  /** @returns false when a singular field, or a oneof, is there twice: then nothing that was written counts */
  message(message: Message, from: number, to: number, depth: number): boolean {
    if (depth > MAX_DEPTH) throw malformed(message, `nested deeper than ${MAX_DEPTH} messages`);
    const reader = this.#reader(depth, from, to);
    this.#reserve(1);
    this.#out[this.#size++] = 0x7b;
    const begin = this.#size;
    // A bit for each field that was there; no message of OTLP has 31 fields.
    let seen = 0;
    let oneof = false;
    while (reader.next()) {
      const field = message.byNumber[reader.number];
      if (field === undefined) continue;
      const bit = 1 << field.index;
      if ((seen & bit) !== 0 || (oneof && field.oneof !== undefined)) {
        // All of a repeated field was written where it was first seen.
        if (field.repeated) continue;
        return false;
      }
      seen |= bit;
      oneof ||= field.oneof !== undefined;
      const at = this.#size;
      if (at > begin) this.#ascii(",", false);
      if (field.repeated) {
        if (!this.#repeated(message, field, reader, to, depth)) return false;
      } else if (isDefault(field, this.#bytes, reader)) {
        this.#size = at;
      } else {
        this.#key(field);
        if (!this.#value(message, field, reader, depth)) return false;
      }
    }
    if (reader.malformed) throw malformed(message, "a field runs past its end");
    this.#ascii("}", false);
    return true;
  }

  /** Everything of the repeated field that `reader` stands at; it is left at the last one of the first run. */
  #repeated(message: Message, field: Field, reader: FieldReader, to: number, depth: number): boolean {
    const begin = this.#size;
    this.#key(field);
    this.#ascii("[", false);
    const first = this.#size;
    if (!this.#element(message, field, reader, depth, first)) return false;
    const rest = new FieldReader(this.#bytes, reader.end, to);
    for (let run = true; rest.next(); ) {
      if (rest.number !== field.number) {
        run = false;
        continue;
      }
      if (!this.#element(message, field, rest, depth, first)) return false;
      if (run) reader.reset(rest.end, to);
    }
    if (rest.malformed) throw malformed(message, "a field runs past its end");
    if (this.#size > first) {
      this.#ascii("]", false);
      return true;
    }
    // Empty packed runs only: as if the field were not there, with the comma that stands before it.
    this.#size = begin;
    if (this.#out[begin - 1] === COMMA) this.#size--;
    return true;
  }

  /** One element, or a run of packed ones, and the comma before it unless it is the first. */
  #element(message: Message, field: Field, reader: FieldReader, depth: number, first: number): boolean {
    if (!field.packed || reader.wireType !== WireType.LEN) {
      if (this.#size > first) this.#ascii(",", false);
      return this.#value(message, field, reader, depth);
    }
    const run = new FieldReader(this.#bytes, reader.start, reader.end);
    while (run.nextElement(field.wireType)) {
      if (this.#size > first) this.#ascii(",", false);
      this.#number(field, run);
    }
    if (run.malformed) throw malformed(message, `${field.name}: the packed numbers run past their end`);
    return true;
  }

  #reader(depth: number, from: number, to: number): FieldReader {
    let reader = this.#readers[depth];
    if (reader === undefined) {
      reader = new FieldReader(this.#bytes, from, to);
      this.#readers.push(reader);
    } else {
      reader.reset(from, to);
    }
    return reader;
  }

  #value(message: Message, field: Field, reader: FieldReader, depth: number): boolean {
    if (reader.wireType !== field.wireType)
      throw malformed(message, `${field.name}: expected wire type ${field.wireType}, got ${reader.wireType}`);
    const { start, end } = reader;
    if (field.message !== undefined) return this.message(field.message, start, end, depth + 1);
    if (field.kind === "string") this.#string(start, end);
    else if (field.isId) this.#hex(start, end);
    else if (field.kind === "bytes") this.#ascii(`"${this.#bytes.toString("base64", start, end)}"`, false);
    else this.#number(field, reader);
    return true;
  }

  #number(field: Field, reader: FieldReader): void {
    this.#ascii(this.#numberText(field, reader), false);
  }

  #numberText(field: Field, reader: FieldReader): string {
    const { start } = reader;
    switch (field.kind) {
      case "bool":
        return isZero(this.#bytes, reader) ? "false" : "true";
      case "double":
        return doubleText(this.#bytes.readDoubleLE(start));
      case "fixed32":
        return String(this.#bytes.readUInt32LE(start));
      case "fixed64":
        return `"${this.#bytes.readBigUInt64LE(start)}"`;
      case "sfixed64":
        return `"${this.#bytes.readBigInt64LE(start)}"`;
      case "uint64":
        return `"${reader.varint()}"`;
      case "int64":
        // Negative ones have ten bytes.
        return `"${reader.end - start <= 4 ? reader.varint32() : BigInt.asIntN(64, reader.varint())}"`;
      case "uint32":
        return String(reader.varint32() >>> 0);
      case "sint32": {
        const value = reader.varint32();
        return String((value >>> 1) ^ -(value & 1));
      }
      default:
        return String(reader.varint32());
    }
  }

  #string(start: number, end: number): void {
    const length = end - start;
    this.#reserve(length + 2);
    const bytes = this.#bytes;
    const out = this.#out;
    let at = this.#size;
    out[at++] = QUOTE;
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      if (byte < 0x20 || byte === QUOTE || byte === BACKSLASH) {
        this.#ascii(JSON.stringify(bytes.toString("utf8", start, end)), true);
        return;
      }
      out[at++] = byte;
    }
    out[at++] = QUOTE;
    this.#size = at;
  }

  #hex(start: number, end: number): void {
    this.#reserve(2 * (end - start) + 2);
    const bytes = this.#bytes;
    const out = this.#out;
    let at = this.#size;
    out[at++] = QUOTE;
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      out[at++] = HEX_DIGITS[byte >> 4]!;
      out[at++] = HEX_DIGITS[byte & 15]!;
    }
    out[at++] = QUOTE;
    this.#size = at;
  }

  #key(field: Field): void {
    const { jsonKeyBytes } = field;
    const { length } = jsonKeyBytes;
    this.#reserve(length);
    for (let i = 0; i < length; i++) this.#out[this.#size + i] = jsonKeyBytes[i]!;
    this.#size += length;
  }

  /** @param any whether there can be characters beyond ASCII */
  #ascii(text: string, any: boolean): void {
    if (any || text.length > SHORT) {
      const length = Buffer.byteLength(text);
      this.#reserve(length);
      this.#size += this.#out.write(text, this.#size, length);
      return;
    }
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) this.#out[this.#size + i] = text.charCodeAt(i);
    this.#size += text.length;
  }

  #reserve(size: number): void {
    if (this.#size + size <= this.#out.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#out.length * 2, this.#size + size));
    this.#out.copy(grown, 0, 0, this.#size);
    this.#out = grown;
  }
}

/** Proto3 leaves out what has no presence of its own and its default value. Negative zero is not the default: its bits are set. */
function isDefault(field: Field, bytes: Uint8Array, reader: FieldReader): boolean {
  if (field.optional || field.oneof !== undefined || field.message !== undefined) return false;
  // A wrong wire type is for the reader of the value to find.
  if (reader.wireType !== field.wireType) return false;
  return field.wireType === WireType.LEN ? reader.start === reader.end : isZero(bytes, reader);
}

/** Whether the bits of a number are all zero. */
function isZero(bytes: Uint8Array, { wireType, start, end }: FieldReader): boolean {
  const mask = wireType === WireType.VARINT ? 0x7f : 0xff;
  for (let at = start; at < end; at++) if ((bytes[at]! & mask) !== 0) return false;
  return true;
}

/**
 * OTLP JSON: lowerCamelCase names, ids in hexadecimal, other bytes in base64, enums as numbers, 64-bit integers as strings, what is
 * not a number or not finite as `"NaN"`, `"Infinity"`, `"-Infinity"`. Fields without presence are left out when they have their
 * default value, and a message is written exactly when it is on the wire (the Collector writes `"resource":{}` and its like
 * always). Unknown fields have no name and are left out; bytes in a string that are not UTF-8 become U+FFFD.
 *
 * https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 *
 * @param bytes well-formed; see `validateOtlp`
 * @returns one line
 * @throws RangeError when the bytes are not well-formed
 */
export function encodeJson(signal: Signal, bytes: Uint8Array): string {
  const encoder = new JsonEncoder(bytes);
  const root = rootOf(signal);
  return encoder.message(root, 0, bytes.length, 0) ? encoder.finish() : messageText(root, decodeSlots(signal, bytes));
}
