import type { LogLevel } from "../abi/values.ts";
import type { LogAttributes, Logger } from "../component/logger.ts";

/** Lines of a guest: so many a second in the long run, so many at once. */
const LOG_LIMIT = { perSecond: 100, burst: 200 } as const;

/**
 * A logger that a guest cannot flood: a token bucket, on the guest's thread, so that what is suppressed does not even cross to another. Before the next line
 * that passes stands one that says how many did not.
 */
export class LimitedLogger implements Logger {
  readonly #logger: Logger;
  readonly #now: () => number;
  #tokens: number = LOG_LIMIT.burst;
  #refilled: number;
  #suppressed = 0;

  /** @param now milliseconds of a clock that never goes back */
  constructor(logger: Logger, now: () => number = () => performance.now()) {
    this.#logger = logger;
    this.#now = now;
    this.#refilled = now();
  }

  trace(message: string, attributes?: LogAttributes): void {
    this.#write("trace", message, attributes);
  }

  debug(message: string, attributes?: LogAttributes): void {
    this.#write("debug", message, attributes);
  }

  info(message: string, attributes?: LogAttributes): void {
    this.#write("info", message, attributes);
  }

  warn(message: string, attributes?: LogAttributes): void {
    this.#write("warn", message, attributes);
  }

  error(message: string, attributes?: LogAttributes): void {
    this.#write("error", message, attributes);
  }

  /** The children draw on the same bucket. */
  child(attributes: LogAttributes): Logger {
    const at = (level: LogLevel) => (message: string, own?: LogAttributes) =>
      this.#write(level, message, { ...attributes, ...own });
    return {
      trace: at("trace"),
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      child: (more) => this.child({ ...attributes, ...more }),
    };
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

  #write(level: LogLevel, message: string, attributes: LogAttributes | undefined): void {
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
