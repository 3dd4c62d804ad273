import { HOST_FUNCTIONS, type HostFunctionName, IMPORT_MODULES, spellings } from "../abi/names.ts";
import { logLevelOf } from "../abi/values.ts";
import type { Logger } from "../component/logger.ts";
import type { HostFunction, HostModule, Memory, Value } from "../runtime/contract.ts";
import { WasmError } from "../runtime/errors.ts";
import type { Signal } from "../telemetry/batch.ts";
import type { WasiGrants } from "../wasi/grants.ts";
import { createWasi } from "../wasi/index.ts";
import type { NetworkLink } from "../wasi/sockets/protocol.ts";
import { assemblyScriptFunctions } from "./assemblyscript.ts";
import type { GuestCall, ResultSink } from "./call.ts";
import { ownCopy, readText, view } from "./guest-memory.ts";

/** What the host functions of one instance work on. */
export interface HostServices {
  readonly call: GuestCall;
  /** `plugin_config` as JSON text in UTF-8. */
  readonly config: Uint8Array;
  /** Where the guest's lines go. */
  readonly logger: Logger;
  /** What the guest may use of the machine. Default: nothing. */
  readonly grants?: WasiGrants | undefined;
  readonly shutdownRequested: () => boolean;
  /** What the guest waits on, see `WakeSource`. */
  readonly wake?: Int32Array | undefined;
  /** See `WasiServices.network`. */
  readonly network?: NetworkLink | undefined;
}

/** A longer line of a guest's log is cut: a guest must not fill the host's disk with one call. */
const MAX_LOG_BYTES = 64 * 1024;
/** A reason travels in gRPC's trailers, which clients limit to about 8 KiB. */
const MAX_REASON_BYTES = 4 * 1024;

type Implementation = HostFunction["function"];

/** The functions of one instance, and what the host holds open for it. */
export interface GuestHostModule extends HostModule {
  /** Releases it, and writes the lines of the guest's output that have no end. May be called again. */
  close(): void;
}

/**
 * Every host function under every spelling and both import modules, what AssemblyScript's programs import, and WASI.
 *
 * @throws WasiError if a directory that is granted cannot be opened
 */
export function createHostModule(services: HostServices): GuestHostModule {
  const implementations: Readonly<Record<HostFunctionName, Implementation>> = {
    set_result_traces: setResult("traces", services.call),
    set_result_metrics: setResult("metrics", services.call),
    set_result_logs: setResult("logs", services.call),
    get_plugin_config: (memory, buffer, limit) => getPluginConfig(services.config, memory, buffer, limit),
    set_status_reason: (memory, pointer, size) => setStatusReason(services.call, memory, pointer, size),
    get_shutdown_requested: () => (services.shutdownRequested() ? 1 : 0),
    log: (memory, level, pointer, size) => {
      const message = readText("log", memory, pointer as number, size as number, MAX_LOG_BYTES);
      services.logger[logLevelOf(level as number)](message);
      return undefined;
    },
  };
  const { logger } = services;
  const wasi = createWasi(services);
  return {
    functions: [...namesOf(implementations), ...assemblyScriptFunctions(logger), ...wasi.functions],
    close: () => wasi.close(),
  };
}

function namesOf(implementations: Readonly<Record<HostFunctionName, Implementation>>): HostFunction[] {
  return Object.entries(HOST_FUNCTIONS).flatMap(([name, { params, results, ...abi }]) =>
    IMPORT_MODULES.flatMap((moduleName) =>
      spellings({ params, results, ...abi }).map((functionName) => ({
        moduleName,
        functionName,
        params,
        results,
        function: implementations[name as HostFunctionName],
      })),
    ),
  );
}

function setResult(signal: Signal, call: GuestCall): Implementation {
  const name = `set_result_${signal}`;
  return (memory, pointer, size) => {
    if (call.accepts !== signal)
      throw outOfContext(
        name,
        call,
        "an exporter's plugin has no results; a receiver's sets them in start_X_receiver, a processor's in consume_X, for the signal that it was given",
      );
    // No bytes at an address that means nothing (an empty slice's): drop everything.
    const bytes = size === 0 ? NOTHING : view(name, memory, pointer as number, size as number);
    if (call.sink !== undefined) giveTo(call.sink, bytes, call.maxResultBytes);
    else keepResult(name, call, bytes);
    return undefined;
  };
}

const NOTHING = new Uint8Array(0);

function giveTo(sink: ResultSink, bytes: Uint8Array, limit: number): void {
  if (bytes.length > limit) sink.refuse(bytes.length);
  else sink.take(ownCopy(bytes));
}

/** Of one call, whatever their size: what holds a result is on the host's heap, which a guest that sets empty ones without end would fill. */
const MAX_RESULTS = 65_536;

/** Beyond the limit of bytes nothing is kept, and the call will be an error: the guest is not at fault as an instance, so that it need not trap. */
function keepResult(name: string, call: GuestCall, bytes: Uint8Array): void {
  if (call.results?.length === MAX_RESULTS)
    throw new WasmError("host", `${name} called more than ${MAX_RESULTS} times in one call`);
  call.resultBytes += bytes.length;
  if (call.resultBytes > call.maxResultBytes) call.results = undefined;
  else if (call.results === undefined) call.results = [ownCopy(bytes)];
  else call.results.push(ownCopy(bytes));
}

/** Returns the actual size always, and writes only what fits: the guest makes its buffer larger and asks again. */
function getPluginConfig(config: Uint8Array, memory: Memory, buffer: Value, limit: Value): number {
  if (config.length > (limit as number) >>> 0) return config.length;
  view("get_plugin_config", memory, buffer as number, config.length).set(config);
  return config.length;
}

function setStatusReason(call: GuestCall, memory: Memory, pointer: Value, size: Value): undefined {
  if (call.operation === undefined || call.operation === "instantiation" || call.operation === "_initialize")
    throw outOfContext("set_status_reason", call, "it gives the reason of the status that a function returns");
  call.reason = readText("set_status_reason", memory, pointer as number, size as number, MAX_REASON_BYTES);
}

function outOfContext(name: string, call: GuestCall, rule: string): WasmError {
  return new WasmError("host", `${name} called during ${call.operation ?? "no call of the host"}: ${rule}`);
}
