import { Control } from "./protocol.ts";

/** How often the call that runs is looked at, in milliseconds: a deadline is noticed so much late at most, twice. */
const WATCH_MS = 10;

/** Sees that a guest's call runs past its deadline. Time counts from when the guest begins it: its number is the same as at the last look. */
export class CallWatch {
  readonly #callTimeoutMs: number;
  readonly #idle: () => boolean;
  readonly #late: (number: number) => void;
  #control: Int32Array = new Int32Array(0);
  #timer: NodeJS.Timeout | undefined;
  #seen = 0;
  #seenAt = 0;

  /**
   * @param idle asked at each look: whether there is no call to wait for any more, so that the watch can end
   * @param late told the number of the call
   */
  constructor(callTimeoutMs: number, idle: () => boolean, late: (number: number) => void) {
    this.#callTimeoutMs = callTimeoutMs;
    this.#idle = idle;
    this.#late = late;
  }

  get running(): boolean {
    return this.#timer !== undefined;
  }

  start(control: Int32Array): void {
    this.#control = control;
    this.#seen = 0;
    this.#timer = setInterval(() => this.#look(), WATCH_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    if (this.#idle()) {
      this.stop();
      return;
    }
    const running = Atomics.load(this.#control, Control.running);
    const now = performance.now();
    if (running !== this.#seen || running === 0) {
      this.#seen = running;
      this.#seenAt = now;
    } else if (now - this.#seenAt >= this.#callTimeoutMs) {
      this.#late(running);
    }
  }
}
