import { ConfigError } from "../../component/errors.ts";
import { parseYaml } from "../../config/yaml.ts";
import { WasmPlugin } from "../../plugin/plugin.ts";
import { createLogger } from "../../service/logger.ts";
import type { Signal } from "../../telemetry/batch.ts";
import { decodeJson, encodeJson, OtlpJsonError } from "../../telemetry/json.ts";
import { validateOtlp } from "../../telemetry/validate.ts";
import { formatJson } from "./json.ts";
import { readInput } from "./read.ts";

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
  const plugin = await WasmPlugin.load({
    id: "plugin",
    binary: readInput(file),
    role: "processor",
    // One batch, for whoever looks at it: on this thread, so that the input stays here.
    isolation: "inline",
    signals: [signal],
    pluginConfig,
    logger: createLogger({ level: "trace" }),
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
  try {
    return decodeJson(signal, input.toString("utf8"));
  } catch (error) {
    if (!(error instanceof OtlpJsonError)) throw error;
    throw new Error(`${file}: not OTLP JSON for ${signal}: ${error.message}`, { cause: error });
  }
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
