/** Chance that can be had again: the same seed gives the same numbers. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  pick<T>(from: readonly T[]): T {
    return from[this.between(0, from.length - 1)]!;
  }

  /** One of the names, as often as their weights say; undefined for what is left of 1. */
  of<K extends string>(shares: Readonly<Partial<Record<K, number>>>): K | undefined {
    let left = this.next();
    for (const [name, share] of Object.entries<number | undefined>(shares)) {
      left -= share ?? 0;
      if (left < 0) return name as K;
    }
    return undefined;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; at++) bytes[at] = this.between(0, 255);
    return bytes;
  }

  /** Another stream of numbers, which does not depend on how many are taken from this one afterwards. */
  fork(): Random {
    return new Random(this.between(0, 0xffff_ffff));
  }
}
