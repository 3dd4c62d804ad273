import { type FileHandle, open } from "node:fs/promises";
import type { LogAttributes, Logger } from "../../component/logger.ts";
import type { DebugExporterConfig } from "./config.ts";

/** Where the exporter's text goes. */
export interface DebugOutput {
  open(): Promise<void>;
  /** Resolves when the text has been handed over. */
  write(message: string, attributes?: LogAttributes): Promise<void>;
  close(): Promise<void>;
}

class LoggerOutput implements DebugOutput {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  async open(): Promise<void> {}

  async write(message: string, attributes?: LogAttributes): Promise<void> {
    this.#logger.info(message, attributes);
  }

  async close(): Promise<void> {}
}

/** Files and standard streams, in the form of the Collector's console encoder: message, tab, attributes. */
class PathsOutput implements DebugOutput {
  readonly #paths: readonly string[];
  readonly #files: FileHandle[] = [];
  readonly #streams: NodeJS.WritableStream[] = [];
  /** Texts do not mix. */
  #last: Promise<void> = Promise.resolve();

  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  async open(): Promise<void> {
    for (const path of this.#paths) {
      if (path === "stdout") this.#streams.push(process.stdout);
      else if (path === "stderr") this.#streams.push(process.stderr);
      else this.#files.push(await open(path, "a"));
    }
  }

  write(message: string, attributes?: LogAttributes): Promise<void> {
    const pairs = Object.entries(attributes ?? {}).map(
      ([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`,
    );
    const text = `${message}${pairs.length > 0 ? `\t{${pairs.join(", ")}}` : ""}\n`;
    const written = this.#last.then(() => this.#writeAll(text));
    // One failure is told to whoever wrote that text, and not to the next.
    this.#last = written.catch(() => undefined);
    return written;
  }

  async #writeAll(text: string): Promise<void> {
    await Promise.all([
      ...this.#files.map((file) => file.appendFile(text)),
      ...this.#streams.map(
        (stream) =>
          new Promise<void>((resolve, reject) => {
            stream.write(text, (error) => (error === undefined || error === null ? resolve() : reject(error)));
          }),
      ),
    ]);
  }

  async close(): Promise<void> {
    await this.#last;
    await Promise.all(this.#files.splice(0).map((file) => file.close()));
  }
}

export function createOutput(config: DebugExporterConfig, logger: Logger): DebugOutput {
  return config.use_internal_logger ? new LoggerOutput(logger) : new PathsOutput(config.output_paths ?? ["stdout"]);
}
