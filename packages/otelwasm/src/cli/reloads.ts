import type { Logger } from "../component/logger.ts";
import type { RawConfig } from "../config/load.ts";
import type { Collector } from "../service/collector.ts";

export interface ReloadOptions {
  readonly collector: Pick<Collector, "reload">;
  /** @throws ConfigError */
  readonly read: () => RawConfig;
  /** As it is now: a reload may exchange it. */
  readonly logger: () => Logger;
  /** After a reload. */
  readonly done: () => void;
}

/**
 * Reads the configuration again and puts it in the place of the one that runs, whenever it is asked to: one after the other. Who asks while one is under way is answered by one
 * more after it, however often it was: what counts is what the files say then.
 */
export class Reloads {
  readonly #options: ReloadOptions;
  #busy = false;
  #again = false;
  #ended = false;

  constructor(options: ReloadOptions) {
    this.#options = options;
  }

  ask(reason: string): void {
    const { logger } = this.#options;
    if (this.#ended) {
      logger().info(`${reason}: the collector is shutting down, nothing is reloaded`);
      return;
    }
    if (this.#busy) {
      logger().info(`${reason}: a reload is under way, the configuration is read once more after it`);
      this.#again = true;
      return;
    }
    logger().info(`${reason}: reloading the configuration`);
    void this.#run();
  }

  /** From now on nothing is reloaded. */
  end(): void {
    this.#ended = true;
  }

  async #run(): Promise<void> {
    const { collector, read, logger, done } = this.#options;
    this.#busy = true;
    do {
      this.#again = false;
      try {
        await collector.reload(read());
        done();
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        logger().error(`Configuration not reloaded, the one before goes on: ${message}`);
      }
    } while (this.#again && !this.#ended);
    this.#busy = false;
  }
}
