/** What the examples' tests share: a plugin in the collector's own host, judged by protobufjs. */
import { copyFile, mkdir, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { buildGuest } from "../conformance/build.ts";
import { GUESTS, type GuestName } from "../conformance/guests.ts";
import { postHttp } from "../e2e/clients.ts";
import { NO_METRICS, runProgram } from "../e2e/process.ts";
import { decode, encode, type Plain, requestType, type Signal } from "../e2e/proto.ts";
import { startSink } from "../e2e/sink.ts";
import { plain } from "../packages/otelwasm/src/config/expanded.ts";
import { parseConfig } from "../packages/otelwasm/src/config/load.ts";
import { PluginError } from "../packages/otelwasm/src/plugin/errors.ts";
import { WasmPlugin } from "../packages/otelwasm/src/plugin/plugin.ts";

interface Pushed {
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

/** @param isolation `worker` for what a deadline must end @throws PluginError when the plugin does not start */
export async function startPlugin(
  path: string,
  pluginConfig: unknown,
  signals: readonly Signal[],
  isolation: "inline" | "worker" = "inline",
): Promise<StartedPlugin> {
  const plugin = await WasmPlugin.load({
    id: "wasm/example",
    role: "processor",
    signals,
    binary: await readFile(path),
    pluginConfig,
    isolation,
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

/**
 * An example that another toolchain builds, as its README has it built.
 *
 * @returns the path that the example's `config.yaml` names
 */
export async function guestWhereExpected(name: GuestName): Promise<string> {
  const built = await buildGuest(name);
  const expected = fileURLToPath(new URL(`../${GUESTS[name].product}`, import.meta.url));
  await mkdir(dirname(expected), { recursive: true });
  // Renamed when complete: whoever reads at the same moment finds a whole file.
  const unfinished = `${expected}.${process.pid}`;
  await copyFile(built, unfinished);
  await rename(unfinished, expected);
  return expected;
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

/** A decoded message, whoever decoded it. */
export type Fields = Record<string, unknown>;

export function list(message: Fields, key: string): Fields[] {
  return (message[key] ?? []) as Fields[];
}

/** The message with the items of a list that `keep` answers for: as they are (true), changed (an object), or not at all. */
export function prune(message: Fields, key: string, keep: (item: Fields) => boolean | Fields): Fields {
  const { [key]: _, ...rest } = message;
  const kept = list(message, key).flatMap((item) => {
    const answer = keep(item);
    return answer === true ? [item] : answer === false ? [] : [answer];
  });
  return kept.length > 0 ? { ...rest, [key]: kept } : rest;
}

/** As {@link prune}, for items that are nothing without another list in them. */
export function pruneWith(message: Fields, key: string, inner: string, keep: (item: Fields) => Fields): Fields {
  return prune(message, key, (item) => {
    const kept = keep(item);
    return kept[inner] === undefined ? false : kept;
  });
}

/** Property-based tests feed a plugin anything: it may refuse a batch for good, but never break. @throws what breaks it */
export async function refusesOrTakes(plugin: StartedPlugin, signal: Signal, bytes: Uint8Array): Promise<void> {
  try {
    await plugin.push(signal, bytes);
  } catch (error) {
    // What the guest did not look into, protobufjs may refuse.
    if (error instanceof PluginError && !(error.permanent && error.reason.startsWith("malformed OTLP"))) throw error;
  }
}

/** The `plugin_config` of every processor in a README's YAML and in the example's `config.yaml`. */
export async function documentedConfigs(folder: URL): Promise<unknown[]> {
  const readme = await readFile(new URL("README.md", folder), "utf8");
  const blocks = [...readme.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text]) => text!);
  const documents = [...blocks, await readFile(new URL("config.yaml", folder), "utf8")];
  return documents.flatMap((text) => {
    const { processors } = plain(parseConfig(text)) as { processors: Record<string, { plugin_config: unknown }> };
    return Object.values(processors).map((processor) => processor.plugin_config);
  });
}

/**
 * Sends one batch into a collector that runs the example's `config.yaml` as its README says, to a sink.
 *
 * @param name the example's folder; in capitals, with `_` for `-`, it begins the variables of its addresses
 * @returns what arrived at the sink
 */
export async function throughCollector(name: string, signal: Signal, batch: object): Promise<Plain> {
  await using sink = await startSink();
  const prefix = name.toUpperCase().replaceAll("-", "_");
  const env = {
    [`${prefix}_GRPC_ENDPOINT`]: "127.0.0.1:0",
    [`${prefix}_HTTP_ENDPOINT`]: "127.0.0.1:0",
    [`${prefix}_SINK_ENDPOINT`]: sink.httpUrl,
  };
  const config = `examples/${name}/config.yaml`;
  await using program = runProgram(["packages/otelwasm/bin/otelwasm.js", "--config", config, ...NO_METRICS], { env });
  const [, httpUrl] = await program.waitFor(/"?http"?[^\n]*?(http:\/\/127\.0\.0\.1:\d+)/);
  const { status } = await postHttp(
    { httpUrl: httpUrl! },
    signal,
    encode(requestType[signal], batch as Record<string, unknown>),
  );
  if (status !== 200) throw new Error(`the collector answered ${status}: ${program.output}`);
  const [request] = await sink.waitForRequests(1);
  program.child.kill("SIGTERM");
  const code = await program.exit;
  if (code !== 0) throw new Error(`the collector ended with ${code}: ${program.output}`);
  return request!.message;
}
