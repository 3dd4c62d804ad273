/**
 * Puts a body together from the chunks that a connection delivers, with as few copies as can be: none if one chunk has it all, else one
 * into memory that is allocated once.
 */
export class BodyAssembler {
  readonly #limit: number;
  /** The body's length, or -1 while nobody has said it. */
  readonly #expected: number;
  #target: Uint8Array | undefined;
  /** Whether the target is memory of our own with room at its end. */
  #grown = false;
  #length = 0;

  /**
   * @param limit the most bytes that are taken
   * @param expected the length that was announced, at most `limit`; -1 if none was
   */
  constructor(limit: number, expected: number) {
    this.#limit = limit;
    this.#expected = expected;
  }

  get length(): number {
    return this.#length;
  }

  /**
   * @param chunk belongs to the assembler from now on
   * @returns false if the body is now longer than its limit, or than was announced
   */
  push(chunk: Uint8Array): boolean {
    const at = this.#length;
    const length = at + chunk.length;
    this.#length = length;
    if (this.#expected < 0) {
      if (length > this.#limit) {
        this.#target = undefined;
        return false;
      }
      if (at === 0) this.#target = chunk;
      else this.#append(chunk, at);
      return true;
    }
    if (length > this.#expected) return false;
    if (at === 0 && length === this.#expected && endsItsBuffer(chunk)) {
      this.#target = new Uint8Array(chunk.buffer, chunk.byteOffset, length);
      return true;
    }
    this.#target ??= allocate(this.#expected);
    this.#target.set(chunk, at);
    return true;
  }

  /** The whole body, in a buffer that nobody else uses; undefined if it is shorter than was announced. */
  take(): Uint8Array | undefined {
    if (this.#expected >= 0) return this.#length === this.#expected ? (this.#target ?? EMPTY) : undefined;
    const target = this.#target ?? EMPTY;
    if (this.#length === target.length && endsItsBuffer(target)) {
      return new Uint8Array(target.buffer, target.byteOffset, target.length);
    }
    const whole = allocate(this.#length);
    whole.set(target.subarray(0, this.#length));
    return whole;
  }

  /** Pieces are not kept as they come: a peer can make them a byte each, and each would hold a hundred bytes and more. */
  #append(chunk: Uint8Array, at: number): void {
    let target = this.#target ?? EMPTY;
    if (!this.#grown || at + chunk.length > target.length) {
      const wider = allocate(Math.min(this.#limit, Math.max(MIN_GROWN, 2 * (at + chunk.length))));
      wider.set(target.subarray(0, at));
      target = wider;
      this.#target = wider;
      this.#grown = true;
    }
    target.set(chunk, at);
  }
}

const EMPTY = new Uint8Array();
const MIN_GROWN = 16 * 1024;

/** Memory of its own (not of Node's pool: it may be transferred), not zeroed: every byte is written before it is read. */
export function allocate(length: number): Uint8Array {
  const { buffer } = Buffer.allocUnsafeSlow(length);
  return new Uint8Array(buffer, 0, length);
}

/**
 * Each read from a socket has a buffer of its own, but several requests may lie in it. Only one of them is last; that one may keep the
 * buffer, since all others are copied out of it.
 */
export function endsItsBuffer(chunk: Uint8Array): boolean {
  return chunk.byteOffset + chunk.length === chunk.buffer.byteLength;
}
