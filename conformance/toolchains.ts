/** The toolchains that guests, and clients in other languages, are built with besides our own: how each is found, and how one gets it. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Toolchain {
  /** What else it needs in the environment of its commands. */
  readonly env: Readonly<Record<string, string>>;
  /** All that its products depend on besides sources: part of what a cached product is found by. */
  readonly version: string;
}

/** Why it cannot be used, and what a person does about it. */
interface Missing {
  readonly missing: string;
  /** Debian's packages that mend it. */
  readonly debian: readonly string[];
}

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** @returns what it printed, without the line's end; undefined if it failed or is not there */
function printed(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string | undefined {
  const { status, stdout } = spawnSync(program, args, {
    cwd: join(ROOT, "conformance/guests/go"),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, ...env },
  });
  return status === 0 ? stdout.trim() : undefined;
}

/** `go version`, where a `go.mod` asks for more than it is, answers for the one that it would fetch, or fails. */
function findGo(): Toolchain | Missing {
  const get = "install Go 1.26 or newer: https://go.dev/doc/install";
  const env = { GOOS: "wasip1", GOARCH: "wasm" };
  const version = printed("go", ["version"], env);
  if (version !== undefined) return { env, version };
  const found = printed("go", ["version"], { GOTOOLCHAIN: "local", GO111MODULE: "off" });
  return { missing: `${found === undefined ? "there is no go in PATH" : `${found} is too old`}; ${get}`, debian: [] };
}

const RUST_TARGET = "wasm32-wasip1";

/** Shares what several crates are made from, and stands in no source's way. */
const RUST_ENV = { CARGO_BUILD_BUILD_DIR: join(ROOT, "build/cargo") };

/** A compiler, the sources of exactly its standard library, and the C library that these want. No package has the library compiled for the target. */
const DEBIAN_RUST = ["rustc-web", "cargo-web", "rust-web-src", "wasi-libc", "lld-22"];
const WASI_LIBC = "/usr/lib/wasm32-wasi";

/** One of the compilers in PATH. */
interface RustCompiler {
  readonly folder: string;
  readonly sysroot: string;
  /** All that it says of its version. */
  readonly version: string;
  readonly host: string;
  /** The generation of LLVM that it is made with. */
  readonly llvm: string;
}

function rustCompilers(): RustCompiler[] {
  return (process.env.PATH ?? "").split(delimiter).flatMap((folder) => {
    const rustc = join(folder, "rustc");
    if (!existsSync(rustc) || printed(join(folder, "cargo"), ["--version"]) === undefined) return [];
    const version = printed(rustc, ["-vV"]);
    const sysroot = printed(rustc, ["--print", "sysroot"]);
    if (version === undefined || sysroot === undefined) return [];
    const field = (name: string): string => new RegExp(`^${name}: ([^.\n]*)`, "m").exec(version)?.[1] ?? "";
    return [{ folder, sysroot, version, host: field("host"), llvm: field("LLVM version") }];
  });
}

function findRust(): Toolchain | Missing {
  const compilers = rustCompilers();
  const ready = compilers[0];
  if (ready !== undefined && hasTarget(ready)) return { env: RUST_ENV, version: ready.version };
  for (const compiler of compilers) {
    const found = rustFromSource(compiler, compilers);
    if (found !== undefined) return found;
  }
  const found = ready === undefined ? "there is no rustc with cargo in PATH" : `rustc has no ${RUST_TARGET}`;
  const get = `with rustup (https://rustup.rs): rustup target add ${RUST_TARGET}; without it, on Debian: apt-get install ${DEBIAN_RUST.join(" ")}`;
  return { missing: `${found}; ${get}`, debian: DEBIAN_RUST };
}

function hasTarget({ sysroot }: RustCompiler): boolean {
  const folder = join(sysroot, "lib/rustlib", RUST_TARGET, "lib");
  return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith("libstd-"));
}

/** The standard library is built along with the crates. */
function rustFromSource(
  { folder, sysroot, version, llvm }: RustCompiler,
  compilers: readonly RustCompiler[],
): Toolchain | undefined {
  const parts = [join(sysroot, "lib/rustlib/src/rust/library/Cargo.toml"), join(WASI_LIBC, "libc.a")];
  const linker = wasmLinker(llvm, compilers);
  if (linker === undefined || !parts.every((path) => existsSync(path))) return undefined;
  const env = {
    ...RUST_ENV,
    PATH: folder + delimiter + process.env.PATH,
    // A released compiler does this only when told that it may.
    RUSTC_BOOTSTRAP: "1",
    CARGO_UNSTABLE_BUILD_STD: "std,panic_abort",
    CARGO_TARGET_WASM32_WASIP1_LINKER: linker,
    CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS: `-L native=${WASI_LIBC} -C link-self-contained=no`,
  };
  return { env, version: `${version}\nwith its standard library from source` };
}

/** Of the compiler's own generation of LLVM, as older ones may not understand its object files: Debian's, or one that came with a compiler of rustup's. */
function wasmLinker(llvm: string, compilers: readonly RustCompiler[]): string | undefined {
  const linkers = [
    `/usr/bin/wasm-ld-${llvm}`,
    ...compilers
      .filter((compiler) => compiler.llvm === llvm)
      .map(({ sysroot, host }) => join(sysroot, "lib/rustlib", host, "bin/rust-lld")),
  ];
  return linkers.find((path) => existsSync(path));
}

/** With what an environment of its own needs, so that nothing is installed where others would find it. */
function findPython(): Toolchain | Missing {
  const version = printed("python3", ["-c", "import ensurepip, venv, sys; print(sys.version)"]);
  if (version !== undefined) return { env: {}, version };
  const found = printed("python3", ["--version"]);
  return {
    missing: `${found === undefined ? "there is no python3 in PATH" : `${found} has no venv`}; on Debian: apt-get install python3 python3-venv`,
    debian: ["python3", "python3-venv"],
  };
}

const FINDERS: Readonly<Record<ToolchainName, () => Toolchain | Missing>> = {
  go: findGo,
  rust: findRust,
  python: findPython,
};

export type ToolchainName = "go" | "rust" | "python";
export const TOOLCHAINS: readonly ToolchainName[] = ["go", "rust", "python"];

const found = new Map<ToolchainName, Toolchain | Missing>();

/** Looked for once in each process. */
export function toolchain(name: ToolchainName): Toolchain | Missing {
  let result = found.get(name);
  if (result === undefined) {
    result = FINDERS[name]();
    found.set(name, result);
  }
  return result;
}

// `node scripts/run.mjs conformance/toolchains.ts`: Debian's packages for what is missing, for `apt-get install`.
if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(
    TOOLCHAINS.flatMap((name) => {
      const result = toolchain(name);
      return "missing" in result ? result.debian : [];
    }).join(" "),
  );
