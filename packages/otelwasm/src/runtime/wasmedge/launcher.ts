import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { libraryEnvironment, libraryPath, missingLibrary } from "../native/library.ts";
import type { Launcher } from "../registry.ts";
import { WASMEDGE } from "./library.ts";

/** The programs of GNU's C library that load programs. */
const LOADERS: Readonly<Record<string, string>> = { x64: "ld-linux-x86-64.so.2", arm64: "ld-linux-aarch64.so.1" };

/**
 * The library may come with the C library that it was built for, newer than the machine's, and two cannot be in one process. Node.js then is started with these, by the loader that is beside them; it works as well
 * with a newer one.
 *
 * @param option `runtime_config.wasmedge.library`
 * @returns this very program where its own C library will do; undefined where there is no library
 */
export function wasmedgeLauncher(option: string | undefined): Launcher | undefined {
  const loaderName = LOADERS[process.arch];
  if (process.platform !== "linux" || loaderName === undefined || missingLibrary(WASMEDGE, option) !== undefined)
    return undefined;
  const folder = dirname(libraryPath(WASMEDGE, option));
  const file = join(folder, loaderName);
  const env = libraryEnvironment();
  return existsSync(file)
    ? { file, args: ["--library-path", folder, process.execPath], env }
    : { file: process.execPath, args: [], env };
}
