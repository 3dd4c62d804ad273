/** Engines that others add: modules that call `register` when they are imported, as each thread that runs guests has to. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { list } from "./registry.ts";

const imported = new Map<string, readonly string[]>();

/** URLs, in the order in which they were imported: a guest's thread imports the same. */
export function engineModules(): readonly string[] {
  return [...imported.keys()];
}

/** Whether a thread of its own would know the engine. */
export function isFromModule(type: string): boolean {
  return [...imported.values()].some((types) => types.includes(type));
}

/**
 * @param specifier a file's path, from the current folder, or a package that is installed there
 * @returns the engines that it registered, now or when it was imported before
 * @throws Error if it cannot be found, fails, or registers nothing
 */
export async function importEngineModule(specifier: string): Promise<readonly string[]> {
  const path = createRequire(join(process.cwd(), "index.js")).resolve(specifier);
  const url = pathToFileURL(path).href;
  const before = imported.get(url);
  if (before !== undefined) return before;
  const known = new Set(list());
  await import(url);
  const types = list().filter((type) => !known.has(type));
  if (types.length === 0)
    throw new Error("it has registered no engine: it is to call register(type, factory) of otelwasm");
  imported.set(url, types);
  return types;
}

/** For a thread of guests. */
export async function importEngineModules(urls: readonly string[]): Promise<void> {
  for (const url of urls) await import(url);
}
