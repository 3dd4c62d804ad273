import {
  DIALECTS,
  type Dialect,
  EXPERIMENTAL_EXPORTS,
  EXPERIMENTAL_IMPORTS,
  HOST_FUNCTIONS,
  MARKERS,
} from "../abi/names.ts";
import { silentLogger } from "../component/logger.ts";
import { formatFunctionType, parseModule } from "../runtime/binary.ts";
import type { ExportType, ImportType, MemoryType } from "../runtime/contract.ts";
import { linkProblem, type OfferedFunctions, offeredFunctions } from "../runtime/link.ts";
import { SIGNALS, type Signal } from "../telemetry/batch.ts";
import { createWasi, WASI_MODULE } from "../wasi/index.ts";
import { GuestCall } from "./call.ts";
import { createHostModule } from "./host.ts";
import { detectDialect, findExport, type PluginRole, requiredFunctions, resolveExports } from "./requirements.ts";

/** What this host offers, by type; nothing of it is called here. */
const OFFERED: OfferedFunctions = offeredFunctions(
  createHostModule({
    call: new GuestCall(0),
    config: new Uint8Array(0),
    logger: silentLogger,
    shutdownRequested: () => false,
  }),
);

const OFFERED_OF_WASI: ReadonlySet<string> = new Set(createWasi({}).functions.map(({ functionName }) => functionName));

/** Without a marker they tell a module of the experimental interface; with one they are a hybrid's, and all but the first kind are offered. */
const CAMEL_CASE_IMPORTS: readonly string[] = [
  ...EXPERIMENTAL_IMPORTS,
  ...Object.values(HOST_FUNCTIONS).flatMap(({ experimental }) => experimental ?? []),
];

export interface ImportReport {
  readonly module: string;
  /** Imports that this host offers with the same type, as `name (i32) -> ()`. */
  readonly known: readonly string[];
  readonly unknown: readonly string[];
}

/** What a module is, read from its bytes; nothing of it runs. */
export interface ModuleReport {
  /** In bytes. */
  readonly size: number;
  /** `experimental`: the pull interface, which is not supported; `none`: not a plugin that is known. */
  readonly dialect: Dialect | "experimental" | "none";
  readonly markers: readonly string[];
  /** What the exports allow; `consume_X` serves processors and exporters alike. */
  readonly roles: readonly PluginRole[];
  readonly signals: readonly Signal[];
  readonly imports: readonly ImportReport[];
  /** With their types, as `alloc (i32) -> (i32)`. */
  readonly exports: readonly string[];
  /** The memory that is exported as `memory`. */
  readonly memory: MemoryType | undefined;
  /** What the module needs from the host beside the ABI. */
  readonly capabilities: { readonly wasi: boolean; readonly sockets: boolean };
  /** Why this host cannot run it; empty if it can. */
  readonly problems: readonly string[];
}

/** @throws WasmError `invalid_module`, `unsupported` */
export function inspectModule(binary: Uint8Array): ModuleReport {
  const { imports, exports } = parseModule(binary);
  const dialect = detectDialect(exports);
  const resolveWith = dialect ?? "v1";
  const has = (name: Parameters<typeof findExport>[1]): boolean => findExport(exports, name, resolveWith) !== undefined;
  const consumed = SIGNALS.filter((signal) => has(`consume_${signal}`));
  const received = SIGNALS.filter((signal) => has(`start_${signal}_receiver`));
  const roles: PluginRole[] = [];
  if (received.length > 0) roles.push("receiver");
  if (consumed.length > 0) roles.push("processor", "exporter");
  const wasi = imports.filter((item) => item.module === WASI_MODULE);
  const memory = exports.find((item) => item.kind === "memory" && item.name === "memory");
  return {
    size: binary.length,
    dialect: dialect ?? (isExperimental(imports, exports) ? "experimental" : "none"),
    markers: DIALECTS.map((known) => MARKERS[known]).filter((name) => exports.some((item) => item.name === name)),
    roles,
    signals: SIGNALS.filter((signal) => consumed.includes(signal) || received.includes(signal)),
    imports: groupImports(imports),
    exports: exports.map(
      (item) => `${item.name}${item.kind === "function" ? ` ${formatFunctionType(item.type)}` : ` ${item.kind}`}`,
    ),
    memory: memory?.kind === "memory" ? memory.type : undefined,
    capabilities: {
      wasi: wasi.length > 0,
      sockets: wasi.some((item) => item.name.startsWith("sock_")),
    },
    problems: problemsOf(imports, exports, dialect, consumed, received),
  };
}

