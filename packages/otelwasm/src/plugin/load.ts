/** From a file to a module that is known to be a plugin of this role, and what its instances are made from. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { ConfigError } from "../component/errors.ts";
import { silentLogger } from "../component/logger.ts";
import { isComponent } from "../runtime/component-binary.ts";
import type { CompiledModule } from "../runtime/contract.ts";
import { capabilitiesOf, validate } from "../runtime/registry.ts";
import "../runtime/engines.ts";
import type { WasiGrants } from "../wasi/grants.ts";
import { componentProblems } from "./component-check.ts";
import { PluginError } from "./errors.ts";
import { resolveGrants } from "./grants.ts";
import { InlinePlace } from "./inline.ts";
import { importProblems, withoutMarker } from "./inspect.ts";
import { LimitedLogger } from "./log-limit.ts";
import { acquireModule, CompileFailure, type SharedModule } from "./modules.ts";
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
  const { runtimeConfig = {} } = options;
  const issues = validate(runtimeConfig);
  if (issues.length > 0) throw new ConfigError(issues.map((issue) => `runtime_config::${issue}`));
  const config = encodeConfig(options.pluginConfig);
  const grants = resolveGrants(options.grants);
  const binary = options.binary ?? (await read(options.id, options.path));
  const { capabilities } = capabilitiesOf(runtimeConfig)!;
  const resolved = resolveOptions(options, capabilities);
  const compileOptions = capabilities.memoryLimit ? { memoryLimit: resolved.limits.memoryBytes } : {};
  if (isComponent(binary)) checkComponent(binary, grants, options);
  const compiled = await acquireModule(runtimeConfig, binary, compileOptions).catch((error: unknown) => {
    if (!(error instanceof CompileFailure)) throw error;
    throw PluginError.fromLoad(options.id, options.path, [error.message], error.cause);
  });
  try {
    const { module } = compiled.code;
    const exports: ResolvedExports = module === undefined ? new Map() : checkModule(module, options);
    const { id, role } = options;
    const plan = { id, role, exports, config, maxResultBytes: resolved.limits.maxResultBytes, grants };
    return { resolved, place: placesOf(compiled, plan, options, resolved), close: () => compiled.release() };
  } catch (error) {
    await compiled.release();
    throw error;
  }
}

function placesOf(
  { runtime, code, portable }: SharedModule,
  plan: Pick<WorkerPlan, "id" | "role" | "exports" | "config" | "maxResultBytes" | "grants">,
  options: PluginOptions,
  { isolation, limits, onFailure }: ResolvedOptions,
): (owner: PlaceOwner) => Place {
  const logger = options.guestLogger ?? options.logger ?? silentLogger;
  if (isolation === "inline") {
    const limited = new LimitedLogger(logger);
    const callTimeoutMs = runtime.capabilities.deadline ? limits.callTimeoutMs : undefined;
    return (owner) => new InlinePlace({ ...plan, runtime, code, logger: limited, callTimeoutMs }, owner);
  }
  const workerPlan = { ...plan, runtimeConfig: options.runtimeConfig ?? {}, code: portable };
  // A batch that a broken plugin lets through must still be there.
  const moves = onFailure !== "pass_through";
  const interrupt = runtime.capabilities.interrupt ? (cells: Int32Array) => runtime.interrupt?.(cells) : undefined;
  return (owner) => new ThreadPlace({ plan: workerPlan, limits, logger, moves, interrupt }, owner);
}

function checkModule(module: CompiledModule, { id, path, role, signals }: PluginOptions): ResolvedExports {
  const dialect = detectDialect(module.exports);
  if (dialect === undefined) throw PluginError.fromLoad(id, path, [withoutMarker(module.imports, module.exports)]);
  const { resolved, problems } = resolveExports(module.exports, dialect, requiredFunctions(role, signals));
  const all = [...problems, ...importProblems(module.imports)];
  if (all.length > 0) throw PluginError.fromLoad(id, path, all);
  return resolved;
}

/** Before an engine has it: that may be slow, and is not for those who have not asked for it. */
function checkComponent(
  binary: Uint8Array,
  grants: WasiGrants,
  { id, path, role, runtimeConfig = {} }: PluginOptions,
): void {
  let problems: string[];
  try {
    problems = componentProblems(binary, { role, runtimeConfig, grants });
  } catch (error) {
    throw PluginError.fromLoad(id, path, [messageOf(error)], error);
  }
  if (problems.length > 0) throw PluginError.fromLoad(id, path, problems);
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
