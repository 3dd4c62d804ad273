/** The wire types of protobuf: https://protobuf.dev/programming-guides/encoding/#structure */
export const WireType = { VARINT: 0, I64: 1, LEN: 2, SGROUP: 3, EGROUP: 4, I32: 5 } as const;
export type WireType = (typeof WireType)[keyof typeof WireType];

/**
 * Writes protobuf from its end to its beginning: a message's length is known when its tag is written, so nothing is moved or
 * measured twice. Write fields in reverse; close a message by `message(number, mark)` with the `mark` taken before its last field.
 */
export class BackwardWriter {
  #buffer: Buffer;
  #position: number;

  /** @param capacity bytes to begin with; it grows as needed */
  constructor(capacity = 4096) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(capacity, 64));
    this.#position = this.#buffer.length;
  }

  /** Bytes written so far. */
  get mark(): number {
    return this.#buffer.length - this.#position;
  }

  /** What was written, in a buffer of its own; the writer can be used for another message afterwards. */
  finish(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.mark);
    bytes.set(this.#buffer.subarray(this.#position));
    this.#position = this.#buffer.length;
    return bytes;
  }

  tag(number: number, wireType: WireType): void {
    this.varint(((number << 3) | wireType) >>> 0);
  }

  /** The tag and length of the message whose fields were written since `mark`. */
  message(number: number, mark: number): void {
    this.varint(this.mark - mark);
    this.tag(number, WireType.LEN);
  }

  /** @param value 0 to 2^53 - 1 */
  varint(value: number): void {
    if (value < 0x80) {
      this.#reserve(1);
      this.#buffer[--this.#position] = value;
      return;
    }
    let length = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
    this.#reserve(length);
    this.#position -= length;
    let rest = value;
    for (let i = 0; i < length - 1; i++) {
      this.#buffer[this.#position + i] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#position + length - 1] = rest;
  }

  /** @param value taken modulo 2^64: a negative one has ten bytes */
  varint64(value: bigint): void {
    const unsigned = BigInt.asUintN(64, value);
    if (unsigned <= BigInt(Number.MAX_SAFE_INTEGER)) {
      this.varint(Number(unsigned));
      return;
    }
    const bytes: number[] = [];
    let rest = unsigned;
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    this.raw(Uint8Array.from(bytes));
  }

  fixed32(value: number): void {
    this.#reserve(4);
    this.#position -= 4;
    this.#buffer.writeInt32LE(value | 0, this.#position);
  }

  /** @param value taken modulo 2^64 */
  fixed64(value: bigint): void {
    this.#reserve(8);
    this.#position -= 8;
    this.#buffer.writeBigUInt64LE(BigInt.asUintN(64, value), this.#position);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#position -= 8;
    this.#buffer.writeDoubleLE(value, this.#position);
  }

  /** Bytes as they are, without tag and length. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#position -= bytes.length;
    this.#buffer.set(bytes, this.#position);
  }

  /** The UTF-8 of a string, without tag and length; a lone surrogate becomes U+FFFD. */
  utf8(text: string): void {
    const length = Buffer.byteLength(text);
    this.#reserve(length);
    this.#position -= length;
    this.#buffer.write(text, this.#position, length);
  }

  string(number: number, text: string): void {
    const mark = this.mark;
    this.utf8(text);
    this.message(number, mark);
  }

  bytes(number: number, bytes: Uint8Array): void {
    const mark = this.mark;
    this.raw(bytes);
    this.message(number, mark);
  }

  #reserve(size: number): void {
    if (this.#position >= size) return;
    const written = this.mark;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, written + size));
    this.#buffer.copy(grown, grown.length - written, this.#position);
    this.#position = grown.length - written;
    this.#buffer = grown;
  }
}
