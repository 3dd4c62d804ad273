/**
 * Puts a body together from the chunks that a connection delivers, with as few copies as can be: none if one chunk has it all, else one
 * into memory that is allocated once.
 */
export class BodyAssembler {
  readonly #limit: number;
  /** The body's length, or -1 while nobody has said it. */
  readonly #expected: number;
  #target: Uint8Array | undefined;
  #chunks: Uint8Array[] | undefined;
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
        this.#chunks = undefined;
        return false;
      }
      this.#chunks ??= [];
      this.#chunks.push(chunk);
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
    const chunks = this.#chunks ?? [];
    const only = chunks[0];
    if (chunks.length === 1 && only !== undefined && endsItsBuffer(only)) {
      return new Uint8Array(only.buffer, only.byteOffset, only.length);
    }
    const whole = allocate(this.#length);
    let at = 0;
    for (const chunk of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }
}

const EMPTY = new Uint8Array();

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
