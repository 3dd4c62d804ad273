/** The table of `ENGINES.md`, from what the engines say of themselves; `features.suite.ts` and the suite of the contract hold them to that. */
import type { RuntimeCapabilities } from "../packages/otelwasm/src/runtime/contract.ts";
import { factoryOf } from "../packages/otelwasm/src/runtime/registry.ts";
import "../packages/otelwasm/src/runtime/engines.ts";

const COLUMNS: readonly (readonly [title: string, type: string, options?: object])[] = [
  ["v8", "v8"],
  ["wasmtime", "wasmtime", { fuel: 1 }],
  ["wazero", "wazero"],
  ["wazero, interpreter", "wazero", { mode: "interpreter" }],
  ["wazero, not interruptible", "wazero", { interruptible: false }],
  ["wasmedge", "wasmedge"],
  ["wasmedge, aot", "wasmedge", { mode: "aot" }],
];

const yes = (value: boolean): string => (value ? "yes" : "");

const ROWS: readonly (readonly [title: string, cell: (capabilities: RuntimeCapabilities) => string])[] = [
  ["`isolation`, the default first", ({ isolations }) => isolations.join(", ")],
  ["`call_timeout` inline", ({ deadline }) => yes(deadline)],
  [
    "a call past its deadline ends with",
    ({ interrupt, endsWithThread }) => (interrupt ? "the call" : endsWithThread ? "its thread" : "its process"),
  ],
  ["`limits::memory`", ({ memoryLimit }) => yes(memoryLimit)],
  ["fuel", ({ fuel }) => yes(fuel)],
  ["threads share compiled code", ({ sharedCompile }) => yes(sharedCompile)],
  ["compiled code on disk", ({ diskCache }) => yes(diskCache)],
  ["host functions call the guest again", ({ nestedCalls }) => yes(nestedCalls)],
  ["threads and atomics", ({ features }) => yes(features.threads)],
  ["SIMD", ({ features }) => yes(features.simd)],
  ["bulk memory", ({ features }) => yes(features.bulkMemory)],
  ["exceptions", ({ features }) => yes(features.exceptions)],
  ["garbage collection", ({ features }) => yes(features.gc)],
  ["64-bit memory", ({ features }) => yes(features.memory64)],
  ["tail calls", ({ features }) => yes(features.tailCalls)],
  ["WASI preview 1, sockets", () => "yes"],
  ["[components](COMPONENTS.md)", ({ components }) => (components === "none" ? "" : components)],
];

/** Lines of Markdown. */
export function capabilityTable(): string[] {
  const capabilities = COLUMNS.map(([, type, options]) => factoryOf(type)!.capabilities(options));
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    line(["", ...COLUMNS.map(([title]) => title)]),
    line(["---", ...COLUMNS.map(() => "---")]),
    ...ROWS.map(([title, cell]) => line([title, ...capabilities.map(cell)])),
  ];
}
