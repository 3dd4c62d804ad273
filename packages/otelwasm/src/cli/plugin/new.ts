import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { createFolder } from "../../components/file/folder.ts";
import type { PluginRole } from "../../plugin/requirements.ts";
import { version } from "../../service/version.ts";
import type { Signal } from "../../telemetry/batch.ts";
import { findPackage } from "./sdk.ts";

export interface NewOptions {
  readonly signal: Signal;
  /** Also the name of the template's folder. */
  readonly kind: PluginRole;
}

/** npm leaves a `.gitignore` out of what it publishes, so the template has it under another name. */
const RENAMED: ReadonlyMap<string, string> = new Map([["gitignore", ".gitignore"]]);

/**
 * Makes a folder of that name in the present one, from the SDK's template.
 *
 * @throws Error if there is something of that name, or the SDK is not installed
 */
export function newPlugin(name: string, { signal, kind }: NewOptions): void {
  const folder = resolve(name);
  refuseOccupied(name, folder);
  const sdk = findPackage("@otelwasm/sdk", process.cwd()) ?? findPackage("@otelwasm/sdk", import.meta.dirname);
  if (sdk === undefined)
    throw new Error(
      "the templates are in the package @otelwasm/sdk, which is not installed: npm install --save-dev @otelwasm/sdk",
    );
  const template = join(sdk.folder, "templates", kind);
  const files = [...readFolder(join(template, "common")), ...readFolder(join(template, signal))];
  const otelwasm = findPackage("otelwasm", process.cwd());
  const values: Readonly<Record<string, string>> = {
    name,
    signal,
    className: classNameOf(name, files),
    sdkVersion: `^${sdk.version}`,
    otelwasmVersion: `^${version()}`,
    // In a checkout of otelwasm the sources run as they are.
    nodeOptions: otelwasm?.fromSource === true ? " --conditions=otelwasm-source" : "",
  };
  for (const { path, text } of files) {
    const file = join(folder, dirname(path), RENAMED.get(basename(path)) ?? basename(path));
    createFolder(dirname(file));
    writeFileSync(file, fill(text, values));
  }
  const installed = otelwasm !== undefined && findPackage("@otelwasm/sdk", process.cwd()) !== undefined;
  process.stdout.write(`Made ${name}/: ${kind === "exporter" ? "an" : "a"} ${kind} plugin for ${signal}. The plugin itself is assembly/index.ts.

Now:
  cd ${name}
${installed ? "" : "  npm install\n"}  npm test        # compiles it and runs its test
  npx otelwasm plugin run build/${name}.wasm --signal ${signal}${RUN_WITH[kind]}
  npm start       # a collector with it
`);
}

/** What `plugin run` needs to know beside the signal. */
const RUN_WITH: Readonly<Record<PluginRole, string>> = {
  receiver: "",
  processor: " --input batch.json",
  exporter: " --kind exporter --input batch.json",
};

function refuseOccupied(name: string, folder: string): void {
  try {
    if (readdirSync(folder).length > 0)
      throw new Error(`${name}/ is not empty: choose another name, or another place to run this in`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return;
    if (code === "ENOTDIR") throw new Error(`${name} is a file: choose another name`, { cause: error });
    throw error;
  }
}

interface TemplateFile {
  /** From the template's folder. */
  readonly path: string;
  readonly text: string;
}

function readFolder(folder: string): TemplateFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return { path: file.slice(folder.length + 1), text: readFileSync(file, "utf8") };
    });
}

/** `my-plugin` as `MyPlugin`; a name that the template's sources use already (`Logs`) gets a word more. */
function classNameOf(name: string, files: readonly TemplateFile[]): string {
  const plain = name.replace(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase());
  const used = new RegExp(`\\b${plain}\\b`);
  return files.some(({ path, text }) => path.endsWith(".ts") && used.test(text)) ? `${plain}Plugin` : plain;
}

function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{\{(\w+)\}\}/g, (marker, key: string) => {
    const value = values[key];
    if (value === undefined)
      throw new Error(`the template's marker ${marker} is not known to this version of otelwasm`);
    return value;
  });
}
