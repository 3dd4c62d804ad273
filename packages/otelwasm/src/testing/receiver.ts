import { WasmPlugin } from "../plugin/plugin.ts";
import type { Signal } from "../telemetry/batch.ts";
import { encodeJson } from "../telemetry/json.ts";
import { type Batches, LogCollector, type LogLine, loadOptions, type TestPluginOptions } from "./plugin.ts";

export interface TestReceiverOptions<S extends Signal> extends TestPluginOptions<S> {
  /** The shutdown is requested when the receiver has given so many. */
  readonly batches: number;
}

/** What a receiver gave, and said. */
export interface Received<S extends Signal> {
  readonly batches: Batches[S][];
  readonly logs: readonly LogLine[];
}

/**
 * Runs a receiver plugin, in a thread of its own as a collector does, until it has given `batches` batches, and shuts it down.
 *
 * @param module the `.wasm` file, or its bytes
 * @returns what it gave: more than was asked for, if it gave more before it looked at the shutdown flag
 * @throws PluginError if it cannot be loaded, does not start, or breaks
 */
export async function testReceiver<S extends Signal>(
  module: string | URL | Uint8Array,
  options: TestReceiverOptions<S>,
): Promise<Received<S>> {
  const { signal } = options;
  const logger = new LogCollector();
  const batches: Batches[S][] = [];
  const plugin = await WasmPlugin.load({ ...loadOptions(module, options), role: "receiver", logger });
  try {
    await plugin.start();
    const enough = Promise.withResolvers<void>();
    const receiving = plugin.receive(signal, async (bytes) => {
      batches.push(JSON.parse(encodeJson(signal, bytes)) as Batches[S]);
      if (batches.length >= options.batches) enough.resolve();
    });
    await Promise.race([receiving, enough.promise]);
    await plugin.shutdown();
    await receiving;
  } finally {
    await plugin.shutdown();
  }
  return { batches, logs: logger.lines };
}
