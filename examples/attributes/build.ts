/** Compiles the plugin when its binary is missing or older than its sources. */
import { globSync, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPlugin } from "@otelwasm/sdk/build";

const root = fileURLToPath(new URL("../../", import.meta.url));
const entry = `${root}examples/attributes/assembly/index.ts`;
const outFile = `${root}examples/attributes/build/attributes.wasm`;

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

let building: Promise<string> | undefined;

/**
 * @param say told before a build, which takes some seconds
 * @returns the path of the compiled plugin
 */
export function buildAttributesPlugin(say: (message: string) => void = () => {}): Promise<string> {
  building ??= build(say).finally(() => {
    building = undefined;
  });
  return building;
}

async function build(say: (message: string) => void): Promise<string> {
  const sources = globSync(["examples/attributes/assembly/**/*.ts", "packages/sdk/{assembly,build}/**/*.ts"], {
    cwd: root,
  });
  const built = modified(outFile);
  if (sources.every((path) => modified(root + path) < built)) return outFile;
  say("Compiling examples/attributes from AssemblyScript to WebAssembly (once, some seconds) ...");
  mkdirSync(dirname(outFile), { recursive: true });
  // Renamed when complete: whoever builds at the same moment, or reads, finds a whole file.
  const unfinished = `${outFile}.${process.pid}`;
  await buildPlugin({ entry, outFile: unfinished });
  renameSync(unfinished, outFile);
  return outFile;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await buildAttributesPlugin());
