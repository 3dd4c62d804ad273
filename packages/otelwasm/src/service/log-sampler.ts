/** `service::telemetry::logs::sampling` */
export interface LogSampling {
  /** In milliseconds. */
  readonly tick: number;
  /** So many lines of one level and message are written in each tick, */
  readonly initial: number;
  /** and after them every so manieth; 0: none. */
  readonly thereafter: number;
}

/** More messages than any program has; what makes them differ are then attributes that stand in the text. */
const MAX_MESSAGES = 4_096;
/** Characters that tell messages apart. */
const TOLD_APART = 512;

/** Keeps what says the same again and again from filling the log, as the Collector's logger (zap) does: lines are told apart by level and message. */
export class LogSampler {
  readonly #sampling: LogSampling;
  readonly #now: () => number;
  readonly #counts: Map<number, { count: number; until: number }> = new Map();

  /** @param now in milliseconds, of a clock that does not go back */
  constructor(sampling: LogSampling, now: () => number = () => performance.now()) {
    this.#sampling = sampling;
    this.#now = now;
  }

  /** Counts a line. @returns whether it is to be written */
  admits(level: string, message: string): boolean {
    const { tick, initial, thereafter } = this.#sampling;
    const now = this.#now();
    const key = hash(level, message);
    let counted = this.#counts.get(key);
    if (counted === undefined) {
      if (this.#counts.size >= MAX_MESSAGES) this.#counts.clear();
      counted = { count: 0, until: now + tick };
      this.#counts.set(key, counted);
    } else if (now >= counted.until) {
      counted.count = 0;
      counted.until = now + tick;
    }
    const beyond = ++counted.count - initial;
    return beyond <= 0 || (thereafter > 0 && beyond % thereafter === 0);
  }
}

/** FNV-1a, as zap has it: messages may be long, and a guest's to choose, so they are not kept. */
function hash(level: string, message: string): number {
  let value = 0x811c9dc5 ^ message.length;
  for (const text of [level, message]) {
    const end = Math.min(text.length, TOLD_APART);
    for (let i = 0; i < end; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value;
}
