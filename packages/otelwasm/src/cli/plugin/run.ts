import { ConfigError } from "../../component/errors.ts";
import { parseYaml } from "../../config/yaml.ts";
import { PluginError } from "../../plugin/errors.ts";
import { WasmPlugin } from "../../plugin/plugin.ts";
import type { PluginRole } from "../../plugin/requirements.ts";
import { createLogger } from "../../service/logger.ts";
import { type Batch, SIGNALS, type Signal } from "../../telemetry/batch.ts";
import { decodeJson, encodeJson, OtlpJsonError } from "../../telemetry/json.ts";
import { validateOtlp } from "../../telemetry/validate.ts";
import { type GrantFlags, grantsOfFlags } from "./grant-flags.ts";
import { inspectFile } from "./inspect.ts";
import { formatJson } from "./json.ts";
import { readInput } from "./read.ts";

const ROOT_KEY: Readonly<Record<Signal, string>> = {
  traces: "resourceSpans",
  metrics: "resourceMetrics",
  logs: "resourceLogs",
};

export interface RunOptions extends GrantFlags {
  readonly signal: Signal;
  readonly kind?: PluginRole;
  readonly input?: string;
  /** Of a receiver. */
  readonly batches: number;
  readonly config?: string;
  readonly runtime?: string;
}

/** Runs a plugin; its batches go to standard output, the guest's lines and what became of the batch to standard error. */
export async function run(file: string, options: RunOptions): Promise<void> {
  const { signal, input, batches } = options;
  const grants = grantsOfFlags(options, process.env, (message) => note(`Warning: ${message}`));
  const binary = readInput(file);
  const role = roleOf(file, binary, options);
  const batch = role === "receiver" ? undefined : readBatch(requiredInput(file, input, role), signal);
  const plugin = await WasmPlugin.load({
    id: file,
    binary,
    role,
    // One batch, for whoever looks at it: on this thread, so that the input stays here. A receiver's loop needs a thread of its own.
    isolation: role === "receiver" ? "worker" : "inline",
    signals: [signal],
    pluginConfig: options.config === undefined ? undefined : readPluginConfig(options.config),
    grants,
    // One that broke has broken: this is no collector, and a batch is not given twice.
    restart: { maxRestarts: 0 },
    // What befalls the plugin is this command's own message.
    guestLogger: createLogger({ level: "trace" }),
    ...(options.runtime === undefined ? {} : { runtimeConfig: { type: options.runtime } }),
  });
  try {
    await plugin.start();
    if (batch === undefined) await receive(plugin, signal, batches);
    else await push(plugin, role, { signal, bytes: batch });
  } finally {
    await plugin.shutdown();
  }
}

async function push(plugin: WasmPlugin, role: PluginRole, batch: Batch): Promise<void> {
  const results = await plugin.consume(batch);
  if (role === "exporter") {
    note("exported: the plugin answered success");
    return;
  }
  if (results === undefined) note("unchanged: the batch passes on as it came");
  else if (results.every((result) => result.length === 0)) note("dropped: the plugin set an empty result");
  else if (results.length > 1) note(`${results.length} results`);
  for (const bytes of results ?? [batch.bytes]) print(batch.signal, bytes);
}

/** Until so many batches have come, or the loop has ended for good. */
async function receive(plugin: WasmPlugin, signal: Signal, batches: number): Promise<void> {
  const enough = Promise.withResolvers<void>();
  let left = batches;
  const ended = plugin.receive(signal, async (bytes) => {
    if (left === 0) return;
    const problem = validateOtlp(signal, bytes);
    if (problem !== undefined) note(`not an OTLP ${signal} payload: ${problem}`);
    else print(signal, bytes);
    if (--left === 0) enough.resolve();
  });
  try {
    await Promise.race([enough.promise, ended]);
  } catch (error) {
    // How it broke, without that it was not begun again.
    throw error instanceof PluginError && error.cause instanceof PluginError ? error.cause : error;
  }
}

function print(signal: Signal, bytes: Uint8Array): void {
  process.stdout.write(`${formatJson(JSON.parse(encodeJson(signal, bytes)))}\n`);
}

function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

function readBatch(file: string, signal: Signal): Uint8Array {
  const input = readInput(file);
  if (file.endsWith(".pb")) {
    const problem = validateOtlp(signal, input);
    if (problem !== undefined) throw new Error(`${file}: not an OTLP ${signal} payload: ${problem}`);
    return input;
  }
  const text = input.toString("utf8");
  try {
    const bytes = decodeJson(signal, text);
    if (bytes.length === 0) requireBatch(file, text, signal);
    return bytes;
  } catch (error) {
    if (!(error instanceof OtlpJsonError)) throw error;
    throw new Error(`${file}: not OTLP JSON for ${signal}: ${error.message}`, { cause: error });
  }
}

/** Nothing in a batch is a batch, too; but then it was not something else that was named by mistake. */
function requireBatch(file: string, text: string, signal: Signal): void {
  const keys = Object.keys(JSON.parse(text) as object);
  if (keys.length === 0 || keys.includes(ROOT_KEY[signal])) return;
  const other = SIGNALS.find((each) => keys.includes(ROOT_KEY[each]));
  const advice = other === undefined ? "" : `, but "${ROOT_KEY[other]}": was --signal ${other} meant?`;
  throw new Error(`${file}: not OTLP JSON for ${signal}: it has no "${ROOT_KEY[signal]}"${advice}`);
}

/** What to run it as. A module that takes batches may be a processor as well as an exporter: the exports are the same. */
function roleOf(file: string, binary: Uint8Array, { signal, kind, input }: RunOptions): PluginRole {
  const { signals, problems, roles } = inspectFile(file, binary);
  const role = kind ?? (input === undefined && roles.includes("receiver") ? "receiver" : "processor");
  // Loading it says what is wrong.
  if (problems.length > 0) return role;
  if (!roles.includes(role))
    throw new Error(`${file}: the plugin is no ${role}: it can be used as ${roles.join(" or ")}`);
  if (!signals.includes(signal)) throw new Error(`${file}: the plugin takes ${signals.join(", ")}, not ${signal}`);
  return role;
}

function requiredInput(file: string, input: string | undefined, role: PluginRole): string {
  if (input !== undefined) return input;
  throw new Error(`${file}: ${role === "exporter" ? "an exporter" : "a processor"} needs a batch: --input FILE`);
}

function readPluginConfig(argument: string): unknown {
  if (argument.startsWith("@")) {
    const file = argument.slice(1);
    return parseYaml(readInput(file).toString("utf8"), file);
  }
  try {
    return JSON.parse(argument);
  } catch (cause) {
    throw new ConfigError([`--config: not JSON: ${(cause as Error).message}; a file is named with @FILE`], { cause });
  }
}
