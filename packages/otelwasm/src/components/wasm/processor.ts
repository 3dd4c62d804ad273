import type { Capabilities, Consumer, Processor } from "../../component/component.ts";
import { type ComponentSettings, defineProcessor, type ProcessorFactory } from "../../component/factory.ts";
import { type PluginConfig, pluginConfigSchema } from "../../plugin/config.ts";
import { fingerprintOf } from "../../plugin/fingerprint.ts";
import type { WasmPlugin } from "../../plugin/plugin.ts";
import { type Batch, SIGNALS } from "../../telemetry/batch.ts";
import { loadPlugin, movesBuffers, shutdownTimeoutOf } from "./load.ts";
import { reportLosses } from "./losses.ts";

/** Pushes every batch through a plugin's `consume_X`, and passes on what it sets. */
class WasmProcessor implements Processor {
  readonly shutdownTimeoutMs: number;
  readonly capabilities: Capabilities;
  readonly #settings: ComponentSettings;
  readonly #config: PluginConfig;
  readonly #next: Consumer;
  #plugin: WasmPlugin | undefined;
  #stopped = false;

  constructor(settings: ComponentSettings, config: PluginConfig, next: Consumer) {
    this.#settings = settings;
    this.shutdownTimeoutMs = shutdownTimeoutOf(config);
    this.#config = config;
    this.#next = next;
    this.capabilities = { mutatesData: movesBuffers(config) };
  }

  async start(): Promise<void> {
    this.#plugin = await loadPlugin(this.#settings, "processor", this.#config, () => this.#stopped);
    await this.#plugin.start();
  }

  async consume(batch: Batch): Promise<void> {
    if (this.#plugin === undefined) throw new Error(`${this.#settings.id}: consume called before start`);
    const results = await this.#plugin.consume(batch);
    if (results === undefined) return this.#next.consume(batch);
    if (results.length === 1) return this.#forward(batch, results[0]!);
    for (const result of results) await this.#forward(batch, result);
  }

  async shutdown(): Promise<void> {
    this.#stopped = true;
    try {
      await this.#plugin?.shutdown();
    } finally {
      reportLosses(this.#settings.logger, this.#plugin);
    }
  }

  #forward({ signal, span }: Batch, bytes: Uint8Array): Promise<void> | undefined {
    if (bytes.length === 0) return undefined;
    return this.#next.consume(span === undefined ? { signal, bytes } : { signal, bytes, span });
  }
}

export const wasmProcessorFactory: ProcessorFactory = defineProcessor<PluginConfig>({
  kind: "processor",
  type: "wasm",
  signals: SIGNALS,
  description: "Pushes telemetry through a WebAssembly plugin (ABI v1)",
  schema: pluginConfigSchema("processor"),
  fingerprint: fingerprintOf,
  create: (settings, config, next) => new WasmProcessor(settings, config, next),
});
