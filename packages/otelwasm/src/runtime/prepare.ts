import { type ModuleInfo, parseModule, SectionId } from "./binary.ts";
import { exportStart, limitMemory } from "./binary-rewrite.ts";
import type { CompileOptions } from "./contract.ts";
import { WasmError } from "./errors.ts";

/** A module as an engine gets it. */
export interface PreparedModule {
  /** The caller's, where nothing had to be changed. */
  readonly binary: Uint8Array;
  readonly info: ModuleInfo;
  /** The name that the start function is exported under, if the adapter has to call it once the memory is at hand. */
  readonly startExport: string | undefined;
}

/**
 * Writes into the module what no engine has to be able to do then: the limit of its memory, and a start function that waits until its host functions can see the memory.
 *
 * @param everyStart whether any start function waits: for an engine that can end calls, but not what it does for an instance to exist
 * @throws WasmError `invalid_module`, `unsupported`, `memory_limit`
 */
export function prepareModule(
  type: string,
  original: Uint8Array,
  { memoryLimit }: CompileOptions,
  everyStart = false,
): PreparedModule {
  const declared = parseModule(original);
  if (memoryLimit !== undefined && declared.arrays)
    // What does not fit may end the process.
    throw new WasmError(
      "unsupported",
      `the module has garbage-collected arrays, whose memory ${type} cannot limit; build the plugin for linear memory`,
    );
  const limited = memoryLimit === undefined ? original : limitMemory(original, declared, memoryLimit);
  const info = limited === original ? declared : parseModule(limited);
  const startExport = nameForStart(info, everyStart);
  const binary = startExport === undefined ? limited : exportStart(limited, info, startExport);
  if (startExport !== undefined) expectStart(binary, startExport);
  return { binary, info, startExport };
}

/** What an engine would find: https://webassembly.github.io/spec/core/valid/modules.html#start-function */
function expectStart(binary: Uint8Array, name: string): void {
  const start = parseModule(binary).exports.find((item) => item.name === name);
  if (start?.kind !== "function" || start.type.params.length + start.type.results.length > 0)
    throw new WasmError("invalid_module", "the start function has parameters or results, or is not there");
}

/** A start function that cannot reach a host function has no memory to wait for. */
function nameForStart(info: ModuleInfo, everyStart: boolean): string | undefined {
  const waits = everyStart || info.imports.some((item) => item.kind === "function");
  // Two of them are for the engine to refuse.
  const starts = info.sections.filter(({ id }) => id === SectionId.start);
  if (starts.length !== 1 || !waits) return undefined;
  let name = "(start)";
  while (info.exports.some((item) => item.name === name)) name += "'";
  return name;
}
