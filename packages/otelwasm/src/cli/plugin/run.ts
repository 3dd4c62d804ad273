import { ConfigError } from "../../component/errors.ts";
import { parseYaml } from "../../config/yaml.ts";
import { WasmPlugin } from "../../plugin/plugin.ts";
import { createLogger } from "../../service/logger.ts";
import { SIGNALS, type Signal } from "../../telemetry/batch.ts";
import { decodeJson, encodeJson, OtlpJsonError } from "../../telemetry/json.ts";
import { validateOtlp } from "../../telemetry/validate.ts";
import { inspectFile } from "./inspect.ts";
import { formatJson } from "./json.ts";
import { readInput } from "./read.ts";

const ROOT_KEY: Readonly<Record<Signal, string>> = {
  traces: "resourceSpans",
  metrics: "resourceMetrics",
  logs: "resourceLogs",
};

export interface RunOptions {
  readonly signal: Signal;
  readonly input: string;
  readonly config?: string;
  readonly runtime?: string;
}

/** Pushes one batch through a plugin; the result goes to standard output, the guest's lines and what became of the batch to standard error. */
export async function run(file: string, options: RunOptions): Promise<void> {
  const { signal } = options;
  const bytes = readBatch(options.input, signal);
  const pluginConfig = options.config === undefined ? undefined : readPluginConfig(options.config);
  const binary = readInput(file);
  requireSignal(file, binary, signal);
  const plugin = await WasmPlugin.load({
    id: file,
    binary,
    role: "processor",
    // One batch, for whoever looks at it: on this thread, so that the input stays here.
    isolation: "inline",
    signals: [signal],
    pluginConfig,
    // What befalls the plugin is this command's own message.
    guestLogger: createLogger({ level: "trace" }),
    ...(options.runtime === undefined ? {} : { runtimeConfig: { type: options.runtime } }),
  });
  try {
    await plugin.start();
    // The plugin's thread takes the buffer away, and gives it back if it sets no result.
    const sent = Buffer.from(bytes);
    const results = (await plugin.consume({ signal, bytes })) ?? [sent];
    if (results.length === 1 && sent.equals(results[0]!)) note("unchanged: the batch passes on as it came");
    else if (results.every((result) => result.length === 0)) note("dropped: the plugin set an empty result");
    else if (results.length > 1) note(`${results.length} results`);
    for (const result of results) {
      process.stdout.write(`${formatJson(JSON.parse(encodeJson(signal, result)))}\n`);
    }
  } finally {
    await plugin.shutdown();
  }
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

function requireSignal(file: string, binary: Uint8Array, signal: Signal): void {
  const { signals, problems } = inspectFile(file, binary);
  if (problems.length > 0 || signals.includes(signal)) return;
  throw new Error(`${file}: the plugin takes ${signals.join(", ")}, not ${signal}`);
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