function problemsOf(
  imports: readonly ImportType[],
  exports: readonly ExportType[],
  dialect: Dialect | undefined,
  consumed: readonly Signal[],
  received: readonly Signal[],
): string[] {
  if (dialect === undefined) return [withoutMarker(imports, exports)];
  const required = new Set([
    ...(received.length > 0 ? requiredFunctions("receiver", received) : []),
    ...(consumed.length > 0 || received.length === 0 ? requiredFunctions("processor", consumed) : []),
  ]);
  const problems = [...resolveExports(exports, dialect, [...required]).problems];
  if (consumed.length === 0 && received.length === 0)
    problems.push("the module exports no consume_X and no start_X_receiver (X: traces, metrics, logs)");
  return [...problems, ...importProblems(imports)];
}

/** What is said about a module without a marker: what was found, and what to do. */
export function withoutMarker(imports: readonly ImportType[], exports: readonly ExportType[]): string {
  const markers = DIALECTS.map((dialect) => MARKERS[dialect]).join(" or ");
  const found = exports.filter((item) => item.kind === "function").map((item) => item.name);
  if (isExperimental(imports, exports)) {
    const seen = [
      ...found.filter((name) => EXPERIMENTAL_EXPORTS.includes(name)),
      ...imports.map((item) => item.name).filter((name) => CAMEL_CASE_IMPORTS.includes(name)),
    ];
    return `the module was built for the experimental (pull) interface (it has ${list(seen)}), which is not supported: rebuild it against ABI v1, which exports ${MARKERS.v1}`;
  }
  return `the module exports no ABI marker (${markers}); it exports ${found.length === 0 ? "no function" : list(found)}: build it with a guest SDK for ABI v1`;
}

function list(names: readonly string[]): string {
  const unique = [...new Set(names)];
  const shown = unique.slice(0, 20).join(", ");
  return unique.length > 20 ? `${shown} and ${unique.length - 20} more` : shown;
}

function isExperimental(imports: readonly ImportType[], exports: readonly ExportType[]): boolean {
  return (
    exports.some((item) => item.kind === "function" && EXPERIMENTAL_EXPORTS.includes(item.name)) ||
    imports.some((item) => CAMEL_CASE_IMPORTS.includes(item.name))
  );
}

/** All that the host cannot give, before anything runs: an empty list if the module can be linked. */
export function importProblems(imports: readonly ImportType[]): string[] {
  const problems: string[] = [];
  const wasi = imports.filter((item) => item.module === WASI_MODULE && !OFFERED_OF_WASI.has(item.name));
  if (wasi.length > 0)
    problems.push(
      `the module imports functions that WASI preview 1 and its socket extension do not have: ${list(wasi.map((item) => `${WASI_MODULE}.${item.name}`))}`,
    );
  const removed = imports.filter((item) => EXPERIMENTAL_IMPORTS.includes(item.name));
  if (removed.length > 0)
    problems.push(
      `the module imports ${list(removed.map((item) => `${item.module}.${item.name}`))} of the experimental (pull) interface, which ABI v1 removed: rebuild it against ABI v1`,
    );
  const others = new Set<string>();
  for (const item of imports) {
    if (wasi.includes(item) || removed.includes(item)) continue;
    const problem = linkProblem(item, OFFERED);
    if (problem !== undefined) others.add(problem);
  }
  if (others.size > 0) problems.push(`the module cannot be linked: ${[...others].join("; ")}`);
  return problems;
}

function groupImports(imports: readonly ImportType[]): ImportReport[] {
  const modules = new Map<string, { known: Set<string>; unknown: Set<string> }>();
  for (const item of imports) {
    const group = modules.get(item.module) ?? { known: new Set(), unknown: new Set() };
    modules.set(item.module, group);
    const text =
      item.kind === "function" ? `${item.name} ${formatFunctionType(item.type)}` : `${item.name} ${item.kind}`;
    (linkProblem(item, OFFERED) === undefined ? group.known : group.unknown).add(text);
  }
  return [...modules].map(([module, group]) => ({ module, known: [...group.known], unknown: [...group.unknown] }));
}
