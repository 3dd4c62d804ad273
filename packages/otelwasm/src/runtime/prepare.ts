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
 * @param callsStart whether the adapter calls each start function, not only such as can reach a host function
 * @throws WasmError `invalid_module`, `unsupported`, `memory_limit`
 */
export function prepareModule(
  type: string,
  original: Uint8Array,
  options: CompileOptions,
  callsStart = false,
): PreparedModule {
  const { binary: limited, info } = limitModule(type, original, options);
  const startExport = nameForStart(info, callsStart);
  const binary = startExport === undefined ? limited : exportStart(limited, info, startExport);
  if (startExport !== undefined) expectStart(binary, startExport);
  return { binary, info, startExport };
}

/** The limit of its memory alone. @throws as `prepareModule` */
export function limitModule(
  type: string,
  original: Uint8Array,
  { memoryLimit }: CompileOptions,
): Omit<PreparedModule, "startExport"> {
  const declared = parseModule(original);
  if (memoryLimit !== undefined && declared.arrays)
    // What does not fit may end the process.
    throw new WasmError(
      "unsupported",
      `the module has garbage-collected arrays, whose memory ${type} cannot limit; build the plugin for linear memory`,
    );
  const limited = memoryLimit === undefined ? original : limitMemory(original, declared, memoryLimit);
  return { binary: limited, info: limited === original ? declared : parseModule(limited) };
}

/** What an engine would find: https://webassembly.github.io/spec/core/valid/modules.html#start-function */
function expectStart(binary: Uint8Array, name: string): void {
  const start = parseModule(binary).exports.find((item) => item.name === name);
  if (start?.kind !== "function" || start.type.params.length + start.type.results.length > 0)
    throw new WasmError("invalid_module", "the start function has parameters or results, or is not there");
}

/** Only a start function that can reach a host function has to wait for the memory. */
function nameForStart(info: ModuleInfo, callsStart: boolean): string | undefined {
  // Two of them are for the engine to refuse.
  if (info.sections.filter(({ id }) => id === SectionId.start).length !== 1) return undefined;
  if (!callsStart && !info.imports.some((item) => item.kind === "function")) return undefined;
  let name = "(start)";
  while (info.exports.some((item) => item.name === name)) name += "'";
  return name;
}
