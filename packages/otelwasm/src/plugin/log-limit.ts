import type { LogLevel } from "../abi/values.ts";
import { LineWriter, type LogAttributes, type Logger } from "../component/logger.ts";

/** Lines of a guest: so many a second in the long run, so many at once. */
const LOG_LIMIT = { perSecond: 100, burst: 200 } as const;

/**
 * A logger that a guest cannot flood: a token bucket, on the guest's thread, so that what is suppressed does not even cross to another; its children draw on the same bucket. Before the next line
 * that passes stands one that says how many did not.
 */
export class LimitedLogger extends LineWriter {
  readonly #logger: Logger;
  readonly #now: () => number;
  #tokens: number = LOG_LIMIT.burst;
  #refilled: number;
  #suppressed = 0;

  /** @param now milliseconds of a clock that never goes back */
  constructor(logger: Logger, now: () => number = () => performance.now()) {
    super();
    this.#logger = logger;
    this.#now = now;
    this.#refilled = now();
  }

  /** Says what was suppressed and not said yet; when the guest ends. */
  flush(): void {
    if (this.#suppressed === 0) return;
    const { perSecond, burst } = LOG_LIMIT;
    this.#logger.warn(
      `${this.#suppressed} lines of the plugin were suppressed: it may write ${perSecond} a second, ${burst} at once`,
      { suppressed: this.#suppressed },
    );
    this.#suppressed = 0;
  }

  override write(level: LogLevel, message: string, attributes: LogAttributes | undefined): void {
    const now = this.#now();
    this.#tokens = Math.min(LOG_LIMIT.burst, this.#tokens + ((now - this.#refilled) * LOG_LIMIT.perSecond) / 1000);
    this.#refilled = now;
    if (this.#tokens < 1) {
      this.#suppressed++;
      return;
    }
    this.#tokens--;
    this.flush();
    this.#logger[level](message, attributes);
  }
}
