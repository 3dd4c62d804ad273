/** Where the WebAssembly specification's own test files lie. `node scripts/run.mjs conformance/spec/source.ts` obtains them. */
import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SOURCES } from "./sources.ts";

const COMMAND = "node scripts/run.mjs conformance/spec/source.ts";

/** Outside the checkout, so that one copy serves every clone. */
const CACHE: string = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "otelwasm/spec");

export interface ScriptFile {
  /** `v2/i32`: the version of the specification, or the proposal that it was written for, and the file. */
  readonly name: string;
  readonly path: string;
}

/** @returns the scripts, sorted by name; or why there are none, and what a person does about it */
export function specFiles(): readonly ScriptFile[] | { readonly missing: string } {
  const folders = SOURCES.map(({ key }) => join(CACHE, key));
  if (!folders.every((folder) => existsSync(folder)))
    return {
      missing: `the specification's test files are not here; with Go and Rust's cargo, get them by: ${COMMAND}`,
    };
  return folders
    .flatMap((folder) =>
      globSync("*/*.json", { cwd: folder }).map((path) => ({ name: path, path: join(folder, path) })),
    )
    .map(({ name, path }) => ({ name: name.replaceAll("\\", "/").replace(/\.json$/, ""), path }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function obtainAll(): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  for (const { key, obtain } of SOURCES) {
    const folder = join(CACHE, key);
    if (existsSync(folder)) continue;
    const unfinished = mkdtempSync(`${folder}-`);
    try {
      await obtain(unfinished);
      // Renamed when complete: whoever looks at the same moment finds all or nothing.
      renameSync(unfinished, folder);
    } finally {
      rmSync(unfinished, { recursive: true, force: true });
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await obtainAll();
  const files = specFiles();
  console.log("missing" in files ? files.missing : `${files.length} scripts in ${CACHE}`);
}
