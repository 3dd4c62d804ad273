/** The toolchains that guests are built with besides our own: how each is found, and how one gets it. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
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
  return { missing: `${found === undefined ? "there is no go in PATH" : `${found} is too old`}; ${get}` };
}

const RUST_TARGET = "wasm32-wasip1";

/** Shares what several crates are made from, and stands in no source's way. */
const RUST_ENV = { CARGO_BUILD_BUILD_DIR: join(ROOT, "build/cargo") };

function findRust(): Toolchain | Missing {
  const version = printed("rustc", ["-vV"]);
  if (version !== undefined && printed("cargo", ["--version"]) !== undefined && hasTarget())
    return { env: RUST_ENV, version };
  const debian = rustFromSource();
  if (debian !== undefined) return debian;
  const found = version === undefined ? "there is no rustc in PATH" : `rustc has no ${RUST_TARGET}`;
  const get = `with rustup (https://rustup.rs): rustup target add ${RUST_TARGET}; without it, on Debian: apt-get install ${DEBIAN_RUST.join(" ")}`;
  return { missing: `${found}; ${get}` };
}

function hasTarget(): boolean {
  const folder = printed("rustc", ["--print", "target-libdir", "--target", RUST_TARGET]);
  return folder !== undefined && existsSync(folder) && readdirSync(folder).some((name) => name.startsWith("libstd-"));
}

/** A compiler, the sources of exactly its standard library, and the C library that these want. No package has the library compiled for the target. */
const DEBIAN_RUST = ["rustc-web", "cargo-web", "rust-web-src", "wasi-libc", "lld-22"];
const WASI_LIBC = "/usr/lib/wasm32-wasi";

function rustFromSource(): Toolchain | undefined {
  const rustc = "/usr/bin/rustc";
  const version = printed(rustc, ["-vV"]);
  const sysroot = printed(rustc, ["--print", "sysroot"]);
  if (version === undefined || sysroot === undefined || printed("/usr/bin/cargo", ["--version"]) === undefined)
    return undefined;
  const linker = wasmLinker(version);
  const parts = [join(sysroot, "lib/rustlib/src/rust/library/Cargo.toml"), join(WASI_LIBC, "libc.a")];
  if (linker === undefined || !parts.every((path) => existsSync(path))) return undefined;
  const env = {
    ...RUST_ENV,
    PATH: `${dirname(rustc)}${delimiter}${process.env.PATH}`,
    // The standard library is built along with the crates, which a released compiler does only when told that it may.
    RUSTC_BOOTSTRAP: "1",
    CARGO_UNSTABLE_BUILD_STD: "std,panic_abort",
    CARGO_TARGET_WASM32_WASIP1_LINKER: linker,
    CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS: `-L native=${WASI_LIBC} -C link-self-contained=no`,
  };
  return { env, version: `${version}\nwith its standard library from source` };
}

/** Of the compiler's own generation of LLVM, as older ones may not understand its object files; or rustup's, which is as new as the one that it comes with. */
function wasmLinker(version: string): string | undefined {
  const llvm = /^LLVM version: (\d+)/m.exec(version)?.[1];
  const named = `/usr/bin/wasm-ld-${llvm}`;
  if (existsSync(named)) return named;
  const theirs = printed("rustc", ["-vV"]);
  const host = /^host: (.*)$/m.exec(theirs ?? "")?.[1];
  const bundled = join(printed("rustc", ["--print", "sysroot"]) ?? "", "lib/rustlib", host ?? "", "bin/rust-lld");
  return theirs?.includes(`LLVM version: ${llvm}.`) && existsSync(bundled) ? bundled : undefined;
}

const FINDERS = { go: findGo, rust: findRust } as const;

export type ToolchainName = keyof typeof FINDERS;
export const TOOLCHAINS: readonly ToolchainName[] = ["go", "rust"];

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
