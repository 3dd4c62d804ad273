/** Runs the compiled plugin in the real host, and OTLP through a protobuf library that knows nothing of either. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import { PluginError } from "../../../packages/otelwasm/src/plugin/errors.ts";
import { WasmPlugin } from "../../../packages/otelwasm/src/plugin/plugin.ts";
import { SIGNALS, type Signal } from "../../../packages/otelwasm/src/telemetry/batch.ts";
import { buildAttributesPlugin } from "../build.ts";

const path = await buildAttributesPlugin();
const root = new protobuf.Root();
const proto = fileURLToPath(new URL("../../../proto", import.meta.url));
root.resolvePath = (_origin, target) => join(proto, target);
await root.load(
  SIGNALS.map(
    (signal) =>
      `opentelemetry/proto/${signal === "traces" ? "trace" : signal}/v1/${signal === "traces" ? "trace" : signal}.proto`,
  ),
);

export const types: Readonly<Record<Signal, protobuf.Type>> = {
  traces: root.lookupType("opentelemetry.proto.trace.v1.TracesData"),
  metrics: root.lookupType("opentelemetry.proto.metrics.v1.MetricsData"),
  logs: root.lookupType("opentelemetry.proto.logs.v1.LogsData"),
};

/** A batch as a plain object: 64 bit numbers as text, bytes as base64, only what is there. */
export type Plain = Record<string, unknown>;

export function decode(signal: Signal, bytes: Uint8Array): Plain {
  return types[signal].toObject(types[signal].decode(bytes), { longs: String, bytes: String });
}

export function encode(signal: Signal, batch: Plain): Uint8Array {
  return new Uint8Array(types[signal].encode(types[signal].fromObject(batch)).finish());
}

export interface Running extends AsyncDisposable {
  /** @returns the result, or `undefined` if the batch goes on as it is */
  push(signal: Signal, bytes: Uint8Array): Promise<Uint8Array | undefined>;
}

export async function startPlugin(pluginConfig: unknown): Promise<Running> {
  const plugin = await WasmPlugin.load({
    id: "wasm/attributes",
    role: "processor",
    signals: SIGNALS,
    path,
    pluginConfig,
    // In a worker, a batch without a result comes back as the batch; these tests tell the two apart.
    isolation: "inline",
  });
  await plugin.start();
  return {
    push: async (signal, bytes) => {
      const results = await plugin.consume({ signal, bytes: new Uint8Array(bytes) });
      if (results === undefined) return undefined;
      if (results.length !== 1) throw new Error(`${results.length} results for one batch`);
      return results[0];
    },
    [Symbol.asyncDispose]: () => plugin.shutdown(),
  };
}

/** Pushes one batch through a plugin of its own. @returns what goes on, decoded */
export async function process(config: unknown, signal: Signal, batch: Plain): Promise<Plain> {
  await using plugin = await startPlugin(config);
  const bytes = encode(signal, batch);
  return decode(signal, (await plugin.push(signal, bytes)) ?? bytes);
}

/** @returns the reason for which the plugin does not start */
export async function startError(config: unknown): Promise<string> {
  try {
    await using _plugin = await startPlugin(config);
  } catch (error) {
    if (error instanceof PluginError && error.function === "start") return error.reason;
    throw error;
  }
  throw new Error(`the plugin started with ${JSON.stringify(config)}`);
}
