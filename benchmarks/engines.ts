/**
 * Every engine beside V8, in one run: the boundary, a plugin in AssemblyScript, one in Go; and what an engine costs before the first batch.
 *
 *     npm run bench:engines [-- ENGINE ...]
 *
 * Each engine has a process of its own, as WasmEdge must, and so that the memory that it takes can be told. Engines that are not installed are left out, with the reason.
 */
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { buildGuest } from "../conformance/build.ts";
import { toolchain } from "../conformance/toolchains.ts";
import { buildAttributesPlugin } from "../examples/attributes/build.ts";
import { silentLogger } from "../packages/otelwasm/src/component/logger.ts";
import { Guest } from "../packages/otelwasm/src/plugin/guest.ts";
import { detectDialect, requiredFunctions, resolveExports } from "../packages/otelwasm/src/plugin/requirements.ts";
import type { CompiledModule, Runtime } from "../packages/otelwasm/src/runtime/contract.ts";
import { create, factoryOf, type RuntimeConfig } from "../packages/otelwasm/src/runtime/registry.ts";
import { wat } from "../packages/otelwasm/src/runtime/testing/wat.ts";
import "../packages/otelwasm/src/runtime/engines.ts";
import { buildPayload } from "../packages/otelwasm/src/telemetry/testing/payload.ts";

interface Contender {
  readonly name: string;
  readonly config: RuntimeConfig;
  /** Why it does not take part with the plugin in Go. */
  readonly withoutGo?: string;
}

/** V8 first: what the others are held against. */
const CONTENDERS: readonly Contender[] = [
  { name: "v8", config: { type: "v8" } },
  { name: "wasmtime", config: { type: "wasmtime" } },
  { name: "wazero", config: { type: "wazero" } },
  { name: "wazero, not interruptible", config: { type: "wazero", wazero: { interruptible: false } } },
  { name: "wazero, interpreter", config: { type: "wazero", wazero: { mode: "interpreter" } } },
  {
    name: "wasmedge, aot",
    config: { type: "wasmedge", wasmedge: { mode: "aot" } },
    withoutGo: "its compiler takes minutes for that, and a gigabyte",
  },
  { name: "wasmedge, interpreter", config: { type: "wasmedge" } },
];

/** Nanoseconds, milliseconds, bytes: as each name says. */
interface Figures {
  readonly callNs: number;
  readonly hostCallNs: number;
  readonly push10kNs: number;
  readonly attributesMs: number;
  readonly attributesCompileMs: number;
  readonly attributesStartMs: number;
  readonly goMs: number | undefined;
  readonly goCompileMs: number | undefined;
  readonly goStartMs: number | undefined;
  readonly memoryMB: number | undefined;
}

const BOUNDARY = `(module (import "env" "h" (func $h (param i32 i32) (result i32))) (memory (export "memory") 4)
  (func (export "empty") (param i32 i32) (result i32) (i32.const 0))
  (func (export "host") (param i32) (local $i i32)
    (loop $l (drop (call $h (i32.const 1) (i32.const 2))) (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 0))))))`;

const RECORDS = 1000;
const INSERT = { actions: [{ key: "bench.attr", value: "inserted", action: "insert" }] };

/** The least of several rounds, in milliseconds: what the machine does beside it can only add. */
function least(rounds: number, work: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now();
    work();
    best = Math.min(best, performance.now() - begun);
  }
  return best;
}

async function boundary(runtime: Runtime): Promise<Pick<Figures, "callNs" | "hostCallNs" | "push10kNs">> {
  const module = await runtime.compile(wat(BOUNDARY));
  const functions = [
    { moduleName: "env", functionName: "h", params: ["i32", "i32"], results: ["i32"], function: () => 1 },
  ] as const;
  const { instance, context } = await runtime.instantiateWithHost(module, { functions });
  const [empty, host, memory] = [instance.function("empty")!, instance.function("host")!, instance.memory!];
  const calls = 20_000;
  const batch = new Uint8Array(10_000);
  const perCall = (work: () => void): number => (least(15, work) / calls) * 1e6;
  const figures = {
    callNs: perCall(() => {
      for (let n = 0; n < calls; n++) empty.call(1, 2);
    }),
    hostCallNs: perCall(() => void host.call(calls)),
    push10kNs: perCall(() => {
      for (let n = 0; n < calls; n++) {
        empty.call(1, 2);
        memory.write(1024, batch);
        empty.call(1, 2);
        memory.read(1024, batch.length).slice();
      }
    }),
  };
  await instance.close();
  await context.close();
  return figures;
}

interface PluginFigures {
  readonly compileMs: number;
  readonly startMs: number;
  readonly batchMs: number;
}

async function plugin(runtime: Runtime, path: string, pluginConfig: object, budgetMs: number): Promise<PluginFigures> {
  const binary = await readFile(path);
  const begun = performance.now();
  const module = await runtime.compile(binary, { memoryLimit: 512 * 1024 * 1024 });
  const compiled = performance.now();
  const guest = await instantiate(runtime, module, pluginConfig);
  guest.start();
  const started = performance.now();
  const batch = buildPayload("logs", RECORDS);
  guest.consume("logs", batch);
  // As many as there is time for, and enough for the compilers that work while code runs.
  const rounds = Math.max(3, Math.min(200, Math.floor(budgetMs / Math.max(1, performance.now() - started))));
  const batchMs = least(rounds, () => void guest.consume("logs", batch));
  guest.shutdown();
  await guest.close();
  return { compileMs: compiled - begun, startMs: started - compiled, batchMs };
}

