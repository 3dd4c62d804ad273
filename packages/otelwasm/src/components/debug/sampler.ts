/**
 * Lets through the first messages of each second and then every so-many-th, counted for each message: the sampler of zap, which the
 * Collector uses. https://pkg.go.dev/go.uber.org/zap/zapcore#NewSamplerWithOptions
 */
export class Sampler {
  readonly #initial: number;
  readonly #thereafter: number;
  readonly #now: () => number;
  readonly #counts = new Map<number, number>();
  #second = Number.NEGATIVE_INFINITY;

  /** @param now in milliseconds */
  constructor(initial: number, thereafter: number, now: () => number = Date.now) {
    this.#initial = initial;
    this.#thereafter = thereafter;
    this.#now = now;
  }

  /** Counts a message. @returns whether it is to be written */
  takes(message: string): boolean {
    if (this.#thereafter === 1) return true;
    const now = this.#now();
    if (now - this.#second >= 1000 || now < this.#second) {
      this.#second = now;
      this.#counts.clear();
    }
    const key = hash(message);
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    if (count <= this.#initial) return true;
    return this.#thereafter > 0 && (count - this.#initial) % this.#thereafter === 0;
  }
}

/** FNV-1a; like zap's it keeps no message, so that two may share a count. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return state >>> 0;
}
