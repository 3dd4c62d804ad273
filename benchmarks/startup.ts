/**
 * How long a plugin takes from its file to its first batch, by the size of its module: what is done once for a module, and what for each plugin of it.
 * `node --conditions=otelwasm-source benchmarks/startup.ts`; modules of toolchains that are missing are left out.
 */
import { readFile } from "node:fs/promises";
import { buildGuest } from "../conformance/build.ts";
import { GUESTS, type GuestName } from "../conformance/guests.ts";
import { toolchain } from "../conformance/toolchains.ts";
import { buildFilterPlugin } from "../examples/filter/build.ts";
import { WasmPlugin } from "../packages/otelwasm/src/plugin/plugin.ts";
import { ECHO, guest } from "../packages/otelwasm/src/plugin/testing/guests.ts";
import { largeGuest } from "../packages/otelwasm/src/plugin/testing/large.ts";
import type { Isolation } from "../packages/otelwasm/src/runtime/contract.ts";
import { create } from "../packages/otelwasm/src/runtime/registry.ts";

const ROUNDS = 7;
const MEMORY = 512 * 1024 * 1024;

interface Module {
  readonly name: string;
  readonly binary: Uint8Array;
  readonly pluginConfig?: unknown;
}

async function modules(): Promise<Module[]> {
  const found: Module[] = [
    {
      name: "filter (AssemblyScript)",
      binary: await readFile(await buildFilterPlugin()),
      pluginConfig: { traces: { span: [{ name: "a" }] } },
    },
  ];
  for (const name of ["rust-processor", "go-processor"] satisfies GuestName[]) {
    const tools = toolchain(GUESTS[name].toolchain);
    if ("missing" in tools) console.log(`${name} is left out: ${tools.missing}`);
    else found.push({ name, binary: await readFile(await buildGuest(name)) });
  }
  found.push({ name: "made up, 10 MB", binary: largeGuest(guest(ECHO), 10_000_000) });
  found.push({ name: "made up, 50 MB", binary: largeGuest(guest(ECHO), 50_000_000) });
  return found;
}

/** Milliseconds. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

function median(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return `${(sorted[sorted.length >> 1] ?? 0).toFixed(1)} ms`;
}

/** Of bytes that no engine has seen yet: V8 knows again what it has compiled, as long as anything holds it. */
function unseen(binary: Uint8Array, mark: number): Uint8Array {
  const custom = Uint8Array.of(0, 6, 1, 0x78, mark & 0xff, (mark >> 8) & 0xff, (mark >> 16) & 0xff, 0);
  return new Uint8Array(Buffer.concat([binary, custom]));
}

let marks = 0;

async function measure({ name, binary, pluginConfig }: Module): Promise<string[]> {
  const times: Record<string, number[]> = { compile: [], worker: [], inline: [], second: [], three: [] };
  const open: WasmPlugin[] = [];
  const start = async (bytes: Uint8Array, isolation: Isolation): Promise<void> => {
    const plugin = await WasmPlugin.load({
      id: "wasm/startup",
      role: "processor",
      signals: ["traces"],
      pluginConfig,
      isolation,
      binary: bytes,
    });
    await plugin.start();
    open.push(plugin);
  };
  const close = (): Promise<unknown> => Promise.all(open.splice(0).map((plugin) => plugin.shutdown()));
  for (let round = 0; round < ROUNDS; round++) {
    const runtime = await create();
    const alone = unseen(binary, marks++);
    times.compile!.push(await timed(() => runtime.compile(alone, { memoryLimit: MEMORY })));
    await runtime.close();
    for (const isolation of ["inline", "worker"] as const) {
      const bytes = unseen(binary, marks++);
      times[isolation]!.push(await timed(() => start(bytes, isolation)));
      if (isolation === "worker") times.second!.push(await timed(() => start(bytes, isolation)));
      await close();
    }
    const bytes = unseen(binary, marks++);
    times.three!.push(await timed(() => Promise.all(["traces", "metrics", "logs"].map(() => start(bytes, "worker")))));
    await close();
  }
  const size = `${(binary.length / 1e6).toFixed(2)} MB`;
  return [name, size, ...["compile", "inline", "worker", "second", "three"].map((key) => median(times[key]!))];
}

console.log(
  "| module | size | compile | start, inline | start, worker | a second worker of the same module | three at once |",
);
console.log("|---|---|---|---|---|---|---|");
for (const module of await modules()) console.log(`| ${(await measure(module)).join(" | ")} |`);