async function instantiate(runtime: Runtime, module: CompiledModule, pluginConfig: object): Promise<Guest> {
  const dialect = detectDialect(module.exports);
  if (dialect === undefined) throw new Error("the module is no plugin");
  const { resolved } = resolveExports(module.exports, dialect, requiredFunctions("processor", ["logs"]));
  return Guest.instantiate(
    {
      id: "wasm/bench",
      role: "processor",
      runtime,
      code: { module },
      exports: resolved,
      config: new TextEncoder().encode(JSON.stringify(pluginConfig)),
      logger: silentLogger,
      maxResultBytes: 64 * 1024 * 1024,
      shutdownRequested: () => false,
    },
    module,
  );
}

async function measure(config: RuntimeConfig, go: boolean): Promise<Figures> {
  const runtime = await create(config);
  const figures = await boundary(runtime);
  const attributes = await plugin(runtime, await buildAttributesPlugin(), INSERT, 3000);
  const before = process.memoryUsage().rss;
  const goGuest = go ? await plugin(runtime, await buildGuest("go-processor"), { mark: "seen" }, 10_000) : undefined;
  await runtime.close();
  return {
    ...figures,
    attributesMs: attributes.batchMs,
    attributesCompileMs: attributes.compileMs,
    attributesStartMs: attributes.startMs,
    goMs: goGuest?.batchMs,
    goCompileMs: goGuest?.compileMs,
    goStartMs: goGuest?.startMs,
    memoryMB: goGuest === undefined ? undefined : (process.memoryUsage().rss - before) / 2 ** 20,
  };
}

const ROWS: readonly (readonly [title: string, key: keyof Figures, unit: string])[] = [
  ["empty call", "callNs", "ns"],
  ["host function", "hostCallNs", "ns"],
  ["push 10 kB, take it back", "push10kNs", "ns"],
  ["attributes plugin, 1000 logs", "attributesMs", "ms"],
  ["  its compilation", "attributesCompileMs", "ms"],
  ["  its start", "attributesStartMs", "ms"],
  ["Go plugin, 1000 logs", "goMs", "ms"],
  ["  its compilation", "goCompileMs", "ms"],
  ["  its start", "goStartMs", "ms"],
  ["  memory that it takes", "memoryMB", "MB"],
];

/** In a process that has the engine alone. */
function inProcess(contender: Contender, go: boolean): Figures {
  const factory = factoryOf(contender.config.type!)!;
  const launcher = factory.launcher?.(contender.config[contender.config.type!]) ?? {
    file: process.execPath,
    args: [],
    env: {},
  };
  const { status, stdout, stderr } = spawnSync(
    launcher.file,
    [
      ...launcher.args,
      "--conditions=otelwasm-source",
      fileURLToPath(import.meta.url),
      JSON.stringify({ contender, go }),
    ],
    { encoding: "utf8", env: { ...process.env, ...launcher.env } },
  );
  if (status !== 0) throw new Error(`${contender.name}: ${stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as Figures;
}

function ratio(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

function printTable(results: readonly (readonly [Contender, Figures])[]): void {
  const reference = results[0]![1];
  console.log(`| | ${results.map(([{ name }]) => name).join(" | ")} |`);
  console.log(`|---|${results.map(() => "---").join("|")}|`);
  for (const [title, key, unit] of ROWS) {
    const cells = results.map(([, figures], index) => {
      const value = figures[key];
      const base = reference[key];
      if (value === undefined || base === undefined) return "";
      const amount = `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
      return index === 0 ? amount : `${amount} (${ratio(value / base)})`;
    });
    console.log(`| ${title} | ${cells.join(" | ")} |`);
  }
}

async function main(wanted: readonly string[]): Promise<void> {
  const go = !("missing" in toolchain("go"));
  await buildAttributesPlugin();
  if (go) await buildGuest("go-processor");
  const results: [Contender, Figures][] = [];
  for (const contender of CONTENDERS) {
    const type = contender.config.type!;
    if (wanted.length > 0 && type !== "v8" && !wanted.includes(type)) continue;
    const missing = factoryOf(type)!.missing?.(undefined);
    if (missing !== undefined) console.log(`${contender.name} is left out: ${missing}`);
    else results.push([contender, inProcess(contender, go && contender.withoutGo === undefined)]);
    if (contender.withoutGo !== undefined)
      console.log(`${contender.name} is without the Go plugin: ${contender.withoutGo}`);
  }
  printTable(results);
}

const [argument] = process.argv.slice(2);
if (argument?.startsWith("{")) {
  const { contender, go } = JSON.parse(argument) as { contender: Contender; go: boolean };
  console.log(JSON.stringify(await measure(contender.config, go)));
} else {
  await main(process.argv.slice(2));
}
