import type { LogLevel } from "../abi/values.ts";
import type { Logger } from "../component/logger.ts";

/** More kinds than grants there are, so that a guest cannot fill the log by being refused in ever new ways. */
const MAX_KINDS = 64;

/** Says what a guest was refused, once for each grant that it lacks: whoever configured the plugin is to find the grant by the line, and not to drown in it. */
export class Refusals {
  readonly #logger: Logger;
  readonly #told: Set<string> = new Set();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /**
   * @param grant names the grant that is missing: it is spoken of once
   * @param message what was refused, and how the grant is written
   */
  tell(grant: string, message: string, level: LogLevel = "warn"): void {
    if (this.#told.has(grant) || this.#told.size >= MAX_KINDS) return;
    this.#told.add(grant);
    this.#logger[level](message);
  }
}
