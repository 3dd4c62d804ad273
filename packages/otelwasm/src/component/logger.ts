import type { LogLevel } from "../abi/values.ts";

export type LogAttributes = Readonly<Record<string, unknown>>;

/** Structured logging, as components and plugins see it. */
export interface Logger {
  trace(message: string, attributes?: LogAttributes): void;
  debug(message: string, attributes?: LogAttributes): void;
  info(message: string, attributes?: LogAttributes): void;
  warn(message: string, attributes?: LogAttributes): void;
  error(message: string, attributes?: LogAttributes): void;
  /** A logger that adds these attributes to every line. */
  child(attributes: LogAttributes): Logger;
  /** Releases the files that it has opened, if it has: nothing may be logged after it. */
  close?(): void;
}

/** A logger of one method: every line, those of its children included, goes through `write`. */
export abstract class LineWriter implements Logger {
  abstract write(level: LogLevel, message: string, attributes: LogAttributes | undefined): void;

  trace(message: string, attributes?: LogAttributes): void {
    this.write("trace", message, attributes);
  }

  debug(message: string, attributes?: LogAttributes): void {
    this.write("debug", message, attributes);
  }

  info(message: string, attributes?: LogAttributes): void {
    this.write("info", message, attributes);
  }

  warn(message: string, attributes?: LogAttributes): void {
    this.write("warn", message, attributes);
  }

  error(message: string, attributes?: LogAttributes): void {
    this.write("error", message, attributes);
  }

  child(attributes: LogAttributes): Logger {
    return new ChildWriter(this, attributes);
  }
}

class ChildWriter extends LineWriter {
  readonly #parent: LineWriter;
  readonly #own: LogAttributes;

  constructor(parent: LineWriter, own: LogAttributes) {
    super();
    this.#parent = parent;
    this.#own = own;
  }

  override write(level: LogLevel, message: string, attributes: LogAttributes | undefined): void {
    this.#parent.write(level, message, { ...this.#own, ...attributes });
  }
}

/** A logger that says nothing: the default of the library's functions. */
export const silentLogger: Logger = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
