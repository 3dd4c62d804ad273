/** The words of the specification's tests for what goes wrong while a module is linked or runs, as the codes of our errors. */
import type { WasmErrorCode } from "../../packages/otelwasm/src/runtime/errors.ts";

/** The longest that the text begins with counts: "uninitialized element 7" names the element, too. */
const CODES: Readonly<Record<string, WasmErrorCode>> = {
  "call stack exhausted": "stack_overflow",
  "cast failure": "illegal_cast",
  "expected shared memory": "trap",
  "incompatible import type": "link",
  "indirect call": "indirect_call",
  "integer divide by zero": "divide_by_zero",
  "integer overflow": "integer_overflow",
  "invalid conversion to integer": "invalid_conversion",
  "null ": "null_reference",
  "out of bounds array access": "array_out_of_bounds",
  "out of bounds memory access": "out_of_bounds",
  "out of bounds table access": "table_out_of_bounds",
  "unaligned atomic": "unaligned_atomic",
  undefined: "table_out_of_bounds",
  uninitialized: "indirect_call",
  "unknown import": "link",
  unreachable: "unreachable",
  // Version 1 had these checked before anything is written, as errors of linking. Since version 2 they are traps.
  "data segment does not fit": "out_of_bounds",
  "elements segment does not fit": "table_out_of_bounds",
};

/** @throws Error for a text that is not known */
export function codeOf(text: string): WasmErrorCode {
  const found = Object.entries(CODES).find(([beginning]) => text.startsWith(beginning));
  if (found === undefined) throw new Error(`no code is known for "${text}"`);
  return found[1];
}
