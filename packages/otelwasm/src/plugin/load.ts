/** From a file to a module that is known to be a plugin of this role, and what its instances are made from. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { ConfigError } from "../component/errors.ts";
import { silentLogger } from "../component/logger.ts";
import type { CompiledModule, Runtime } from "../runtime/contract.ts";
import { create, validate } from "../runtime/registry.ts";
import "../runtime/engines.ts";
import type { WasiGrants } from "../wasi/grants.ts";
import { PluginError } from "./errors.ts";
import { resolveGrants } from "./grants.ts";
import { InlinePlace } from "./inline.ts";
import { importProblems, withoutMarker } from "./inspect.ts";
import { LimitedLogger } from "./log-limit.ts";
import { type PluginOptions, type ResolvedOptions, resolveOptions } from "./options.ts";
import type { Place, PlaceOwner } from "./place.ts";
import { detectDialect, type ResolvedExports, requiredFunctions, resolveExports } from "./requirements.ts";
import type { WorkerPlan } from "./worker/protocol.ts";
import { ThreadPlace } from "./worker/thread.ts";

/** A module that was checked; nothing of it has run. */
export interface LoadedModule {
  readonly resolved: ResolvedOptions;
  /** Makes the place of one instance. */
  place(owner: PlaceOwner): Place;
  /** After all places were closed. */
  close(): Promise<void>;
}

/** @throws PluginError that lists everything that is wrong with the module; ConfigError */
export async function loadModule(options: PluginOptions): Promise<LoadedModule> {
  const issues = validate(options.runtimeConfig ?? {});
  if (issues.length > 0) throw new ConfigError(issues.map((issue) => `runtime_config::${issue}`));
  const config = encodeConfig(options.pluginConfig);
  const grants = resolveGrants(options.grants);
  const binary = options.binary ?? (await read(options.id, options.path));
  const runtime = await create(options.runtimeConfig);
  try {
    const resolved = resolveOptions(options, runtime.capabilities);
    return await loadWith(runtime, binary, config, grants, options, resolved);
  } catch (error) {
    await runtime.close();
    throw error;
  }
}

async function loadWith(
  runtime: Runtime,
  binary: Uint8Array,
  config: Uint8Array,
  grants: WasiGrants,
  options: PluginOptions,
  resolved: ResolvedOptions,
): Promise<LoadedModule> {
  const { id, path, role } = options;
  const logger = options.guestLogger ?? options.logger ?? silentLogger;
  const { limits, onFailure } = resolved;
  const compileOptions = runtime.capabilities.memoryLimit ? { memoryLimit: limits.memoryBytes } : {};
  const module = await runtime.compile(binary, compileOptions).catch((error: unknown) => {
    throw PluginError.fromLoad(id, path, [messageOf(error)], error);
  });
  const exports = checkModule(module, options);
  const plan = { id, role, exports, config, maxResultBytes: limits.maxResultBytes, grants };
  const close = (): Promise<void> => module.close().then(() => runtime.close());
  if (resolved.isolation === "inline") {
    const limited = new LimitedLogger(logger);
    return {
      resolved,
      place: (owner) => new InlinePlace({ ...plan, runtime, module, logger: limited }, owner),
      close,
    };
  }
  const shared = module.share?.();
  const workerPlan: Omit<WorkerPlan, "control" | "network"> = {
    ...plan,
    runtimeConfig: options.runtimeConfig ?? {},
    module: shared === undefined ? { binary: inSharedMemory(binary), ...compileOptions } : { shared },
  };
  return {
    resolved,
    // A batch that a broken plugin lets through must still be there.
    place: (owner) => new ThreadPlace({ plan: workerPlan, limits, logger, moves: onFailure !== "pass_through" }, owner),
    close,
  };
}

function checkModule(module: CompiledModule, { id, path, role, signals }: PluginOptions): ResolvedExports {
  const dialect = detectDialect(module.exports);
  if (dialect === undefined) throw PluginError.fromLoad(id, path, [withoutMarker(module.imports, module.exports)]);
  const { resolved, problems } = resolveExports(module.exports, dialect, requiredFunctions(role, signals));
  const all = [...problems, ...importProblems(module.imports)];
  if (all.length > 0) throw PluginError.fromLoad(id, path, all);
  return resolved;
}

/** Each worker reads it where it is. */
function inSharedMemory(binary: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(binary.length));
  shared.set(binary);
  return shared;
}

async function read(id: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // The name may be relative to a folder that nobody thinks of.
    const problem = code === "ENOENT" ? `there is no file ${resolve(path)}` : message;
    throw PluginError.fromLoad(id, undefined, [`cannot read the plugin: ${problem}`], error);
  }
}

/** What guests parse: JSON, `{}` where nothing is configured, as their parsers fail on `null`. */
function encodeConfig(config: unknown): Uint8Array {
  try {
    return new TextEncoder().encode(JSON.stringify(config ?? {}) ?? "{}");
  } catch (error) {
    throw new ConfigError([`plugin_config: cannot be written as JSON: ${messageOf(error)}`], { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
