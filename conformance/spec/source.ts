/**
 * Where the WebAssembly specification's own test files come from: the Go module of wazero carries them as `wast2json` makes them (scripts in JSON, modules as
 * binaries), so that no reader of the text format is needed. `node scripts/run.mjs conformance/spec/source.ts` obtains them.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const MODULE = "github.com/tetratelabs/wazero";
const VERSION = "v1.12.0";
/** Of all files of the module: https://go.dev/ref/mod#go-sum-files */
const CHECKSUM = "h1:DuWcpNu/FzgEXgGBDp8J1Spc+CWOvvtvVyjKlaZopYU=";
const FOLDER = "internal/integration_test/spectest";

const COMMAND = "node scripts/run.mjs conformance/spec/source.ts";

/** Outside the checkout, so that one copy serves every clone. */
const CACHE: string = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "otelwasm", "spec");
const FILES: string = join(CACHE, `wazero-${VERSION}`);

export interface ScriptFile {
  /** `v2/i32`: the version of the specification, or the proposal that it was written for, and the file. */
  readonly name: string;
  readonly path: string;
}

/** @returns the scripts, sorted by name; or why there are none, and what a person does about it */
export function specFiles(): readonly ScriptFile[] | { readonly missing: string } {
  if (!existsSync(FILES))
    return { missing: `the specification's test files are not here; with Go, get them by: ${COMMAND}` };
  return globSync("*/testdata/*.json", { cwd: FILES })
    .map((path) => {
      const [folder = "", , file = ""] = path.split(sep);
      return { name: `${folder}/${basename(file, ".json")}`, path: join(FILES, path) };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @throws Error if they cannot be had, or are not what was pinned */
function obtain(): void {
  mkdirSync(CACHE, { recursive: true });
  const unfinished = mkdtempSync(`${FILES}-`);
  try {
    // In a folder without a module: the version is pinned here.
    const { status, stdout, stderr, error } = spawnSync("go", ["mod", "download", "-json", `${MODULE}@${VERSION}`], {
      cwd: unfinished,
      encoding: "utf8",
      env: { ...process.env, GOFLAGS: "-mod=mod", GOWORK: "off" },
    });
    if (error !== undefined || status !== 0)
      throw new Error(`go mod download ${MODULE}@${VERSION}: ${error?.message ?? `${stdout}${stderr}`.trim()}`);
    const { Dir, Sum } = JSON.parse(stdout) as { Dir: string; Sum: string };
    if (Sum !== CHECKSUM) throw new Error(`${MODULE}@${VERSION} has the checksum ${Sum}, not ${CHECKSUM}`);
    for (const path of globSync("*/testdata/*.{json,wasm}", { cwd: join(Dir, FOLDER) }))
      cpSync(join(Dir, FOLDER, path), join(unfinished, path));
    // Renamed when complete: whoever looks at the same moment finds all or nothing.
    renameSync(unfinished, FILES);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!existsSync(FILES)) obtain();
  const files = specFiles();
  console.log("missing" in files ? files.missing : `${files.length} scripts in ${FILES}`);
}
