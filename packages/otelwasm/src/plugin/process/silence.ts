/** Between two looks, in milliseconds. */
const LOOK_MS = 250;

/**
 * Tells when somebody who should have said something has not. Time counts by looks, between which what came was read: a thread that was busy itself for
 * long takes nobody else for silent.
 */
export class Silence {
  readonly #heard: () => number;
  readonly #patienceMs: () => number | undefined;
  readonly #tooLong: (milliseconds: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #seen = 0;
  #silentMs = 0;

  /**
   * @param heard changes whenever something is said
   * @param patienceMs how long it may take in milliseconds, as of now; `undefined`: nobody knows
   * @param tooLong told the patience that has come to its end
   */
  constructor(heard: () => number, patienceMs: () => number | undefined, tooLong: (milliseconds: number) => void) {
    this.#heard = heard;
    this.#patienceMs = patienceMs;
    this.#tooLong = tooLong;
  }

  /** Something is waited for. Keeps no process. */
  watch(): void {
    if (this.#timer !== undefined) return;
    this.#silentMs = 0;
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const heard = this.#heard();
    const patience = this.#patienceMs();
    if (heard !== this.#seen || patience === undefined) {
      this.#seen = heard;
      this.#silentMs = 0;
      return;
    }
    this.#silentMs += LOOK_MS;
    if (this.#silentMs > patience) this.#tooLong(patience);
  }
}
