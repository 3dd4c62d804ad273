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
