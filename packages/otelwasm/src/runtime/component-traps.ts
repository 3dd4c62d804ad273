import { WasmError, type WasmErrorCode } from "./errors.ts";

/** What is said of traps where components run: wasmtime's words, which the transpiler's JavaScript says, too. */
const WORDS: Readonly<Record<string, WasmErrorCode>> = {
  "wasm `unreachable` instruction executed": "unreachable",
  "out of bounds memory access": "out_of_bounds",
  "undefined element: out of bounds table access": "table_out_of_bounds",
  "uninitialized element": "indirect_call",
  "indirect call type mismatch": "indirect_call",
  "integer divide by zero": "divide_by_zero",
  "integer overflow": "integer_overflow",
  "invalid conversion to integer": "invalid_conversion",
  "call stack exhausted": "stack_overflow",
  "null reference": "null_reference",
  "out of bounds array access": "array_out_of_bounds",
  "cast failure": "illegal_cast",
  "misaligned memory access": "unaligned_atomic",
  "all fuel consumed by WebAssembly": "fuel",
  interrupt: "deadline",
};

/** @param message has `wasm trap: ` and the words on a line @returns undefined if it has not */
export function trapOfWords(message: string, cause: unknown): WasmError | undefined {
  const words = /wasm trap: (.*)$/m.exec(message)?.[1];
  if (words === undefined) return undefined;
  const code = WORDS[words];
  return code === undefined ? new WasmError("trap", words, { cause }) : new WasmError(code, undefined, { cause });
}
