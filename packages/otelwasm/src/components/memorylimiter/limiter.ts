import type { Logger } from "../../component/logger.ts";
import type { MemoryLimiterConfig } from "./config.ts";
import type { ProcessMemory } from "./memory.ts";

const MIB = 1024 * 1024;
/** Not oftener, in milliseconds, however much comes. */
const MIN_CHECK_MS = 20;
/** Collections take at most one part in so many of the time. */
const COLLECTING = 10;

/**
 * Watches the memory of the process: every `check_interval`, and before that when as much has come as would reach the soft limit. One for all pipelines that have the same processor.
 */
export class MemoryLimiter {
  /** From here on data is refused, in bytes. */
  readonly soft: number;
  /** From here on garbage is collected at each check, in bytes. */
  readonly hard: number;
  readonly #config: MemoryLimiterConfig;
  readonly #memory: ProcessMemory;
  readonly #logger: Logger;
  readonly #now: () => number;
  #users = 0;
  #timer: NodeJS.Timeout | undefined;
  #refuses = false;
  /** At the last check, and what came since. */
  #used = 0;
  #since = 0;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #collectedAt = Number.NEGATIVE_INFINITY;
  #collectionMs = 0;

  /** @param now in milliseconds, of a clock that does not go back */
  constructor(
    config: MemoryLimiterConfig,
    memory: ProcessMemory,
    logger: Logger,
    now: () => number = () => performance.now(),
  ) {
    this.#config = config;
    this.#memory = memory;
    this.#logger = logger;
    this.#now = now;
    const { limit_mib, spike_limit_mib, limit_percentage, spike_limit_percentage } = config;
    const total = limit_mib > 0 ? 0 : memory.total();
    this.hard = limit_mib > 0 ? limit_mib * MIB : (total * limit_percentage) / 100;
    const spike = limit_mib > 0 ? spike_limit_mib * MIB : (total * spike_limit_percentage) / 100;
    this.soft = this.hard - (spike === 0 ? this.hard / 5 : spike);
  }

  /** For each instance of the processor. */
  start(): void {
    if (this.#users++ > 0) return;
    const { check_interval } = this.#config;
    const mib = (bytes: number): number => Math.floor(bytes / MIB);
    this.#logger.info("Memory limiter configured", {
      limit_mib: mib(this.hard),
      spike_limit_mib: mib(this.hard - this.soft),
      check_interval_ms: check_interval,
      ...(this.#memory.collect === undefined ? { gc: "cannot be forced: start node with --expose-gc" } : {}),
    });
    this.check();
    this.#timer = setInterval(() => this.check(), check_interval);
    this.#timer.unref();
  }

  /** As often as `start`. */
  stop(): void {
    if (--this.#users === 0) clearInterval(this.#timer);
  }

  /** @param bytes of what has come @returns whether it is to be refused */
  refuses(bytes: number): boolean {
    if (this.#refuses) return true;
    this.#since += bytes;
    if (this.#used + this.#since >= this.soft && this.#now() - this.#checkedAt >= MIN_CHECK_MS) this.check();
    return this.#refuses;
  }

  /** Looks at the memory, and decides. */
  check(): void {
    this.#measure();
    this.#checkedAt = this.#now();
    this.#logger.debug("Currently used memory.", this.#attributes());
    if (this.#used >= this.soft) {
      const isHard = this.#used >= this.hard;
      this.#collect(
        isHard ? this.#config.min_gc_interval_when_hard_limited : this.#config.min_gc_interval_when_soft_limited,
        () => {
          const message = `Memory usage is above ${isHard ? "hard" : "soft"} limit. Forcing a GC.`;
          // While data is refused this comes at each check.
          this.#logger[this.#refuses ? "debug" : isHard ? "warn" : "info"](message, this.#attributes());
        },
      );
    }
    const refuses = this.#used >= this.soft;
    if (refuses && !this.#refuses)
      this.#logger.warn("Memory usage is above soft limit. Refusing data.", this.#attributes());
    if (!refuses && this.#refuses)
      this.#logger.info("Memory usage back within limits. Resuming normal operation.", this.#attributes());
    this.#refuses = refuses;
  }

  #collect(minIntervalMs: number, begin: () => void): void {
    const { collect } = this.#memory;
    const began = this.#now();
    if (collect === undefined) return;
    if (began - this.#collectedAt < Math.max(minIntervalMs, this.#collectionMs * COLLECTING)) return;
    begin();
    collect();
    this.#collectedAt = this.#now();
    this.#collectionMs = this.#collectedAt - began;
    this.#measure();
    this.#logger.debug("Memory usage after GC.", this.#attributes());
  }

  #measure(): void {
    this.#used = this.#memory.used();
    this.#since = 0;
  }

  #attributes(): { readonly cur_mem_mib: number } {
    return { cur_mem_mib: Math.floor(this.#used / MIB) };
  }
}
