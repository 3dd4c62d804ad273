/** Builds wazero with the C interface in this folder: a shared library. Needs Go and a C compiler; Go gets the sources from its module proxy. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { platformName } from "../../packages/otelwasm/src/runtime/native/library.ts";
import { WAZERO } from "../../packages/otelwasm/src/runtime/wazero/library.ts";
import { writePackageJson } from "../package-json.ts";
import { PATCHES } from "./patches.ts";

const HERE = fileURLToPath(new URL("./", import.meta.url));
const MODULE = "github.com/tetratelabs/wazero";

interface Platform {
  /** As Go names them. */
  readonly env: { readonly GOOS: string; readonly GOARCH: string };
  readonly library: string;
  /** For the linker: threads.c says what for. */
  readonly linker: readonly string[];
}

const WRAP = ["-Wl,--wrap=pthread_getattr_np", "-Wl,--wrap=pthread_attr_getstack"];
const PLATFORMS: Readonly<Record<string, Platform>> = {
  "linux-x64": { env: { GOOS: "linux", GOARCH: "amd64" }, library: "libotelwasm-wazero.so", linker: WRAP },
  "linux-arm64": { env: { GOOS: "linux", GOARCH: "arm64" }, library: "libotelwasm-wazero.so", linker: WRAP },
  "darwin-x64": { env: { GOOS: "darwin", GOARCH: "amd64" }, library: "libotelwasm-wazero.dylib", linker: [] },
  "darwin-arm64": { env: { GOOS: "darwin", GOARCH: "arm64" }, library: "libotelwasm-wazero.dylib", linker: [] },
};

/** What the library of another version is for: nothing that is known here. */
export const version: string = WAZERO.version;

/**
 * @param folder empty
 * @param recipe is told by the library
 * @throws Error that says what is missing
 */
export async function build(folder: string, recipe: string): Promise<void> {
  const platform = PLATFORMS[platformName()];
  if (platform === undefined)
    throw new Error(`wazero is built on ${Object.keys(PLATFORMS).join(", ")}, not on ${platformName()}`);
  expectTools();
  const work = mkdtempSync(join(tmpdir(), "otelwasm-wazero-"));
  try {
    for (const name of globSync(["*.go", "*.c", "*.h", "go.mod", "go.sum"], { cwd: HERE }))
      copyFileSync(join(HERE, name), join(work, name));
    go(["mod", "download"], work);
    const sources = go(["list", "-m", "-f", "{{.Dir}}", MODULE], work);
    copyPatched(sources, join(work, "wazero"));
    go(["mod", "edit", "-replace", `${MODULE}=./wazero`], work);
    const flags = ["-trimpath", "-buildvcs=false", "-ldflags", `-s -w -X main.recipe=${recipe}`];
    go(["build", "-buildmode=c-shared", ...flags, "-o", join(folder, platform.library), "."], work, {
      ...platform.env,
      CGO_ENABLED: "1",
      CGO_LDFLAGS: ["-O2", "-g", ...platform.linker].join(" "),
      CGO_LDFLAGS_ALLOW: "-Wl,--wrap=.*",
    });
    rmSync(join(folder, platform.library.replace(/\.\w+$/, ".h")), { force: true });
    copyLicences(sources, folder, work);
    writePackageJson(folder, "wazero", version, platformName(), { library: platform.library });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function expectTools(): void {
  const wanted = /^go (\S+)$/m.exec(readFileSync(join(HERE, "go.mod"), "utf8"))![1]!;
  const have = spawnSync("go", ["env", "GOVERSION"], { cwd: HERE, encoding: "utf8" });
  if (have.status !== 0)
    throw new Error(
      `building it needs Go ${wanted} or newer: https://go.dev/doc/install${have.stderr ? ` (${have.stderr.trim()})` : ""}`,
    );
  const compiler = (process.env.CC ?? "gcc").split(" ")[0]!;
  const found = [compiler, "clang", "cc"].some((name) => spawnSync(name, ["--version"]).status === 0);
  if (!found)
    throw new Error(
      "building it needs a C compiler: install gcc (Debian, Ubuntu: apt install gcc libc6-dev), or Xcode's command line tools on macOS",
    );
}

function go(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): string {
  // A workspace or flags of the one who builds have nothing to do with it.
  const { status, stdout, stderr, error } = spawnSync("go", args, {
    cwd,
    env: { ...process.env, GOFLAGS: "", GOWORK: "off", ...env },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`\`go ${args.join(" ")}\` failed: ${error?.message ?? stderr.trim()}`);
  return stdout.trim();
}

/** The module without its tests, changed as `patches.ts` says. @throws Error if what is to be replaced is not there */
function copyPatched(from: string, to: string): void {
  cpSync(from, to, {
    recursive: true,
    filter: (source) =>
      !/(^|\/)(testdata|examples|site|spectest|cmd)$|_test\.go$/.test(relative(from, source).split(sep).join("/")),
  });
  for (const { file, find, replace, times = 1 } of PATCHES) {
    const path = join(to, file);
    const text = readFileSync(path, "utf8");
    const parts = text.split(find);
    if (parts.length - 1 !== times)
      throw new Error(
        `${MODULE} ${version} is not what the recipe was written for: ${file} has ${parts.length - 1} times\n${find}`,
      );
    chmodSync(path, 0o644);
    writeFileSync(path, parts.join(replace));
  }
}

/** Of what the library is made from. */
function copyLicences(sources: string, folder: string, work: string): void {
  const licences = join(folder, "licenses");
  mkdirSync(licences);
  for (const [name, from] of [
    ["wazero", sources],
    ["golang.org-x-sys", go(["list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys"], work)],
    ["go", go(["env", "GOROOT"], work)],
  ] as const)
    copyFileSync(join(from, "LICENSE"), join(licences, name));
}
