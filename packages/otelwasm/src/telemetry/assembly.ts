/** How many bytes a length takes on the wire. */
export function lengthSize(length: number): number {
  let size = 1;
  for (let rest = length; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/**
 * A new payload that consists of pieces of another: written down first, then made in one allocation. What is next to each other in the other is one piece.
 */
export class Assembly {
  /** Two numbers each: of a piece its beginning and its end, of a message `-tag` and the size of its content. */
  readonly #steps: number[] = [];
  /** Where the messages that are open stand in `steps`, and how much had been written before their content. */
  readonly #open: { readonly at: number; readonly before: number }[] = [];
  /** In bytes, the tags and lengths of open messages aside. */
  #size = 0;

  /** @param tag of one byte */
  open(tag: number): void {
    this.#open.push({ at: this.#steps.length, before: this.#size });
    this.#steps.push(-tag, 0);
  }

  copy(from: number, to: number): void {
    if (from === to) return;
    const last = this.#steps.length - 1;
    if (this.#steps[last] === from && this.#steps[last - 1]! >= 0) this.#steps[last] = to;
    else this.#steps.push(from, to);
    this.#size += to - from;
  }

  close(): void {
    const { at, before } = this.#open.pop()!;
    const content = this.#size - before;
    this.#steps[at + 1] = content;
    this.#size += 1 + lengthSize(content);
  }

  /** @param source what the pieces are of; everything that was opened must have been closed */
  make(source: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(Buffer.allocUnsafeSlow(this.#size).buffer);
    let position = 0;
    for (let step = 0; step < this.#steps.length; step += 2) {
      const from = this.#steps[step]!;
      const to = this.#steps[step + 1]!;
      if (from >= 0) {
        bytes.set(source.subarray(from, to), position);
        position += to - from;
        continue;
      }
      bytes[position++] = -from;
      let rest = to;
      for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[position++] = (rest % 0x80) | 0x80;
      bytes[position++] = rest;
    }
    return bytes;
  }
}
