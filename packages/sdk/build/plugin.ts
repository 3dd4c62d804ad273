// Compiles a plugin: AssemblyScript's compiler, with this package's sources, runtime and transform.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { pluginTransform } from "./transform.ts";

export interface BuildOptions {
  /** The file that exports the plugin's class. */
  entry: string;
  /** Where to write the module; nothing is written if it is left out. Folders are made. */
  outFile?: string;
  /** For speed (the default); off compiles faster and keeps names. */
  optimize?: boolean;
  /** Writes `<outFile>.map` as well. */
  sourceMap?: boolean;
}

export interface BuildResult {
  /** The WebAssembly module. */
  binary: Uint8Array;
  /** Warnings, each as `file:line:column: message`. */
  diagnostics: string[];
}

/** The plugin does not compile. `message` has everything that the author needs to read. */
export class PluginBuildError extends Error {
  /** Errors and warnings, each as `file:line:column: message`. */
  readonly diagnostics: readonly string[];

  constructor(entry: string, diagnostics: readonly string[], options?: ErrorOptions) {
    super(`${entry} does not compile:\n${diagnostics.join("\n")}`, options);
    this.name = "PluginBuildError";
    this.diagnostics = diagnostics;
  }
}

/** The guest's sources, which `@otelwasm/sdk` means in a plugin wherever it stands. */
const ASSEMBLY = new URL("../assembly/", import.meta.url);
const SDK_FILE = /(?:^|\/)node_modules\/@otelwasm\/sdk\/(.+)$/;

/** A file that is not there: what it says is the SDK's runtime. */
const RUNTIME = "~otelwasm-runtime";

/** "Only variables, functions and enums become exports": the transform exports a plugin's class by its functions. */
const CLASS_EXPORTED = "235";

/**
 * Compiles a plugin's class to a module of ABI v1.
 * @throws PluginBuildError with every message of the compiler
 */
export async function buildPlugin(options: BuildOptions): Promise<BuildResult> {
  const entry = resolve(options.entry);
  const baseDir = dirname(entry);
  const file = basename(entry);
  const diagnostics: string[] = [];
  let errors = 0;
  const outputs = new Map<string, Uint8Array | string>();
  const outFile = options.outFile === undefined ? undefined : resolve(options.outFile);
  const sources = new Map<string, string>();

  const read = async (path: string): Promise<string | null> => {
    if (path === `${RUNTIME}.ts`) return 'import "@otelwasm/sdk/runtime/index";';
    const inSdk = SDK_FILE.exec(path.split(sep).join("/"))?.[1];
    const from = inSdk === undefined ? resolve(baseDir, path) : fileURLToPath(new URL(inSdk, ASSEMBLY));
    try {
      const text = withoutTypeModifiers(await readFile(from, "utf8"));
      sources.set(path, text);
      return text;
    } catch (error) {
      if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
        return null;
      throw error;
    }
  };
  if ((await read(file)) === null)
    throw new PluginBuildError(options.entry, [`${options.entry}: there is no such file`]);

  const result = await asc.main(
    [
      file,
      ...["--baseDir", baseDir],
      ...["--outFile", "plugin.wasm"],
      ...["--runtime", RUNTIME],
      ...["--exportStart", "_initialize"],
      // `console` reaches the collector's log through ABI v1, not through an import that only some hosts have.
      ...["--use", "console=~lib/@otelwasm/sdk/log/pluginConsole"],
      ...["--disableWarning", CLASS_EXPORTED],
      ...(options.optimize === false ? ["--debug"] : ["-O3"]),
      ...(options.sourceMap === true ? ["--sourceMap", `./${basename(outFile ?? "plugin.wasm")}.map`] : []),
    ],
    {
      stdout: sink,
      stderr: sink,
      readFile: read,
      writeFile: (name, contents) => {
        outputs.set(name, contents);
      },
      listFiles: () => [],
      reportDiagnostic: ({ code, category, message, range }) => {
        const isError = category === 3;
        if (isError) errors++;
        if (!isError && String(code) === CLASS_EXPORTED) return;
        const kind = isError ? "error" : "warning";
        diagnostics.push(`${place(range, sources, baseDir)}: ${kind} ${message}`);
      },
      transforms: [pluginTransform(file)],
    },
  );
  const binary = outputs.get("plugin.wasm");
  if (errors > 0 || result.error !== null || !(binary instanceof Uint8Array)) {
    if (errors === 0) diagnostics.push(`the compiler failed: ${result.error?.stack ?? "no module was made"}`);
    throw new PluginBuildError(options.entry, diagnostics, result.error === null ? undefined : { cause: result.error });
  }
  if (outFile !== undefined) {
    await createFolder(dirname(outFile));
    await writeFile(outFile, binary);
    const map = outputs.get("plugin.wasm.map");
    if (map !== undefined) await writeFile(`${outFile}.map`, map);
  }
  return { binary, diagnostics };
}

/** Not `mkdir` with `recursive`: it never ends where a file system takes no new names and calls that "no such file", as `/proc` does. */
async function createFolder(folder: string): Promise<void> {
  if (existsSync(folder)) return;
  await createFolder(dirname(folder));
  await mkdir(folder).catch((error: unknown) => {
    // Somebody else has made it meanwhile.
    if (!existsSync(folder)) throw error;
  });
}

/**
 * TypeScript's linters want `import type { Logs }` and `import { type Logs }`, which AssemblyScript cannot parse: the
 * words are blanked, so that every other character keeps its line and column.
 */
function withoutTypeModifiers(text: string): string {
  const statement = /^[ \t]*(?:import|export)(?:\s+type)?\s*\{[^}]*\}\s*from\b/gm;
  const modifier = /(\b(?:import|export)\s+|[{,]\s*)type(?=\s+[{\w$])(?!\s+as\b)/g;
  return text.replace(statement, (found) => found.replace(modifier, "$1    "));
}

const sink = {
  write: (): void => {},
};

interface Place {
  start: number;
  source: { normalizedPath: string } | null;
}

/** @returns `file:line:column`, with a path from the present folder if the file is the author's */
function place(range: Place | null, sources: ReadonlyMap<string, string>, baseDir: string): string {
  if (range === null || range.source === null) return "plugin";
  const path = range.source.normalizedPath;
  const text =
    sources.get(path) ?? [...sources].find(([from]) => path.startsWith("~lib/") && from.endsWith(path.slice(5)))?.[1];
  if (text === undefined) return path;
  const before = text.slice(0, range.start).split("\n");
  const shown = path.startsWith("~lib/") ? path.slice(5) : relative(process.cwd(), join(baseDir, path));
  return `${shown}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}
