import type { Runtime, RuntimeCapabilities } from "./contract.ts";
import { type FeatureFlags, featureIssues } from "./features.ts";

/** How an engine becomes known. */
export interface RuntimeFactory {
  /**
   * Known before anything is created: a configuration that asks for more is refused when it is read.
   *
   * @param config as for `create`; what is wrong in it is for `validate` to say
   */
  capabilities(config: unknown): RuntimeCapabilities;
  /** Why the engine cannot be used on this machine, and what to do about it; absent or `undefined` if it can. */
  missing?(config: unknown): string | undefined;
  /** The engine's own version, and where its library is; for people. @throws if it is missing */
  describe?(config: unknown): EngineDescription;
  /**
   * Checks `runtime_config.<type>` when the configuration is read.
   *
   * @param config what stands there, a mapping; `undefined` if nothing does
   * @returns one message for each thing that is wrong, starting with its path below `<type>`, e.g. `mode: must be ...`
   */
  validate(config: unknown): readonly string[];
  /** @param config valid according to `validate` */
  create(config: unknown): Promise<Runtime>;
  /** What starts a process with this engine in it. Default: the program that runs this, without an environment. */
  launcher?(config: unknown): Launcher | undefined;
}

/** A program that runs a JavaScript file. */
export interface Launcher {
  readonly file: string;
  /** Before the JavaScript file and its own arguments. */
  readonly args: readonly string[];
  /** All that the process gets of an environment. */
  readonly env: Readonly<Record<string, string>>;
}

export interface EngineDescription {
  readonly version: string;
  /** Of the shared library; absent for what is part of the program. */
  readonly path?: string;
}

/** `runtime_config` of a component: the engine's name, and under that name its own options. */
export interface RuntimeConfig {
  readonly type?: string;
  /** What is not on by itself. */
  readonly features?: FeatureFlags;
  readonly [engine: string]: unknown;
}

export const DEFAULT_RUNTIME = "v8";

const factories = new Map<string, RuntimeFactory>();

/** @throws Error if the type is taken */
export function register(type: string, factory: RuntimeFactory): void {
  if (factories.has(type)) throw new Error(`runtime type "${type}" is already registered`);
  factories.set(type, factory);
}

/** The registered types, sorted. */
export function list(): string[] {
  return [...factories.keys()].sort();
}

/** What the engine of a `runtime_config` can do; `undefined` if there is no such engine, which `validate` says. */
export function capabilitiesOf(
  config: RuntimeConfig = {},
): { readonly type: string; readonly capabilities: RuntimeCapabilities } | undefined {
  const type = config.type ?? DEFAULT_RUNTIME;
  const factory = factories.get(type);
  return factory === undefined ? undefined : { type, capabilities: factory.capabilities(optionsOf(config, type)) };
}

/** What is registered under a name; its options are `runtime_config.<type>`. */
export function factoryOf(type: string): RuntimeFactory | undefined {
  return factories.get(type);
}

/** `RuntimeFactory.launcher` of the engine of a `runtime_config`. */
export function launcherOf(config: RuntimeConfig = {}): Launcher | undefined {
  const type = config.type ?? DEFAULT_RUNTIME;
  return factories.get(type)?.launcher?.(optionsOf(config, type));
}

function optionsOf(config: RuntimeConfig, type: string): unknown {
  return config[type] ?? undefined;
}

/** One message for each thing that is wrong with a `runtime_config`, each starting with its path below `runtime_config`. */
export function validate(config: RuntimeConfig): readonly string[] {
  const type = config.type ?? DEFAULT_RUNTIME;
  const factory = factories.get(type);
  if (factory === undefined) return [`type: unknown runtime type "${type}"; known types: ${list().join(", ")}`];
  const issues: string[] = [];
  for (const key of Object.keys(config)) {
    if (key === "type" || key === "features" || key === type) continue;
    issues.push(
      factories.has(key)
        ? `${key}: options for the engine "${key}", but the engine is "${type}"; set type: ${key} or remove them`
        : `${key}: unknown key; the options of the engine "${type}" go under "${type}"`,
    );
  }
  issues.push(...featureIssues(config.features));
  if (config.features?.component_model === true && !runsComponents(factory, config[type]))
    issues.push(
      `features::component_model: the engine "${type}" cannot run components; engines that can: ${componentEngines().join(", ")}`,
    );
  const options = optionsOf(config, type);
  if (options !== undefined && (typeof options !== "object" || Array.isArray(options)))
    return [...issues, `${type}: must be a mapping of the engine's options`];
  return [...issues, ...factory.validate(options).map((issue) => `${type}::${issue}`)];
}

function runsComponents(factory: RuntimeFactory, options: unknown): boolean {
  return factory.capabilities(options ?? undefined).components !== "none";
}

function componentEngines(): string[] {
  return list().filter((type) => runsComponents(factories.get(type)!, undefined));
}

/** @throws Error that says what is wrong, and lists the known types if the type is unknown */
export async function create(config: RuntimeConfig = {}): Promise<Runtime> {
  const issues = validate(config);
  if (issues.length > 0) throw new Error(issues.map((issue) => `runtime_config::${issue}`).join("; "));
  const type = config.type ?? DEFAULT_RUNTIME;
  return factories.get(type)!.create(optionsOf(config, type));
}
