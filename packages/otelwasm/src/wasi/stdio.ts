import type { Logger } from "../component/logger.ts";
import { Descriptor, Filetype, type Readiness } from "./descriptor.ts";
import { INPUT_RIGHTS, OUTPUT_RIGHTS } from "./rights.ts";

/** Of one line; the rest of it is dropped: a guest must not fill the host's disk with one call. */
const MAX_LINE_BYTES = 64 * 1024;
const NEWLINE = 10;

const utf8 = new TextDecoder();

/** Standard input: at its end from the start, as nobody types into a collector. */
export class Stdin extends Descriptor {
  override readonly filetype: Filetype = Filetype.characterDevice;

  constructor() {
    super(INPUT_RIGHTS);
  }

  override read(): number {
    return 0;
  }

  override readiness(kind: "read" | "write"): Readiness {
    return { bytes: 0n, hangup: kind === "read" };
  }
}

/** Standard output or error: each line is one of the log. Says that it is a terminal, so that guests write whole lines and do not keep them. */
export class LineOutput extends Descriptor {
  override readonly filetype: Filetype = Filetype.characterDevice;
  readonly #logger: Logger;
  readonly #level: "info" | "warn";
  readonly #stream: string;
  /** What there is of the line that has no end yet. */
  #line: Buffer = Buffer.alloc(256);
  #kept = 0;
  /** Bytes of the line, those included that were not kept. */
  #size = 0;

  constructor(logger: Logger, level: "info" | "warn", stream: string) {
    super(OUTPUT_RIGHTS);
    this.#logger = logger;
    this.#level = level;
    this.#stream = stream;
  }

  override write(buffers: readonly Uint8Array[]): number {
    let written = 0;
    for (const bytes of buffers) {
      written += bytes.length;
      for (let start = 0; start < bytes.length; ) {
        const end = bytes.indexOf(NEWLINE, start);
        this.#append(bytes.subarray(start, end < 0 ? bytes.length : end));
        if (end < 0) break;
        this.flush();
        start = end + 1;
      }
    }
    return written;
  }

  /** Writes the line that has no end yet. */
  flush(): void {
    const size = this.#size;
    if (size === 0) return;
    const text = utf8.decode(this.#line.subarray(0, this.#kept)).replace(/\r$/, "");
    this.#kept = 0;
    this.#size = 0;
    // An empty line separates others where they stand together; here it would be a record that says nothing.
    if (text === "") return;
    const cut = size > MAX_LINE_BYTES ? `... (cut: ${size} bytes)` : "";
    this.#logger[this.#level](text + cut, { stream: this.#stream });
  }

  override close(): void {
    this.flush();
  }

  #append(bytes: Uint8Array): void {
    this.#size += bytes.length;
    const taken = bytes.subarray(0, MAX_LINE_BYTES - this.#kept);
    const needed = this.#kept + taken.length;
    if (needed > this.#line.length) {
      const larger = Buffer.alloc(Math.min(MAX_LINE_BYTES, Math.max(needed, this.#line.length * 2)));
      larger.set(this.#line.subarray(0, this.#kept));
      this.#line = larger;
    }
    this.#line.set(taken, this.#kept);
    this.#kept = needed;
  }
}
