/** Takes wasmtime's library out of its Python package, which its makers build for each platform: it has the whole C interface, and depends on nothing but the C library. Needs pip. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { platformName } from "../../packages/otelwasm/src/runtime/native/library.ts";
import { WASMTIME } from "../../packages/otelwasm/src/runtime/wasmtime/library.ts";
import { writePackageJson } from "../package-json.ts";

interface Wheel {
  /** https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/ */
  readonly tag: string;
  readonly sha256: string;
  readonly library: string;
}

const WHEELS: Readonly<Record<string, Wheel>> = {
  "linux-x64": {
    tag: "manylinux1_x86_64",
    sha256: "cc14c3a17654e0394e0225b11813532ef0cd7bd1e222a0c5494cdedaabeddac4",
    library: "libwasmtime.so",
  },
  "linux-arm64": {
    tag: "manylinux2014_aarch64",
    sha256: "675484e525c028dc02762b777f1db4477ea70caa3fec6775426daff4d64edfb1",
    library: "libwasmtime.so",
  },
  "darwin-x64": {
    tag: "macosx_10_13_x86_64",
    sha256: "13fe813b922712a9e10fe0f48b2c56da06432eea4b24269bb7cd3a6b2720560b",
    library: "libwasmtime.dylib",
  },
  "darwin-arm64": {
    tag: "macosx_11_0_arm64",
    sha256: "ff4fc58ed3cbdb919d056accd4d280be13962a542754aaefd8a9b4654efa9bd9",
    library: "libwasmtime.dylib",
  },
};

export const version: string = WASMTIME.version;

/**
 * @param folder empty
 * @throws Error that says what is missing
 */
export async function build(folder: string): Promise<void> {
  const wheel = WHEELS[platformName()];
  if (wheel === undefined)
    throw new Error(`wasmtime is obtained on ${Object.keys(WHEELS).join(", ")}, not on ${platformName()}`);
  const work = mkdtempSync(join(tmpdir(), "otelwasm-wasmtime-"));
  try {
    // The platform's name is given, so that the file is the same whatever machine it is asked for on.
    python([
      "-m",
      "pip",
      "download",
      "--quiet",
      "--no-deps",
      "--only-binary=:all:",
      "--python-version",
      "3.12",
      "--platform",
      wheel.tag,
      "--dest",
      work,
      `wasmtime==${version}`,
    ]);
    const [file] = globSync("*.whl", { cwd: work });
    if (file === undefined) throw new Error("pip has not said that it failed, but there is no wheel");
    const sha256 = createHash("sha256")
      .update(readFileSync(join(work, file)))
      .digest("hex");
    if (sha256 !== wheel.sha256)
      throw new Error(`${file} is not what it was: its SHA-256 is ${sha256}, not ${wheel.sha256}`);
    python(["-m", "zipfile", "-e", join(work, file), work]);
    const take = (pattern: string, name: string): void => {
      const [found] = globSync(pattern, { cwd: work });
      if (found === undefined) throw new Error(`${file} has no ${pattern}`);
      copyFileSync(join(work, found), join(folder, name));
    };
    take("wasmtime/*/_libwasmtime.*", wheel.library);
    take("wasmtime-*.dist-info/licenses/LICENSE", "LICENSE");
    writePackageJson(folder, "wasmtime", version, platformName(), { library: wheel.library });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function python(args: readonly string[]): void {
  const { status, stderr, error } = spawnSync("python3", args, { encoding: "utf8" });
  if (status === 0) return;
  const said = error?.message ?? stderr.trim();
  throw new Error(
    `it is obtained with Python's pip (Debian, Ubuntu: apt install python3-pip): python3 ${args[1]} failed: ${said}`,
  );
}
