import { setTimeout as wait } from "node:timers/promises";
import { ConsumerError } from "../component/errors.ts";
import type { Logger } from "../component/logger.ts";
import type { Signal } from "../telemetry/batch.ts";
import { PluginError } from "./errors.ts";
import { LimitedLogger } from "./log-limit.ts";
import type { Pool } from "./pool.ts";
import type { Slot } from "./slot.ts";

/** Before a batch that was refused for now is offered again, in milliseconds; twice as long each time, give or take a jitter. */
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;

/** A receiver's loop, over all instances that run it, and the batches that come out of it. */
export class Receiving {
  readonly #id: string;
  readonly #signal: Signal;
  readonly #pool: Pool;
  readonly #deliver: (bytes: Uint8Array) => Promise<void>;
  readonly #logger: Logger;
  readonly #reports: Logger;
  readonly #stopping = new AbortController();
  readonly #inHand = new Set<Promise<void>>();
  #wake: (() => void) | undefined;

  constructor(id: string, signal: Signal, pool: Pool, logger: Logger, deliver: (bytes: Uint8Array) => Promise<void>) {
    this.#id = id;
    this.#signal = signal;
    this.#pool = pool;
    this.#deliver = deliver;
    this.#logger = logger;
    this.#reports = new LimitedLogger(logger);
  }

  /** Runs the loop again and again until the plugin stops. @throws PluginError when it broke too often */
  async run(slot: Slot): Promise<void> {
    const name = `start_${this.#signal}_receiver`;
    while (await this.#untilWorking(slot)) {
      try {
        const reason = await slot.place.receive(this.#signal);
        if (this.#stopping.signal.aborted) break;
        const what = `returned before the plugin was asked to stop${reason === "" ? ", no reason given" : `: ${reason}`}`;
        const error = new PluginError(what, { componentId: this.#id, function: name, reason, permanent: false });
        this.#pool.stats.errors++;
        this.#pool.report(error);
        slot.retire(error, "returned from its loop");
      } catch (error) {
        if (this.#stopping.signal.aborted) break;
        this.#pool.stats.errors++;
        this.#pool.report(error);
      } finally {
        this.#pool.countRefused();
      }
    }
    await Promise.all(this.#inHand);
  }

  /** The states of the slot changed. */
  changed(): void {
    this.#wake?.();
  }

  /** Nothing that comes from now on is taken, and what waits for another attempt is given up. */
  stop(): void {
    this.#stopping.abort();
    this.#wake?.();
  }

  /** What the guest set; it waits until this was dealt with. */
  take(bytes: Uint8Array, proceed: () => void): void {
    const { stats } = this.#pool;
    stats.calls++;
    stats.bytesOut += bytes.length;
    if (this.#stopping.signal.aborted) {
      this.#refuse(bytes, "it came after the plugin was asked to stop");
      proceed();
      return;
    }
    const began = this.#pool.now();
    const taken = this.#offer(bytes).finally(() => {
      this.#pool.took(began);
      this.#inHand.delete(taken);
      proceed();
    });
    this.#inHand.add(taken);
  }

  async #offer(bytes: Uint8Array): Promise<void> {
    for (let interval = FIRST_RETRY_MS; ; interval = Math.min(interval * 2, MAX_RETRY_MS)) {
      try {
        return await this.#deliver(bytes);
      } catch (cause) {
        const error = ConsumerError.from(cause);
        if (error.permanent) return this.#refuse(bytes, error.message);
        if (this.#stopping.signal.aborted)
          return this.#refuse(bytes, `the plugin stops, and the pipeline could not take it: ${error.message}`);
        this.#logger.debug("the pipeline cannot take the plugin's data now; it is offered again", {
          error: error.message,
        });
        await this.#pause(Math.max(interval * (0.5 + Math.random() / 2), error.retryAfterMs ?? 0));
        if (this.#stopping.signal.aborted)
          return this.#refuse(bytes, `the plugin stops, and the pipeline could not take it: ${error.message}`);
      }
    }
  }

  #refuse(bytes: Uint8Array, why: string): void {
    this.#pool.stats.refused++;
    this.#pool.stats.errors++;
    this.#reports.error("data of the plugin is refused and lost", {
      signal: this.#signal,
      bytes: bytes.length,
      reason: why,
    });
  }

  /** Ends early when the plugin stops. */
  async #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#stopping;
    await wait(milliseconds, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  /** @returns false when the plugin stops @throws PluginError when the slot has failed for good */
  async #untilWorking(slot: Slot): Promise<boolean> {
    for (;;) {
      if (this.#stopping.signal.aborted) return false;
      if (slot.state === "working") return true;
      if (slot.state === "failed") throw slot.failure;
      slot.ref();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}
