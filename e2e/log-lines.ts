/** A collector's log, kept: what a test waits for in it. */
import type { LogAttributes, Logger } from "otelwasm";

/** A test that waits longer has failed: what is waited for is a matter of milliseconds. */
const DEADLINE_MS = 15_000;

export class LogLines implements Logger {
  /** `level: message {attributes}`; of every component. */
  readonly lines: string[];
  readonly #base: LogAttributes;
  readonly #watchers: Set<() => void>;

  constructor(lines: string[] = [], base: LogAttributes = {}, watchers: Set<() => void> = new Set()) {
    this.lines = lines;
    this.#base = base;
    this.#watchers = watchers;
  }

  /** Resolves as soon as so many lines match. */
  waitFor(pattern: RegExp, count = 1): Promise<string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<string[]>();
    const done = (settle: () => void): void => {
      clearTimeout(timer);
      this.#watchers.delete(check);
      settle();
    };
    const check = (): void => {
      const found = this.matching(pattern);
      if (found.length >= count) done(() => resolve(found));
    };
    const timer = setTimeout(() => {
      const came = this.lines.join("\n");
      done(() => reject(new Error(`waited ${DEADLINE_MS} ms for ${count} lines with ${pattern}; the log:\n${came}`)));
    }, DEADLINE_MS);
    this.#watchers.add(check);
    check();
    return promise;
  }

  matching(pattern: RegExp): string[] {
    return this.lines.filter((line) => pattern.test(line));
  }

  trace(message: string, attributes?: LogAttributes): void {
    this.#add("trace", message, attributes);
  }

  debug(message: string, attributes?: LogAttributes): void {
    this.#add("debug", message, attributes);
  }

  info(message: string, attributes?: LogAttributes): void {
    this.#add("info", message, attributes);
  }

  warn(message: string, attributes?: LogAttributes): void {
    this.#add("warn", message, attributes);
  }

  error(message: string, attributes?: LogAttributes): void {
    this.#add("error", message, attributes);
  }

  child(attributes: LogAttributes): Logger {
    return new LogLines(this.lines, { ...this.#base, ...attributes }, this.#watchers);
  }

  #add(level: string, message: string, attributes: LogAttributes | undefined): void {
    const all = Object.entries({ ...this.#base, ...attributes }).map(
      ([key, value]) => `${key}=${value instanceof Error ? value.message : JSON.stringify(value)}`,
    );
    this.lines.push(`${level}: ${message} {${all.join(" ")}}`);
    for (const watcher of [...this.#watchers]) watcher();
  }
}
