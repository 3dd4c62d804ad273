import { setTimeout as wait } from "node:timers/promises";
import type { Consumer, Receiver } from "../../component/component.ts";
import { ConsumerError } from "../../component/errors.ts";
import { type ComponentSettings, defineReceiver, type ReceiverFactory } from "../../component/factory.ts";
import { type PluginConfig, pluginConfigSchema } from "../../plugin/config.ts";
import type { WasmPlugin } from "../../plugin/plugin.ts";
import { type Batch, SIGNALS } from "../../telemetry/batch.ts";
import { validateOtlp } from "../../telemetry/validate.ts";
import { loadPlugin } from "./load.ts";
import { Losses } from "./losses.ts";

/** Before a batch that the pipeline could not take is tried again, in milliseconds; doubled each time. */
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;

/**
 * Runs a plugin's `start_X_receiver`, and hands on what it sets. The guest waits inside `set_result_X` until the pipeline has answered, so that it is never
 * ahead by more than one batch.
 */
class WasmReceiver implements Receiver {
  readonly #settings: ComponentSettings;
  readonly #config: PluginConfig;
  readonly #next: Consumer;
  readonly #losses: Losses;
  readonly #stopping = new AbortController();
  readonly #inFlight = new Set<Promise<void>>();
  #plugin: WasmPlugin | undefined;
  #receiving: Promise<void> | undefined;
  #closed = false;

  constructor(settings: ComponentSettings, config: PluginConfig, next: Consumer) {
    this.#settings = settings;
    this.#config = config;
    this.#next = next;
    this.#losses = new Losses(settings.logger);
  }

  async start(): Promise<void> {
    const { id, signal, logger } = this.#settings;
    const plugin = await loadPlugin(this.#settings, "receiver", this.#config);
    this.#plugin = plugin;
    await plugin.start();
    this.#receiving = plugin
      .receive(signal, (bytes) => this.#take({ signal, bytes }))
      .catch((error: unknown) => {
        // Nobody sent this data, so nobody is there to hear of it; the other pipelines go on.
        logger.error(`${id} receives no more ${signal}`, { error });
      });
  }

  /** What the guest sets from now on is refused; the batch that the pipeline has is answered first. */
  async shutdown(): Promise<void> {
    this.#stopping.abort();
    try {
      await this.#plugin?.shutdown();
      await this.#receiving;
    } finally {
      this.#closed = true;
      await Promise.all(this.#inFlight);
      this.#losses.report();
    }
  }

  /** Resolves when the batch is the pipeline's, or is accounted for; a guest cannot be told more: `set_result_X` has no result. */
  #take(batch: Batch): Promise<void> {
    const taken = this.#deliver(batch).finally(() => this.#inFlight.delete(taken));
    this.#inFlight.add(taken);
    return taken;
  }

  async #deliver(batch: Batch): Promise<void> {
    const { signal, bytes } = batch;
    if (bytes.length === 0) return;
    if (this.#closed) {
      this.#losses.add("late", batch, "the receiver is closed");
      return;
    }
    const problem = validateOtlp(signal, bytes);
    if (problem !== undefined) {
      this.#losses.add("malformed", batch, problem);
      return;
    }
    for (let delay = FIRST_RETRY_MS; ; delay = Math.min(delay * 2, MAX_RETRY_MS)) {
      // Whether stopping is asked before the attempt: after the stop, each batch has one more.
      const last = this.#stopping.signal.aborted;
      const error = await this.#attempt(batch);
      if (error === undefined) return;
      if (error.permanent || last) {
        this.#losses.add("refused", batch, error.message);
        return;
      }
      this.#settings.logger.debug("The pipeline cannot take the plugin's data now; it is tried again", { error });
      await this.#pause(Math.max(delay * (0.5 + Math.random() / 2), error.retryAfterMs ?? 0));
    }
  }

  async #attempt({ signal, bytes }: Batch): Promise<ConsumerError | undefined> {
    try {
      // A copy: what comes after may detach the buffer, and it is needed if that fails.
      await this.#next.consume({ signal, bytes: bytes.slice() });
      return undefined;
    } catch (error) {
      return ConsumerError.from(error);
    }
  }

  /** Ends at once when the receiver stops. */
  async #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#stopping;
    await wait(milliseconds, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

export const wasmReceiverFactory: ReceiverFactory = defineReceiver<PluginConfig>({
  kind: "receiver",
  type: "wasm",
  signals: SIGNALS,
  description: "Receives telemetry by a WebAssembly plugin (ABI v1)",
  schema: pluginConfigSchema("receiver"),
  create: (settings, config, next) => new WasmReceiver(settings, config, next),
});
