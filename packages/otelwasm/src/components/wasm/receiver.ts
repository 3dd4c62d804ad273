import { type Arrivals, createArrivals } from "../../component/arrivals.ts";
import type { Consumer, Receiver } from "../../component/component.ts";
import { ConsumerError, StatusCode } from "../../component/errors.ts";
import { type ComponentSettings, defineReceiver, type ReceiverFactory } from "../../component/factory.ts";
import { type PluginConfig, pluginConfigSchema } from "../../plugin/config.ts";
import { fingerprintOf } from "../../plugin/fingerprint.ts";
import type { WasmPlugin } from "../../plugin/plugin.ts";
import { type Batch, SIGNALS } from "../../telemetry/batch.ts";
import { checkedBatch } from "../../telemetry/validate.ts";
import { loadPlugin, shutdownTimeoutOf } from "./load.ts";
import { reportLosses } from "./losses.ts";

/**
 * Runs a plugin's `start_X_receiver`, and hands on what it sets. The guest waits inside `set_result_X` until the pipeline has answered, so that it is never
 * ahead by more than one batch. What is refused for now is tried again, what is refused for good is counted and logged: the plugin does that.
 */
class WasmReceiver implements Receiver {
  readonly shutdownTimeoutMs: number;
  readonly #settings: ComponentSettings;
  readonly #config: PluginConfig;
  readonly #next: Consumer;
  /** Each try of a batch counts, as a client's would. */
  readonly #arrivals: Arrivals | undefined;
  readonly #inFlight = new Set<Promise<void>>();
  #plugin: WasmPlugin | undefined;
  #stopped = false;
  #receiving: Promise<void> | undefined;

  constructor(settings: ComponentSettings, config: PluginConfig, next: Consumer) {
    this.#settings = settings;
    this.shutdownTimeoutMs = shutdownTimeoutOf(config);
    this.#config = config;
    this.#next = next;
    this.#arrivals = createArrivals(settings, "");
  }

  async start(): Promise<void> {
    const { signal, logger, reportStatus } = this.#settings;
    const plugin = await loadPlugin(this.#settings, "receiver", this.#config, () => this.#stopped);
    this.#plugin = plugin;
    await plugin.start();
    this.#receiving = plugin
      .receive(signal, (bytes) => this.#deliver(bytes))
      .catch((error: unknown) => {
        // Nobody sent this data, so nobody is there to hear of it; the other pipelines go on.
        logger.error(`The receiver has stopped: no more ${signal} from it`, { error });
        reportStatus({
          status: "PermanentError",
          error: error instanceof Error ? error.message : String(error),
          logged: true,
        });
      });
  }

  /** What the guest sets from now on is refused; the batch that the pipeline has is answered first. */
  async shutdown(): Promise<void> {
    this.#stopped = true;
    try {
      await this.#plugin?.shutdown();
    } finally {
      await this.#receiving;
      await Promise.all(this.#inFlight);
      reportLosses(this.#settings.logger, this.#plugin);
    }
  }

  /** @throws ConsumerError the pipeline's, or a permanent one for what is not OTLP: a guest is not trusted to give it */
  async #deliver(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    const { signal } = this.#settings;
    const checked = checkedBatch(signal, bytes);
    if (typeof checked === "string")
      throw ConsumerError.permanent(`it is not OTLP: ${checked}`, { code: StatusCode.INVALID_ARGUMENT });
    // A copy: what comes after may take the buffer away, and it is needed for another try.
    const copy: Batch = { ...checked, bytes: bytes.slice() };
    const batch = this.#arrivals?.begin(copy) ?? copy;
    const taken = this.#next.consume(batch);
    const settled = taken.then(
      () => {},
      () => {},
    );
    this.#inFlight.add(settled);
    try {
      await taken;
      this.#arrivals?.accepted(batch);
    } catch (error) {
      this.#arrivals?.failed(batch, error);
      throw error;
    } finally {
      this.#inFlight.delete(settled);
    }
  }
}

export const wasmReceiverFactory: ReceiverFactory = defineReceiver<PluginConfig>({
  kind: "receiver",
  type: "wasm",
  signals: SIGNALS,
  description: "Receives telemetry by a WebAssembly plugin (ABI v1)",
  schema: pluginConfigSchema("receiver"),
  fingerprint: fingerprintOf,
  create: (settings, config, next) => new WasmReceiver(settings, config, next),
});
