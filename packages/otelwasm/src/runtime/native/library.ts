/** Where an engine's shared library is. What is built, or packed as a package, is a folder of the same form. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { WasmError } from "../errors.ts";

/** The library that an adapter is written for. */
export interface LibraryNeed {
  readonly engine: string;
  /** What its C interface is of. */
  readonly version: string;
}

/** A folder with a library in it: an npm package, or what `native/build.ts` made. */
interface LibraryFolder {
  /** Absolute. */
  readonly folder: string;
  /** Absolute, of the library itself. */
  readonly path: string;
  /** Its `package.json`. */
  readonly manifest: Readonly<Record<string, unknown>>;
}

/** `linux-x64`, as npm's packages of a platform are named. */
export function platformName(): string {
  return `${process.platform}-${process.arch}`;
}

/** Where `native/build.ts` leaves what it builds: outside of any checkout. */
export function nativeCacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME;
  return join(base === undefined || base === "" ? join(homedir(), ".cache") : base, "otelwasm/native");
}

/** What a process needs to find libraries where this one does. */
export function libraryEnvironment(): Record<string, string> {
  return Object.fromEntries(
    ["HOME", "XDG_CACHE_HOME"].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** What an engine's `package.json` calls its library's file. */
const LIBRARY_FIELD = "library";

/**
 * Looks in the npm package of the platform, then among what was built on this machine.
 *
 * @returns undefined if it is in neither
 */
function findLibrary({ engine, version }: LibraryNeed): LibraryFolder | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve(`@otelwasm/${engine}-${platformName()}/package.json`);
    return libraryIn(dirname(manifest));
  } catch {
    return builtLibrary(`${engine}-${version}-`);
  }
}

function builtLibrary(prefix: string): LibraryFolder | undefined {
  const cache = nativeCacheFolder();
  const names = existsSync(cache) ? readdirSync(cache).filter((name) => name.startsWith(prefix)) : [];
  const found = names.map((name) => libraryIn(join(cache, name))).filter((folder) => folder !== undefined);
  // What was built last is what the checkout that built it wants.
  return found.toSorted((a, b) => statSync(b.folder).mtimeMs - statSync(a.folder).mtimeMs)[0];
}

function libraryIn(folder: string): LibraryFolder | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, unknown>;
    const name = manifest[LIBRARY_FIELD];
    const path = typeof name === "string" ? join(folder, name) : undefined;
    return path !== undefined && existsSync(path) ? { folder, path, manifest } : undefined;
  } catch {
    return undefined;
  }
}

/** Why there is no library, and what to do about it. */
export function missingLibrary({ engine, version }: LibraryNeed, option: string | undefined): string | undefined {
  if (option !== undefined) {
    const path = resolve(option);
    return existsSync(path) ? undefined : `library: there is no file ${path}`;
  }
  if (findLibrary({ engine, version }) !== undefined) return undefined;
  return (
    `the library of ${engine} ${version} is not installed: npm install @otelwasm/${engine}-${platformName()}, or name it by runtime_config::${engine}::library; ` +
    `in a checkout: npm run native ${engine}`
  );
}

/** @param option `runtime_config.<engine>.library` @throws WasmError `unsupported` */
export function libraryPath(need: LibraryNeed, option: string | undefined): string {
  const missing = missingLibrary(need, option);
  if (missing !== undefined) throw new WasmError("unsupported", missing);
  return option === undefined ? findLibrary(need)!.path : resolve(option);
}
