/**
 * ABI v1 as data. It has been published under several spellings; a host resolves each name on its own through these lists, and
 * offers every host function under every spelling and under both import modules.
 */

/** The signals, as they stand in the names of functions. */
export const ABI_SIGNALS = ["traces", "metrics", "logs"] as const;
export type AbiSignal = (typeof ABI_SIGNALS)[number];

/** Where guests import the host's functions from. */
export const IMPORT_MODULES = ["opentelemetry.io/wasm", "otelwasm"] as const;

/** The dialects that a host runs, the newest first: of several markers the highest version wins. */
export const DIALECTS = ["v1", "v0.1.0"] as const;
export type Dialect = (typeof DIALECTS)[number];

/** The export `() -> ()` that says which dialect a module was built for. It is never called. */
export const MARKERS: Readonly<Record<Dialect, string>> = {
  v1: "abi_version_v1",
  "v0.1.0": "otelwasm_abi_version_0_1_0",
};

/** One function of the ABI. All parameters and results are i32; pointers and sizes are unsigned. */
export interface AbiFunction {
  readonly params: readonly "i32"[];
  readonly results: readonly "i32"[];
  /** Its spelling in each dialect. */
  readonly names: Readonly<Record<Dialect, string>>;
  /** The spelling of the experimental (pull) interface, if that had the same function with the same type. */
  readonly experimental?: string;
}

export type GuestFunction =
  | "alloc"
  | "get_supported_telemetry"
  | "start"
  | "shutdown"
  | `consume_${AbiSignal}`
  | `start_${AbiSignal}_receiver`;

export type HostFunctionName =
  | `set_result_${AbiSignal}`
  | "get_plugin_config"
  | "set_status_reason"
  | "get_shutdown_requested"
  | "log";

function abiFunction(
  v1: string,
  prefixed: string,
  params: number,
  results: number,
  experimental?: string,
): AbiFunction {
  return {
    params: Array<"i32">(params).fill("i32"),
    results: Array<"i32">(results).fill("i32"),
    names: { v1, "v0.1.0": `otelwasm_${prefixed}` },
    ...(experimental === undefined ? {} : { experimental }),
  };
}

/** `traces` as the experimental interface spelt it in names: `Traces`. */
function camel(signal: AbiSignal): string {
  return `${signal.charAt(0).toUpperCase()}${signal.slice(1)}`;
}

/** What a guest exports. */
export const GUEST_FUNCTIONS: Readonly<Record<GuestFunction, AbiFunction>> = {
  alloc: abiFunction("alloc", "memory_allocate", 1, 1),
  get_supported_telemetry: abiFunction(
    "get_supported_telemetry",
    "get_supported_telemetry",
    0,
    1,
    "getSupportedTelemetry",
  ),
  start: abiFunction("start", "start", 0, 1),
  shutdown: abiFunction("shutdown", "shutdown", 0, 1),
  consume_traces: abiFunction("consume_traces", "consume_traces", 2, 1),
  consume_metrics: abiFunction("consume_metrics", "consume_metrics", 2, 1),
  consume_logs: abiFunction("consume_logs", "consume_logs", 2, 1),
  start_traces_receiver: receiver("traces"),
  start_metrics_receiver: receiver("metrics"),
  start_logs_receiver: receiver("logs"),
};

function receiver(signal: AbiSignal): AbiFunction {
  return abiFunction(`start_${signal}_receiver`, `start_${signal}_receiver`, 0, 0, `start${camel(signal)}Receiver`);
}

/** What a guest may import. */
export const HOST_FUNCTIONS: Readonly<Record<HostFunctionName, AbiFunction>> = {
  set_result_traces: setResult("traces"),
  set_result_metrics: setResult("metrics"),
  set_result_logs: setResult("logs"),
  get_plugin_config: abiFunction("get_plugin_config", "get_plugin_config", 2, 1, "getPluginConfig"),
  set_status_reason: abiFunction("set_status_reason", "set_status_reason", 2, 0, "setResultStatusReason"),
  get_shutdown_requested: abiFunction("get_shutdown_requested", "get_shutdown_requested", 0, 1, "getShutdownRequested"),
  log: abiFunction("log", "log", 3, 0),
};

function setResult(signal: AbiSignal): AbiFunction {
  return abiFunction(`set_result_${signal}`, `set_result_${signal}`, 2, 0, `setResult${camel(signal)}`);
}

/** What only modules of the experimental interface export: seen without a marker, they tell what the module is. */
export const EXPERIMENTAL_EXPORTS: readonly string[] = ABI_SIGNALS.flatMap((signal) => [
  `process${camel(signal)}`,
  `push${camel(signal)}`,
  `start${camel(signal)}Receiver`,
]).concat("getSupportedTelemetry");

/** The pull functions of the experimental interface, which ABI v1 removed. */
export const EXPERIMENTAL_IMPORTS: readonly string[] = ABI_SIGNALS.map((signal) => `current${camel(signal)}`);

/** Every spelling of a function, the given dialect's first. */
export function spellings(abi: AbiFunction, dialect: Dialect = "v1"): readonly string[] {
  const names = [abi.names[dialect], ...DIALECTS.map((other) => abi.names[other])];
  if (abi.experimental !== undefined) names.push(abi.experimental);
  return [...new Set(names)];
}
