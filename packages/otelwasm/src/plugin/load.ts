/** From a file to a module that is known to be a plugin of this role, and what its instances are made from. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { serialize } from "node:v8";
import { ConfigError } from "../component/errors.ts";
import { silentLogger } from "../component/logger.ts";
import { parseModule } from "../runtime/binary.ts";
import { isComponent } from "../runtime/component-binary.ts";
import type { CompiledModule, RuntimeCapabilities } from "../runtime/contract.ts";
import { engineModules, isFromModule } from "../runtime/engine-modules.ts";
import { BUILT_IN } from "../runtime/engines.ts";
import { capabilitiesOf, DEFAULT_RUNTIME, launcherOf, validate } from "../runtime/registry.ts";
import { checkComponent } from "./component-check.ts";
import { PluginError } from "./errors.ts";
import { resolveGrants } from "./grants.ts";
import { InlinePlace } from "./inline.ts";
import { importProblems, withoutMarker } from "./inspect.ts";
import { LimitedLogger } from "./log-limit.ts";
import { acquireModule, CompileFailure, interruptOf, type SharedModule } from "./modules.ts";
import { type PluginOptions, type ResolvedOptions, resolveOptions } from "./options.ts";
import type { Place, PlaceOwner } from "./place.ts";
import { ProcessPlace } from "./process/process.ts";
import type { ProcessPlan } from "./process/protocol.ts";
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

/** A component's functions go by the names of its world. */
const NO_EXPORTS: ResolvedExports = new Map();

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
  if (resolved.isolation !== "inline") expectElsewhere(runtimeConfig.type ?? DEFAULT_RUNTIME);
  const compileOptions = capabilities.memoryLimit ? { memoryLimit: resolved.limits.memoryBytes } : {};
  const component = isComponent(binary);
  // Before an engine has it: that may be slow, and is not for those who have not asked for it.
  if (component) checkComponent(binary, { ...options, runtimeConfig, grants });
  if (resolved.isolation === "process") {
    const exports = component ? NO_EXPORTS : checkModule(parse(binary, options), options);
    const place = processesOf({ exports, config, grants, binary, ...compileOptions }, options, resolved, capabilities);
    return { resolved, place, close: async () => {} };
  }
  const compiled = await acquireModule(runtimeConfig, binary, compileOptions).catch((error: unknown) => {
    if (!(error instanceof CompileFailure)) throw error;
    throw PluginError.fromLoad(options.id, options.path, [error.message], error.cause);
  });
  try {
    const { module } = compiled.code;
    const exports = module === undefined ? NO_EXPORTS : checkModule(module, options);
    const { id, role } = options;
    const plan = { id, role, exports, config, maxResultBytes: resolved.limits.maxResultBytes, grants };
    return { resolved, place: placesOf(compiled, plan, options, resolved), close: () => compiled.release() };
  } catch (error) {
    await compiled.release();
    throw error;
  }
}

/** What was registered by code that a guest's thread does not run is not known there. */
function expectElsewhere(type: string): void {
  if (BUILT_IN.includes(type) || isFromModule(type)) return;
  throw new ConfigError([
    `isolation: only this thread knows the engine "${type}"; register it in a module that service::engines names, or use isolation inline`,
  ]);
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
  const workerPlan = {
    ...plan,
    runtimeConfig: options.runtimeConfig ?? {},
    engineModules: engineModules(),
    code: portable,
  };
  // A batch that a broken plugin lets through must still be there.
  const buffers = onFailure === "pass_through" ? "copy" : "move";
  const interrupt = interruptOf(runtime);
  return (owner) => new ThreadPlace({ plan: workerPlan, limits, logger, buffers, interrupt }, owner);
}

/** Nothing of the engine is used here: its processes compile the module. */
function processesOf(
  plan: Pick<ProcessPlan, "exports" | "config" | "grants" | "binary" | "memoryLimit">,
  { id, path, role, runtimeConfig = {}, logger = silentLogger, guestLogger = logger }: PluginOptions,
  { limits }: ResolvedOptions,
  { interrupt, endsWithThread }: RuntimeCapabilities,
): (owner: PlaceOwner) => Place {
  const endsProcess = !interrupt && !endsWithThread;
  const whole: ProcessPlan = {
    ...plan,
    id,
    path,
    role,
    runtimeConfig,
    engineModules: engineModules(),
    limits,
    endsProcess,
  };
  const serialized = serialize(whole);
  const launcher = launcherOf(runtimeConfig);
  return (owner) => new ProcessPlace({ id, plan: serialized, limits, logger, guestLogger, launcher }, owner);
}

function parse(binary: Uint8Array, { id, path }: PluginOptions): Pick<CompiledModule, "imports" | "exports"> {
  try {
    return parseModule(binary);
  } catch (error) {
    throw PluginError.fromLoad(id, path, [messageOf(error)], error);
  }
}

function checkModule(
  module: Pick<CompiledModule, "imports" | "exports">,
  { id, path, role, signals }: PluginOptions,
): ResolvedExports {
  const dialect = detectDialect(module.exports);
  if (dialect === undefined) throw PluginError.fromLoad(id, path, [withoutMarker(module.imports, module.exports)]);
  const { resolved, problems } = resolveExports(module.exports, dialect, requiredFunctions(role, signals));
  const all = [...problems, ...importProblems(module.imports)];
  if (all.length > 0) throw PluginError.fromLoad(id, path, all);
  return resolved;
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
