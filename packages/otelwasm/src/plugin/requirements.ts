import { DIALECTS, type Dialect, GUEST_FUNCTIONS, type GuestFunction, MARKERS, spellings } from "../abi/names.ts";
import { formatFunctionType, sameFunctionType } from "../runtime/binary.ts";
import type { ExportType } from "../runtime/contract.ts";
import type { Signal } from "../telemetry/batch.ts";

export type PluginRole = "receiver" | "processor" | "exporter";

/** The dialect of the highest version whose marker the module exports. */
export function detectDialect(exports: readonly ExportType[]): Dialect | undefined {
  return DIALECTS.find((dialect) => exports.some((item) => item.kind === "function" && item.name === MARKERS[dialect]));
}

/** The functions that a module must export to be used in this role for these signals. */
export function requiredFunctions(role: PluginRole, signals: readonly Signal[]): GuestFunction[] {
  const lifecycle: GuestFunction[] = ["get_supported_telemetry", "start", "shutdown"];
  return role === "receiver"
    ? [...lifecycle, ...signals.map((signal): GuestFunction => `start_${signal}_receiver`)]
    : ["alloc", ...lifecycle, ...signals.map((signal): GuestFunction => `consume_${signal}`)];
}

/** The export that serves as an ABI function: the dialect's spelling first, then every other, as hybrids are about. */
export function findExport(
  exports: readonly ExportType[],
  name: GuestFunction,
  dialect: Dialect,
): (ExportType & { kind: "function" }) | undefined {
  for (const spelling of spellings(GUEST_FUNCTIONS[name], dialect)) {
    const found = exports.find((item) => item.kind === "function" && item.name === spelling);
    if (found?.kind === "function") return found;
  }
  return undefined;
}

/** Under which name the module exports each of the functions that the host calls. */
export type ResolvedExports = ReadonlyMap<GuestFunction, string>;

/** Everything that keeps a module from being used: all of it at once, so that nobody repairs one thing at a time. */
export function resolveExports(
  exports: readonly ExportType[],
  dialect: Dialect,
  required: readonly GuestFunction[],
): { readonly resolved: ResolvedExports; readonly problems: readonly string[] } {
  const resolved = new Map<GuestFunction, string>();
  const missing: string[] = [];
  const problems: string[] = [];
  for (const name of required) {
    const abi = GUEST_FUNCTIONS[name];
    const found = findExport(exports, name, dialect);
    if (found === undefined) {
      const spelling = abi.names[dialect];
      missing.push(spelling === name ? name : `${spelling} (or ${name})`);
    } else if (!sameFunctionType(found.type, abi)) {
      problems.push(
        `the export ${found.name} is ${formatFunctionType(found.type)}, but must be ${formatFunctionType(abi)}`,
      );
    } else {
      resolved.set(name, found.name);
    }
  }
  problems.push(...memoryProblems(exports, missing));
  if (missing.length > 0) problems.unshift(`the module does not export ${missing.join(", ")}`);
  if (isCommand(exports))
    problems.unshift(
      "the module exports _start and no _initialize: it is a program that runs once (a command of WASI), and a plugin is called again and again; build it as a reactor (Go: -buildmode=c-shared, Rust: a cdylib, clang: -mexec-model=reactor)",
    );
  return { resolved, problems };
}

/** https://github.com/WebAssembly/WASI/blob/main/legacy/application-abi.md: nothing else of a command may be called before `_start`, nor after it. */
function isCommand(exports: readonly ExportType[]): boolean {
  const has = (name: string): boolean => exports.some((item) => item.kind === "function" && item.name === name);
  return has("_start") && !has("_initialize");
}

/** The memory must be exported as `memory`, and be one that 32-bit pointers reach and only the guest writes to. */
function memoryProblems(exports: readonly ExportType[], missing: string[]): string[] {
  const memory = exports.find((item) => item.kind === "memory" && item.name === "memory");
  if (memory?.kind !== "memory") {
    missing.push("memory");
    return [];
  }
  const problems: string[] = [];
  if (memory.type.index64) problems.push("the memory has 64-bit addresses; pointers of the ABI are 32-bit");
  if (memory.type.shared) problems.push("the memory is shared; build the plugin without threads");
  return problems;
}
