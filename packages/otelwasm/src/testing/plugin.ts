import { fileURLToPath } from "node:url";
import { LineWriter } from "../component/logger.ts";
import type { Grants, PluginOptions, PluginSource } from "../plugin/options.ts";
import { WasmPlugin } from "../plugin/plugin.ts";
import type { RuntimeConfig } from "../runtime/registry.ts";
import type { Signal } from "../telemetry/batch.ts";
import type { LogsData, MetricsData, TracesData } from "../telemetry/generated/json-types.ts";
import { decodeJson, encodeJson } from "../telemetry/json.ts";

/** A batch of each signal in OTLP's JSON form. */
export interface Batches {
  readonly traces: TracesData;
  readonly metrics: MetricsData;
  readonly logs: LogsData;
}

export interface TestPluginOptions<S extends Signal> {
  /** What is pushed. */
  readonly signal: S;
  /** As `plugin_config` in a collector's configuration. Default: none. */
  readonly pluginConfig?: unknown;
  /** As `runtime_config`. Default: the embedded engine. */
  readonly runtimeConfig?: RuntimeConfig;
  /** What the plugin may use of the machine: environment, arguments, directories, network. Default: nothing. */
  readonly grants?: Grants;
}

/** A line that the plugin would write to the collector's log. */
export interface LogLine {
  readonly level: "trace" | "debug" | "info" | "warn" | "error";
  readonly message: string;
}

/** A processor or exporter plugin that has been started. */
export interface TestPlugin<S extends Signal> extends AsyncDisposable {
  /** The plugin's lines so far, those of `start` included. */
  readonly logs: readonly LogLine[];
  /**
   * Pushes one batch.
   *
   * @returns what the next component of a pipeline gets, with 64-bit integers as strings and without fields that have their default
   *   value: one batch as a rule (the one that was pushed, if the plugin changed nothing or is an exporter), none if everything was dropped
   * @throws PluginError if the plugin refuses the batch or traps; OtlpJsonError if the batch is not OTLP
   */
  push(batch: Batches[S]): Promise<Batches[S][]>;
  /** Shuts the plugin down, once however often it is called. @throws PluginError */
  close(): Promise<void>;
}

/**
 * Loads and starts a processor or exporter plugin.
 *
 * @param module the `.wasm` file, or its bytes
 * @throws PluginError if it cannot be loaded, or does not start: `reason` is what the plugin says, about a wrong configuration for example
 */
export async function testPlugin<S extends Signal>(
  module: string | URL | Uint8Array,
  options: TestPluginOptions<S>,
): Promise<TestPlugin<S>> {
  const { signal } = options;
  const guestLogger = new LogCollector();
  const plugin = await WasmPlugin.load({ ...loadOptions(module, options), role: "processor", guestLogger });
  try {
    await plugin.start();
  } catch (error) {
    await plugin.shutdown();
    throw error;
  }
  return {
    logs: guestLogger.lines,
    async push(batch) {
      const bytes = decodeJson(signal, JSON.stringify(batch));
      const results = (await plugin.consume({ signal, bytes })) ?? [bytes];
      return results
        .filter((result) => result.length > 0)
        .map((result) => JSON.parse(encodeJson(signal, result)) as Batches[S]);
    },
    close: () => plugin.shutdown(),
    [Symbol.asyncDispose]: () => plugin.shutdown(),
  };
}

/** What both kinds of test load a plugin with. @param module the `.wasm` file, or its bytes */
export function loadOptions<S extends Signal>(
  module: string | URL | Uint8Array,
  { signal, pluginConfig, runtimeConfig, grants }: TestPluginOptions<S>,
): Omit<PluginOptions, "role"> & PluginSource {
  const path = module instanceof URL ? fileURLToPath(module) : module;
  return {
    ...(typeof path === "string" ? { id: path, path } : { id: "plugin", binary: path }),
    signals: [signal],
    pluginConfig,
    ...(runtimeConfig === undefined ? {} : { runtimeConfig }),
    ...(grants === undefined ? {} : { grants }),
  };
}

/** Keeps what the guest says. */
export class LogCollector extends LineWriter {
  readonly lines: LogLine[] = [];

  override write(level: LogLine["level"], message: string): void {
    this.lines.push({ level, message });
  }
}
