import type { Capabilities, Exporter } from "../../component/component.ts";
import { type ComponentSettings, defineExporter, type ExporterFactory } from "../../component/factory.ts";
import { positiveDuration } from "../../config/values.ts";
import { type DeliveryConfig, deliveryKeys } from "../../exporterhelper/config.ts";
import { withDelivery } from "../../exporterhelper/delivery.ts";
import { type PluginConfig, pluginConfigSchema } from "../../plugin/config.ts";
import { fingerprintOf } from "../../plugin/fingerprint.ts";
import type { WasmPlugin } from "../../plugin/plugin.ts";
import { type Batch, SIGNALS } from "../../telemetry/batch.ts";
import { loadPlugin, movesBuffers, shutdownTimeoutOf } from "./load.ts";
import { reportLosses } from "./losses.ts";

/** Pushes every batch into a plugin's `consume_X`; its status is the answer. A guest that sets a result traps: there is nobody to pass it on to. */
class WasmExporter implements Exporter {
  readonly shutdownTimeoutMs: number;
  readonly capabilities: Capabilities;
  readonly #settings: ComponentSettings;
  readonly #config: PluginConfig;
  #plugin: WasmPlugin | undefined;
  #stopped = false;

  constructor(settings: ComponentSettings, config: PluginConfig) {
    this.#settings = settings;
    this.shutdownTimeoutMs = shutdownTimeoutOf(config);
    this.#config = config;
    this.capabilities = { mutatesData: movesBuffers(config) };
  }

  async start(): Promise<void> {
    this.#plugin = await loadPlugin(this.#settings, "exporter", this.#config, () => this.#stopped);
    await this.#plugin.start();
  }

  async consume(batch: Batch): Promise<void> {
    if (this.#plugin === undefined) throw new Error(`${this.#settings.id}: consume called before start`);
    await this.#plugin.consume(batch);
  }

  async shutdown(): Promise<void> {
    this.#stopped = true;
    try {
      await this.#plugin?.shutdown();
    } finally {
      reportLosses(this.#settings.logger, this.#plugin);
    }
  }
}

interface WasmExporterConfig extends PluginConfig, DeliveryConfig {
  /** In milliseconds, for an attempt: the wait for an instance that is free, and the call. Undefined: the call's own limit, `limits::call_timeout`, is all. */
  readonly timeout?: number | undefined;
}

export const wasmExporterFactory: ExporterFactory = defineExporter<WasmExporterConfig>({
  kind: "exporter",
  type: "wasm",
  signals: SIGNALS,
  description: "Delivers telemetry by a WebAssembly plugin (ABI v1)",
  schema: pluginConfigSchema("exporter", { timeout: positiveDuration().optional(), ...deliveryKeys }),
  fingerprint: fingerprintOf,
  create: (settings, config) =>
    withDelivery(settings, config, new WasmExporter(settings, config), { attemptTimeoutMs: config.timeout }),
});
