import type { LogLevel } from "../../abi/values.ts";
import { LineLogger } from "./guests.ts";

/** A logger whose lines can be waited for. */
export class WaitedLogger extends LineLogger {
  readonly #waiting = new Map<(line: string) => boolean, (line: string) => void>();

  override write(level: LogLevel, message: string, attributes: Parameters<LineLogger["write"]>[2]): void {
    super.write(level, message, attributes);
    const line = this.lines.at(-1)!;
    for (const [wanted, resolve] of this.#waiting)
      if (wanted(line)) {
        this.#waiting.delete(wanted);
        resolve(line);
      }
  }

  /** The next line that matches. */
  next(pattern: RegExp): Promise<string> {
    return new Promise((resolve) => this.#waiting.set((line) => pattern.test(line), resolve));
  }
}
