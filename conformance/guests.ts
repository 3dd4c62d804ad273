/** The guests that other toolchains build, as data. */
import type { ToolchainName } from "./toolchains.ts";

export interface Guest {
  readonly toolchain: ToolchainName;
  /** What it is made from, as patterns from the repository's root: part of what a cached product is found by. */
  readonly sources: readonly string[];
  /** In which its command runs. */
  readonly folder: string;
  readonly command: readonly [program: string, ...args: string[]];
  /** What the command makes, from the repository's root. */
  readonly product: string;
}

/** Go: an example's package for the ABI, and one folder for each guest. */
function go(folder: string, guest: string, ...sources: string[]): Guest {
  const out = `build/${(guest === "." ? folder : guest).split("/").at(-1)}.wasm`;
  return {
    toolchain: "go",
    sources: sources.map((source) => `${source}/**/{*.go,go.mod,go.sum}`),
    folder,
    command: ["go", "build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, guest],
    product: `${folder}/${out}`,
  };
}

function rust(folder: string, crate: string, ...sources: string[]): Guest {
  return {
    toolchain: "rust",
    sources: sources.map((source) => `${source}/**/{*.rs,Cargo.toml,Cargo.lock}`),
    folder,
    command: ["cargo", "build", "--locked", "--release", "--target", "wasm32-wasip1", "--package", crate],
    product: `${folder}/target/wasm32-wasip1/release/${crate.replaceAll("-", "_")}.wasm`,
  };
}

const GO = "conformance/guests/go";
const RUST = "conformance/guests/rust";

export type GuestName = "go-processor" | "go-receiver" | "go-lookup" | "rust-processor" | "rust-exporter" | "rust-drop";

export const GUESTS: Readonly<Record<GuestName, Guest>> = {
  "go-processor": go(GO, "./processor", GO, "examples/go-lookup"),
  "go-receiver": go(GO, "./receiver", GO, "examples/go-lookup"),
  "go-lookup": go("examples/go-lookup", ".", "examples/go-lookup"),
  "rust-processor": rust(RUST, "processor", RUST, "examples/rust-drop"),
  "rust-exporter": rust(RUST, "exporter", RUST, "examples/rust-drop"),
  "rust-drop": rust("examples/rust-drop", "rust-drop", "examples/rust-drop"),
};

export const GUEST_NAMES: readonly GuestName[] = Object.keys(GUESTS) as GuestName[];
