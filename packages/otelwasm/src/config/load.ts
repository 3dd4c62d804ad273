import { readFileSync } from "node:fs";
import { ConfigError } from "../component/errors.ts";
import { type ExpandContext, expand } from "./expand.ts";
import { isMap, type Tree } from "./expanded.ts";
import { merge, parseSet, unflatten } from "./merge.ts";
import { parseYaml } from "./yaml.ts";

export interface LoadOptions {
  /** For `${env:X}`. Default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Told about variables that are not set. Default: nobody. */
  readonly warn?: (message: string) => void;
}

/** A configuration as it was read: variables expanded, sources merged, nothing checked yet. Values may be `Expanded`. */
export type RawConfig = Tree;

/**
 * Reads configurations, merges them in order, applies the `--set` arguments, then expands the variables: what a later source replaces is
 * never expanded.
 *
 * @param sources paths, or `file:path`, `env:VARIABLE`, `yaml:text`; at least one
 * @param sets `a.b.c=value`, applied last
 * @throws ConfigError with what is wrong and where, of all sources together
 */
export function loadConfig(
  sources: readonly string[],
  sets: readonly string[] = [],
  options: LoadOptions = {},
): RawConfig {
  return expand(mergeSources(sources, sets, options), contextOf(options)) as RawConfig;
}

/**
 * What `loadConfig` expands: the merged configuration with its variables as they are written.
 *
 * @throws ConfigError
 */
export function mergeSources(
  sources: readonly string[],
  sets: readonly string[] = [],
  options: LoadOptions = {},
): RawConfig {
  const context = contextOf(options);
  const issues: string[] = [];
  let config: unknown = {};
  for (const read of [
    ...sources.map((source) => () => readSource(source, context)),
    ...sets.map((set) => () => parseSet(set)),
  ]) {
    try {
      config = merge(config, read());
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      issues.push(...error.issues);
    }
  }
  if (issues.length > 0) throw new ConfigError(issues);
  return config as RawConfig;
}

/**
 * Reads a configuration from text and expands the variables.
 *
 * @param name stands for the text in errors
 * @throws ConfigError
 */
export function parseConfig(text: string, name = "configuration", options: LoadOptions = {}): RawConfig {
  return expand(asMap(parseYaml(text, name), name), contextOf(options)) as RawConfig;
}

function contextOf(options: LoadOptions): ExpandContext {
  return {
    env: options.env ?? process.env,
    warn: options.warn ?? (() => {}),
    readFile: (path) => readFileSync(path, "utf8"),
  };
}

function readSource(source: string, context: ExpandContext): Tree {
  const scheme = /^(file|env|yaml):/.exec(source)?.[1];
  const rest = scheme === undefined ? source : source.slice(scheme.length + 1);
  switch (scheme) {
    case "yaml":
      return asMap(parseYaml(rest, source), source);
    case "env": {
      const text = context.env[rest];
      if (text === undefined) throw new ConfigError([`--config ${source}: the environment variable is not set`]);
      return asMap(parseYaml(text, source), source);
    }
    default:
      return asMap(parseYaml(readConfigFile(rest, context), rest), rest);
  }
}

function readConfigFile(path: string, context: ExpandContext): string {
  try {
    return context.readFile(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const reason =
      code === "ENOENT" ? "no such file" : code === "EISDIR" ? "it is a directory" : `${(cause as Error).message}`;
    throw new ConfigError([`cannot read the configuration ${JSON.stringify(path)}: ${reason}`], { cause });
  }
}

function asMap(value: unknown, source: string): Tree {
  if (value === null || value === undefined) return {};
  if (isMap(value)) return unflatten(value);
  throw new ConfigError([
    `${source}: a configuration is a map with keys such as receivers, exporters and service, not ${Array.isArray(value) ? "a list" : `a ${typeof value}`}`,
  ]);
}
