import { WasmError, type WasmErrorCode } from "../errors.ts";
import { WebAssembly } from "./webassembly.ts";

/** V8's messages of traps (`src/common/message-template.h`), which are the only thing that tells traps apart. */
const TRAPS: Readonly<Record<string, WasmErrorCode>> = {
  unreachable: "unreachable",
  "memory access out of bounds": "out_of_bounds",
  "data segment out of bounds": "out_of_bounds",
  "table index is out of bounds": "table_out_of_bounds",
  "table access out of bounds": "table_out_of_bounds",
  "element segment out of bounds": "table_out_of_bounds",
  "element segment has been dropped": "table_out_of_bounds",
  "null function": "indirect_call",
  "function signature mismatch": "indirect_call",
  // V8 before version 14
  "null function or function signature mismatch": "indirect_call",
  "divide by zero": "divide_by_zero",
  "remainder by zero": "divide_by_zero",
  "divide result unrepresentable": "integer_overflow",
  "float unrepresentable in integer range": "invalid_conversion",
  "dereferencing a null pointer": "null_reference",
  "rethrowing null value": "null_reference",
  "array element access out of bounds": "array_out_of_bounds",
  "requested new array is too large": "array_out_of_bounds",
  "string offset out of bounds": "array_out_of_bounds",
  "illegal cast": "illegal_cast",
  "operation does not support unaligned accesses": "unaligned_atomic",
};

/** The prefix of V8's messages that names the function of the JavaScript API. */
const API_PREFIX = /^WebAssembly\.\w+\(\): /;

/**
 * What came out of a call into the guest, as the contract wants it: a trap as a `WasmError` whose cause is V8's error with
 * the guest's stack; what a host function threw unchanged.
 */
export function fromTrap(error: unknown): unknown {
  if (error instanceof WebAssembly.RuntimeError) {
    const code = TRAPS[error.message];
    return code === undefined
      ? new WasmError("trap", error.message, { cause: error })
      : new WasmError(code, undefined, { cause: error });
  }
  // V8 reports exhaustion by JavaScript's own RangeError, in guest code and in a host function that the guest called too deep.
  if (error instanceof RangeError && error.message.startsWith("Maximum call stack size exceeded"))
    return new WasmError("stack_overflow", undefined, { cause: error });
  if (error instanceof WebAssembly.Exception) return new WasmError("exception", undefined, { cause: error });
  return error;
}

export function fromCompile(error: unknown): WasmError {
  if (error instanceof WebAssembly.CompileError)
    return new WasmError("invalid_module", detail(error), { cause: error });
  return new WasmError("unsupported", error instanceof Error ? detail(error) : String(error), { cause: error });
}

export function fromInstantiate(error: unknown): unknown {
  if (error instanceof WebAssembly.LinkError) return new WasmError("link", detail(error), { cause: error });
  if (error instanceof RangeError && /memory/i.test(error.message) && API_PREFIX.test(error.message))
    return new WasmError("memory_limit", detail(error), { cause: error });
  // A segment that does not fit traps while the instance is made: https://webassembly.github.io/spec/core/exec/modules.html#instantiation
  if (error instanceof WebAssembly.RuntimeError) {
    if (/data segment/.test(error.message)) return new WasmError("out_of_bounds", detail(error), { cause: error });
    if (/table|element/.test(error.message))
      return new WasmError("table_out_of_bounds", detail(error), { cause: error });
  }
  return fromTrap(error);
}

function detail(error: Error): string {
  return error.message.replace(API_PREFIX, "");
}
