import type { LogAttributes, Logger } from "../component/logger.ts";

/** The logger that all others of a collector lead to. */
interface Root {
  target: Logger;
}

/** A logger that may be exchanged behind those who have it, and its children, without their knowing. */
export class ExchangeableLogger implements Logger {
  readonly #root: Root;
  readonly #attributes: readonly LogAttributes[];
  /** Made of `#from`, with the attributes. */
  #own: Logger;
  #from: Logger;

  constructor(target: Logger, root: Root = { target }, attributes: readonly LogAttributes[] = []) {
    this.#root = root;
    this.#attributes = attributes;
    this.#from = root.target;
    this.#own = target;
  }

  /** From now on lines of this logger, its parents and its children go there. */
  exchange(target: Logger): void {
    this.#root.target = target;
  }

  trace(message: string, attributes?: LogAttributes): void {
    this.#current().trace(message, attributes);
  }

  debug(message: string, attributes?: LogAttributes): void {
    this.#current().debug(message, attributes);
  }

  info(message: string, attributes?: LogAttributes): void {
    this.#current().info(message, attributes);
  }

  warn(message: string, attributes?: LogAttributes): void {
    this.#current().warn(message, attributes);
  }

  error(message: string, attributes?: LogAttributes): void {
    this.#current().error(message, attributes);
  }

  child(attributes: LogAttributes): Logger {
    return new ExchangeableLogger(this.#current().child(attributes), this.#root, [...this.#attributes, attributes]);
  }

  #current(): Logger {
    const { target } = this.#root;
    if (target !== this.#from) {
      this.#from = target;
      this.#own = this.#attributes.reduce((logger, attributes) => logger.child(attributes), target);
    }
    return this.#own;
  }
}
