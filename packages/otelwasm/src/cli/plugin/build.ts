import { existsSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { createFolder } from "../../components/file/folder.ts";
import { inspectModule, type ModuleReport } from "../../plugin/inspect.ts";
import { findPackage } from "./sdk.ts";

/** What `@otelwasm/sdk/build` offers. The compiler is the plugin author's dependency, not one of every collector. */
export interface SdkBuild {
  /** @throws Error whose message has a line `file:line:column: message` for each problem */
  buildPlugin(options: { entry: string }): Promise<{ binary: Uint8Array; diagnostics: string[] }>;
}

export interface BuildCommandOptions {
  /** Default: `build/NAME.wasm` in the plugin's folder. */
  readonly output?: string;
}

interface Project {
  /** Where `package.json` is, if the plugin has one. */
  readonly folder: string;
  readonly entry: string;
  readonly name: string;
}

/**
 * Compiles a plugin, checks it against the ABI, writes it, and prints what it is.
 *
 * @param place the plugin's folder, or its entry file
 * @throws Error with the compiler's messages, or with what makes the module unusable; nothing is written then
 */
export async function build(place: string, options: BuildCommandOptions): Promise<void> {
  const { folder, entry, name } = findProject(place);
  const { buildPlugin } = await importSdkBuild(folder);
  const outFile = options.output ?? relative(".", join(folder, "build", `${name}.wasm`));
  const started = performance.now();
  const { binary, diagnostics } = await buildPlugin({ entry: relative(".", entry) });
  const seconds = (performance.now() - started) / 1000;
  for (const diagnostic of diagnostics) process.stderr.write(`${diagnostic}\n`);
  const report = inspectModule(binary);
  if (report.problems.length > 0)
    throw new Error(`${place}: what was compiled cannot be used as a plugin: ${report.problems.join("; ")}`);
  write(outFile, binary);
  process.stdout.write(summary(outFile, report, gzipSync(binary).length, seconds));
}

function findProject(place: string): Project {
  const path = resolve(place);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new Error(`there is no file or folder ${JSON.stringify(place)}`);
  if (!stats.isDirectory()) {
    const folder = packageFolder(dirname(path)) ?? dirname(path);
    const own = basename(path).replace(/\.ts$/, "");
    return { folder, entry: path, name: own === "index" ? nameOf(folder) : own };
  }
  const entry = join(path, "assembly", "index.ts");
  if (!existsSync(entry))
    throw new Error(
      `${relative(".", entry)} is missing: name the plugin's folder or its entry file, or make a plugin with "otelwasm plugin new NAME"`,
    );
  return { folder: path, entry, name: nameOf(path) };
}

function packageFolder(folder: string): string | undefined {
  if (existsSync(join(folder, "package.json"))) return folder;
  return dirname(folder) === folder ? undefined : packageFolder(dirname(folder));
}

/** The package's name without its scope; the folder's where there is no package. */
function nameOf(folder: string): string {
  const file = join(folder, "package.json");
  if (!existsSync(file)) return basename(folder);
  try {
    const { name } = JSON.parse(readFileSync(file, "utf8")) as { name?: unknown };
    return typeof name === "string" && name !== "" ? basename(name) : basename(folder);
  } catch (cause) {
    throw new Error(`${relative(".", file)}: not JSON: ${(cause as Error).message}`, { cause });
  }
}

async function importSdkBuild(folder: string): Promise<SdkBuild> {
  const sdk = findPackage("@otelwasm/sdk", folder);
  if (sdk === undefined)
    throw new Error(
      `the compiler is in the package @otelwasm/sdk, which is not installed for ${folder}: run "npm install --save-dev @otelwasm/sdk" there`,
    );
  const file = join(sdk.folder, sdk.fromSource ? "build/index.ts" : "dist/index.js");
  return (await import(pathToFileURL(file).href)) as SdkBuild;
}

/** Renamed when complete: a collector that starts at this moment finds a whole file. */
function write(file: string, binary: Uint8Array): void {
  const unfinished = `${file}.${process.pid}.tmp`;
  try {
    createFolder(dirname(resolve(file)));
    writeFileSync(unfinished, binary);
    renameSync(unfinished, file);
  } catch (cause) {
    if (existsSync(unfinished)) unlinkSync(unfinished);
    throw new Error(`cannot write ${JSON.stringify(file)}: ${(cause as Error).message}`, { cause });
  }
}

function summary(file: string, report: ModuleReport, gzipped: number, seconds: number): string {
  const imports = report.imports.map(({ module, known }) => `${module} (${known.map(withoutType).join(", ")})`);
  return `${file}: ${kilobytes(report.size)}, ${kilobytes(gzipped)} gzipped, compiled in ${seconds.toFixed(1)} s
ABI      ${report.dialect}
signals  ${report.signals.join(", ")}
imports  ${imports.length === 0 ? "none" : imports.join(", ")}
exports  ${report.exports.map(withoutType).join(", ")}
`;
}

/** `alloc (i32) -> (i32)` as `alloc`. */
function withoutType(text: string): string {
  return text.slice(0, text.indexOf(" "));
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
