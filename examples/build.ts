/** Compiles an example's plugin when its binary is missing or older than its sources. */
import { globSync, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPlugin } from "@otelwasm/sdk/build";

const root = fileURLToPath(new URL("../", import.meta.url));

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Builds that have not ended: whoever asks at the same moment waits for the same one. */
const building = new Map<string, Promise<string>>();

/**
 * @param name the example's folder; `assembly/index.ts` in it becomes `build/<name>.wasm`
 * @param say told before a build, which takes some seconds
 * @returns the path of the compiled plugin
 */
export function buildExample(name: string, say: (message: string) => void = () => {}): Promise<string> {
  let build = building.get(name);
  if (build === undefined) {
    build = compile(name, say).finally(() => building.delete(name));
    building.set(name, build);
  }
  return build;
}

async function compile(name: string, say: (message: string) => void): Promise<string> {
  const outFile = `${root}examples/${name}/build/${name}.wasm`;
  const sources = globSync([`examples/${name}/assembly/**/*.ts`, "packages/sdk/{assembly,build}/**/*.ts"], {
    cwd: root,
  });
  const built = modified(outFile);
  if (sources.every((path) => modified(root + path) < built)) return outFile;
  say(`Compiling examples/${name} from AssemblyScript to WebAssembly (once, some seconds) ...`);
  mkdirSync(dirname(outFile), { recursive: true });
  // Renamed when complete: whoever builds at the same moment, or reads, finds a whole file.
  const unfinished = `${outFile}.${process.pid}`;
  await buildPlugin({ entry: `${root}examples/${name}/assembly/index.ts`, outFile: unfinished });
  renameSync(unfinished, outFile);
  return outFile;
}

/** What an example's `build.ts` does when it is run as a program. */
export async function buildWhenRun(url: string, name: string): Promise<void> {
  if (process.argv[1] === fileURLToPath(url)) console.log(await buildExample(name));
}
