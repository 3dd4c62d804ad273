import type { LogAttributes, Logger } from "../component/logger.ts";
import type { Signal } from "../telemetry/batch.ts";
import { PluginError } from "./errors.ts";
import type { RestartOptions } from "./options.ts";
import type { Breakage, Place } from "./place.ts";
import { RestartPolicy } from "./restart.ts";

/** `restarting`: the next instance is being made; `waiting`: for the time to make it. */
export type SlotState = "idle" | "working" | "restarting" | "waiting" | "failed" | "closed";

export interface SlotOptions {
  readonly id: string;
  readonly restart: RestartOptions;
  readonly shutdownTimeoutMs: number;
  readonly logger: Logger;
  /** Told when it broke too often, before its `state` changes. */
  readonly failed: (details: LogAttributes) => void;
  /** Told after each change of `state`. */
  readonly changed: () => void;
}

/** Keeps one instance working: replaces it when it breaks, until it breaks too often. */
export class Slot {
  readonly place: Place;
  state: SlotState = "idle";
  /** Why it does not work; undefined while it does. */
  failure: PluginError | undefined;
  restarts = 0;
  /** How many of its calls came back since it worked: they keep their order. */
  returned = 0;
  readonly #options: SlotOptions;
  readonly #policy: RestartPolicy;
  #worksSince = 0;
  #nextAttemptAt = 0;
  #timer: NodeJS.Timeout | undefined;
  /** What `restarting` waits for; whether the guest of the new instance was started. */
  #attempt: Promise<boolean> | undefined;

  constructor(options: SlotOptions, place: Place) {
    this.#options = options;
    this.place = place;
    this.#policy = new RestartPolicy(options.restart);
  }

  /** Milliseconds until the next attempt; 0 while there is none to wait for. */
  get retryAfterMs(): number {
    return this.state === "waiting" ? Math.max(1, Math.ceil(this.#nextAttemptAt - performance.now())) : 0;
  }

  open(): Promise<readonly Signal[]> {
    return this.place.open();
  }

  /** The guest's `start`, the first time. */
  async start(): Promise<void> {
    await this.place.start();
    if (this.state === "idle") this.#works();
  }

  /** Somebody waits for the next attempt: until then it keeps the process. */
  ref(): void {
    this.#timer?.ref();
  }

  /** A call came back well: a break after it is the first in a row. */
  worked(): void {
    this.#policy.worked();
  }

  broke(error: PluginError, how: Breakage): void {
    // Whoever makes or ends an instance hears of its failure from what it called.
    if (this.state !== "working") return;
    // A receiver has no calls that come back; one that lasted has worked.
    if (performance.now() - this.#worksSince >= this.#options.restart.maxIntervalMs) this.#policy.worked();
    this.#schedule(error, how);
  }

  /** Ends an instance that is sound but of no more use, `shutdown` included, and makes the next one. */
  retire(error: PluginError, how: Breakage): void {
    if (this.state !== "working") return;
    this.#attempt = this.#retire(error, how);
  }

  /** @throws PluginError of the guest's `shutdown`, after everything was released */
  async stop(): Promise<void> {
    const { shutdownTimeoutMs } = this.#options;
    clearTimeout(this.#timer);
    const { state } = this;
    this.#become("closed");
    this.place.requestShutdown();
    try {
      const started = state === "restarting" ? await this.#endOfAttempt(shutdownTimeoutMs) : state === "working";
      if (started) await this.place.shutdown();
    } finally {
      await this.place.close();
    }
  }

  async #endOfAttempt(milliseconds: number): Promise<boolean> {
    const force = setTimeout(() => void this.place.close(), milliseconds);
    try {
      return (await this.#attempt) ?? false;
    } finally {
      clearTimeout(force);
    }
  }

  #schedule(error: PluginError, how: Breakage): void {
    const delay = this.#policy.next();
    const { restart, id } = this.#options;
    if (delay === undefined) {
      this.failure = new PluginError(
        `the plugin has failed for good, after ${restart.maxRestarts} restarts within ${restart.windowMs} ms: ${error.message}`,
        { componentId: id, function: error.function, permanent: false, cause: error },
      );
      this.#options.failed({
        restarts: restart.maxRestarts,
        window_ms: restart.windowMs,
        error: error.message,
      });
      this.#become("failed");
      return;
    }
    this.failure = error;
    if (delay === 0) {
      this.#attempt = this.#replace(how);
      return;
    }
    this.#nextAttemptAt = performance.now() + delay;
    this.#timer = setTimeout(() => {
      this.#attempt = this.#replace(how);
    }, delay).unref();
    this.#become("waiting");
  }

  async #retire(error: PluginError, how: Breakage): Promise<boolean> {
    this.#become("restarting");
    await this.place.shutdown().catch((cause: unknown) => {
      this.#options.logger.error("the shutdown of an instance that is replaced failed", { error: String(cause) });
    });
    if (this.state === "restarting") this.#schedule(error, how);
    return false;
  }

  async #replace(how: Breakage): Promise<boolean> {
    const { id, logger } = this.#options;
    this.#become("restarting");
    try {
      await this.place.open();
      if (this.state !== "restarting") return false;
      await this.place.start();
    } catch (cause) {
      if (this.state !== "restarting") return false;
      const message = cause instanceof Error ? cause.message : String(cause);
      logger.error(`the instance that ${how} could not be replaced`, { error: message });
      // Whatever it was, it says nothing about a batch that waits: retryable.
      const error = new PluginError(`the instance that ${how} could not be replaced: ${message}`, {
        componentId: id,
        function: cause instanceof PluginError ? cause.function : "instantiation",
        permanent: false,
        cause,
      });
      this.#schedule(error, how);
      return false;
    }
    this.restarts++;
    logger.warn(`the instance that ${how} was replaced by a fresh one`);
    this.#works();
    return true;
  }

  #works(): void {
    this.failure = undefined;
    this.returned = 0;
    this.#worksSince = performance.now();
    this.#become("working");
  }

  #become(state: SlotState): void {
    if (this.state === "closed") return;
    this.state = state;
    this.#options.changed();
  }
}
