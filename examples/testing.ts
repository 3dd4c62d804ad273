/** What the examples' tests share: a plugin in the collector's own host, judged by protobufjs. */
import { readFile } from "node:fs/promises";
import { decode, encode, type Plain, requestType, type Signal } from "../e2e/proto.ts";
import { WasmPlugin } from "../packages/otelwasm/src/plugin/plugin.ts";

export interface Pushed {
  /** What goes on: the input itself if the plugin set no result. */
  readonly bytes: Uint8Array;
  /** `bytes` as protobufjs reads them; an empty message where nothing goes on. */
  readonly message: Plain;
  /** Whether the plugin set a result. */
  readonly changed: boolean;
}

export interface StartedPlugin extends AsyncDisposable {
  /** @param batch bytes, or an object with protobufjs' conventions. @throws PluginError when the batch is refused */
  push(signal: Signal, batch: Uint8Array | object): Promise<Pushed>;
}

/** @throws PluginError when the plugin does not start */
export async function startPlugin(
  path: string,
  pluginConfig: unknown,
  signals: readonly Signal[],
): Promise<StartedPlugin> {
  const plugin = await WasmPlugin.load({
    id: "wasm/example",
    role: "processor",
    signals,
    binary: await readFile(path),
    pluginConfig,
    isolation: "inline",
  });
  try {
    await plugin.start();
  } catch (error) {
    await plugin.shutdown();
    throw error;
  }
  return {
    async push(signal, batch) {
      const input = batch instanceof Uint8Array ? batch : encode(requestType[signal], batch as Record<string, unknown>);
      const results = await plugin.consume({ signal, bytes: input });
      const bytes = results === undefined ? input : Buffer.concat(results);
      return { bytes, message: decode(requestType[signal], bytes), changed: results !== undefined };
    },
    [Symbol.asyncDispose]: () => plugin.shutdown(),
  };
}

/** An attribute of any JSON value, with protobufjs' conventions; whole numbers are integers. */
export function attribute(key: string, value: unknown): { key: string; value: object } {
  return { key, value: anyValue(value) };
}

export function anyValue(value: unknown): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") return Number.isInteger(value) ? { intValue: value } : { doubleValue: value };
  if (value instanceof Uint8Array) return { bytesValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  if (typeof value === "object" && value !== null)
    return { kvlistValue: { values: Object.entries(value).map(([key, each]) => attribute(key, each)) } };
  return {};
}
