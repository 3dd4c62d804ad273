import { ConfigError } from "../component/errors.ts";
import { isMap, type Tree } from "./expanded.ts";
import { parseYamlValue } from "./yaml.ts";

/** The later configuration over the earlier one: maps merge, everything else (lists too) is replaced. */
export function merge(base: unknown, over: unknown): unknown {
  if (!isMap(base) || !isMap(over)) return over;
  const entries = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    entries.set(key, entries.has(key) ? merge(entries.get(key), value) : value);
  }
  return Object.fromEntries(entries);
}

/**
 * What `--set=a.b.c=value` means, as a configuration to merge over the others; the value is YAML. `a::b::c=value` is the same, and names with a dot in them need it.
 *
 * @throws ConfigError when there is no `=` or a part of the key is empty
 */
export function parseSet(argument: string): Tree {
  const equals = argument.indexOf("=");
  const key = argument.slice(0, Math.max(equals, 0)).trim();
  const keys = key.split(key.includes("::") ? "::" : ".");
  if (equals <= 0 || keys.includes("")) {
    throw new ConfigError([`--set=${argument}: expected key=value, for example --set=processors.batch.timeout=2s`]);
  }
  return nest(keys, parseYamlValue(argument.slice(equals + 1).trim()));
}

/** `a::b: value` as `a: { b: value }`, of the outermost keys: the Collector's notation, mostly used on the command line. */
export function unflatten(tree: Tree): Tree {
  let result: unknown = {};
  for (const [key, value] of Object.entries(tree)) result = merge(result, nest(key.split("::"), value));
  return result as Tree;
}

function nest(keys: readonly string[], value: unknown): Tree {
  return keys.reduceRight<unknown>((inner, key) => Object.fromEntries([[key, inner]]), value) as Tree;
}
