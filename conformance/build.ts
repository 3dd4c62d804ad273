/**
 * Builds the guests: `node scripts/run.mjs conformance/build.ts [NAME ...]`. Products lie in `build/guests/`, under a name that has a hash of all that
 * they are made from in it, so that nothing is built twice.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GUEST_NAMES, GUESTS, type Guest, type GuestName } from "./guests.ts";
import { type Toolchain, toolchain } from "./toolchains.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const PRODUCTS = join(ROOT, "build/guests");

/** Builds that have not ended: whoever asks at the same moment waits for the same one. */
const building = new Map<GuestName, Promise<string>>();

/**
 * @param say told before a build, which may take minutes where nothing of the toolchain's is cached
 * @returns the path of the compiled module
 * @throws Error with what the toolchain printed; or that it is missing, see `needs`
 */
export function buildGuest(name: GuestName, say: (message: string) => void = () => {}): Promise<string> {
  let build = building.get(name);
  if (build === undefined) {
    build = make(name, say).finally(() => building.delete(name));
    building.set(name, build);
  }
  return build;
}

async function make(name: GuestName, say: (message: string) => void): Promise<string> {
  const guest = GUESTS[name];
  const tools = toolchain(guest.toolchain);
  if ("missing" in tools) throw new Error(`${name} needs ${guest.toolchain}: ${tools.missing}`);
  const path = join(PRODUCTS, `${name}-${hash(guest, tools)}.wasm`);
  if (existsSync(path)) return path;
  say(`Building ${name} with ${guest.toolchain} ...`);
  mkdirSync(PRODUCTS, { recursive: true });
  // Renamed when complete: whoever builds at the same moment, or reads, finds a whole file.
  const unfinished = `${path}.${process.pid}`;
  await run(name, guest, tools);
  copyFileSync(join(ROOT, guest.product), unfinished);
  renameSync(unfinished, path);
  return path;
}

function hash(guest: Guest, tools: Toolchain): string {
  const sum = createHash("sha256").update(JSON.stringify([tools.version, guest.command]));
  const ignored = (path: string): boolean => path.endsWith("/target") || path.endsWith("/build");
  for (const source of globSync([...guest.sources], { cwd: ROOT, exclude: ignored }).sort())
    sum.update(`\0${source}\0`).update(readFileSync(join(ROOT, source)));
  return sum.digest("hex").slice(0, 16);
}

async function run(name: GuestName, guest: Guest, tools: Toolchain): Promise<void> {
  const [program, ...args] = guest.command;
  const env = { ...process.env, ...tools.env };
  const child = spawn(program, args, { cwd: join(ROOT, guest.folder), env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${name}: ${guest.command.join(" ")} ended with ${code}:\n${output}`);
}

/** Builds what can be built, one after the other: each toolchain uses all cores by itself. @returns what cannot, and why */
export async function buildGuests(names: readonly GuestName[], say: (message: string) => void): Promise<string[]> {
  const missing = new Set<string>();
  for (const name of names) {
    const tools = toolchain(GUESTS[name].toolchain);
    if ("missing" in tools) missing.add(`needs ${GUESTS[name].toolchain}: ${tools.missing}`);
    else await buildGuest(name, say);
  }
  return [...missing];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wanted = process.argv.slice(2);
  const names = GUEST_NAMES.filter((name) => wanted.length === 0 || wanted.includes(name));
  const unknown = wanted.filter((name) => !names.some((known) => known === name));
  if (unknown.length > 0) {
    console.error(`unknown guest ${unknown.join(", ")}; known: ${GUEST_NAMES.join(", ")}`);
    process.exit(2);
  }
  const missing = await buildGuests(names, console.log);
  for (const name of names)
    if (!("missing" in toolchain(GUESTS[name].toolchain))) console.log(`${name}: ${await buildGuest(name)}`);
  for (const reason of missing) console.error(`left out: ${reason}`);
  if (missing.length > 0) process.exitCode = 1;
}
