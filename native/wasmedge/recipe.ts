/** WasmEdge's library from Debian's packages, as a folder that works on every Linux with the C library of GNU. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { ffi } from "../../packages/otelwasm/src/runtime/native/ffi.ts";
import { platformName } from "../../packages/otelwasm/src/runtime/native/library.ts";
import { WASMEDGE } from "../../packages/otelwasm/src/runtime/wasmedge/library.ts";
import { writePackageJson } from "../package-json.ts";
import { unpackPackages } from "./debian.ts";

/** The release of Debian that has this version. */
const RELEASE = "trixie";
/** What it depends on comes with it, but for one that several packages provide. The last is what Node.js itself needs beside it. */
const PACKAGES = ["libwasmedge0", "libspdlog1.15", "libatomic1"];
const LIBRARY = "libwasmedge.so.0";

interface Platform {
  /** Debian's name of the processor. */
  readonly architecture: string;
  /** The folder of its libraries. */
  readonly triplet: string;
  /** The program that loads programs. */
  readonly loader: string;
}

const PLATFORMS: Readonly<Record<string, Platform>> = {
  "linux-x64": { architecture: "amd64", triplet: "x86_64-linux-gnu", loader: "ld-linux-x86-64.so.2" },
  "linux-arm64": { architecture: "arm64", triplet: "aarch64-linux-gnu", loader: "ld-linux-aarch64.so.1" },
};

/** What the library of another version is for: nothing that is known here. */
export const version: string = WASMEDGE.version;

/**
 * Where the machine has the library itself, a link to it; else Debian's libraries, the C library among them, and what starts a program with them.
 *
 * @param folder empty
 * @throws Error that says what is missing
 */
export async function build(folder: string): Promise<void> {
  const platform = PLATFORMS[platformName()];
  if (platform === undefined)
    throw new Error(
      `WasmEdge is made for ${Object.keys(PLATFORMS).join(" and ")} here, not for ${platformName()}: install WasmEdge ${version} as its authors say, and name its library by runtime_config::wasmedge::library`,
    );
  const installed = installedLibrary();
  if (installed === undefined) {
    await copyDebian(platform, folder);
    writePackageJson(folder, "wasmedge", version, platformName(), { library: `lib/${LIBRARY}` });
  } else {
    symlinkSync(installed, join(folder, LIBRARY));
    writePackageJson(folder, "wasmedge", version, platformName(), { library: LIBRARY });
  }
}

/** The machine's own, if it is of this version. */
function installedLibrary(): string | undefined {
  let path: string | undefined;
  try {
    const list = execFileSync("ldconfig", ["-p"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    path = new RegExp(`^\\s*${LIBRARY.replaceAll(".", "\\.")} .*=> (.+)$`, "m").exec(list)?.[1];
  } catch {
    // Without the command there is no list, and nothing in it.
  }
  if (path === undefined) return undefined;
  const told: unknown = ffi().load(path).func("const char *WasmEdge_VersionGet()")();
  return told === version ? path : undefined;
}

async function copyDebian({ architecture, triplet, loader }: Platform, folder: string): Promise<void> {
  // Beside the result, so that nothing large is copied from one file system to another.
  const root = mkdtempSync(join(folder, "root-"));
  await unpackPackages({ release: RELEASE, architecture, packages: PACKAGES, version }, root).catch(
    (cause: unknown) => {
      throw new Error(
        `WasmEdge ${version} is package ${PACKAGES[0]} of Debian 13 (${RELEASE}), which cannot be had here: ${detail(cause)}. With another source of the library, name it by runtime_config::wasmedge::library`,
        { cause },
      );
    },
  );
  const libraries = join(root, "usr/lib", triplet);
  cpSync(libraries, join(folder, "lib"), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => source === libraries || /\.so(\.[\d.]+)?$/.test(source),
  });
  copyLicences(join(root, "usr/share/doc"), join(folder, "licenses"));
  rmSync(root, { recursive: true });
  // Fails where a library is missing.
  const listed = execFileSync(
    join(folder, "lib", loader),
    ["--library-path", join(folder, "lib"), "--list", join(folder, "lib", LIBRARY)],
    { encoding: "utf8" },
  );
  const missing = /^\s*(\S+) => not found$/m.exec(listed)?.[1];
  if (missing !== undefined) throw new Error(`the packages of ${RELEASE} lack ${missing}, which ${LIBRARY} needs`);
}

function copyLicences(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) cpSync(join(from, name, "copyright"), join(to, name), { dereference: true });
}

function detail(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // What a command says at its end is why it failed.
  const said = "stderr" in error && typeof error.stderr === "string" ? error.stderr.trim() : "";
  return said === "" ? error.message : said;
}
