import { trapOfWords } from "../component-traps.ts";
import { WasmError, type WasmErrorCode } from "../errors.ts";
import { type Address, NULL } from "../native/ffi.ts";
import type { WasmtimeLibrary } from "./library.ts";

/** `wasmtime_trap_code_enum`, as of version 50. */
const TRAPS: Readonly<Record<number, WasmErrorCode>> = {
  0: "stack_overflow",
  1: "out_of_bounds",
  2: "unaligned_atomic",
  3: "table_out_of_bounds",
  4: "indirect_call",
  5: "indirect_call",
  6: "integer_overflow",
  7: "divide_by_zero",
  8: "invalid_conversion",
  9: "unreachable",
  10: "deadline",
  11: "fuel",
  13: "null_reference",
  14: "array_out_of_bounds",
  15: "array_out_of_bounds",
  16: "illegal_cast",
  19: "exception",
  49: "exception",
};

/**
 * Of what the engine gave back beside a result, one or none is set.
 *
 * @param otherwise what an error is that tells of no trap
 */
export function fromFailure(
  library: WasmtimeLibrary,
  error: Address,
  trap: Address,
  otherwise: (message: string) => WasmError = unnamed,
): WasmError {
  if (trap === NULL) {
    const message = library.takeError(error);
    return trapOfWords(message, new Error(message)) ?? otherwise(message);
  }
  const { code, message } = library.takeTrap(trap);
  const known = code === undefined ? undefined : TRAPS[code];
  // The message has the guest's stack.
  return known === undefined ? unnamed(message) : new WasmError(known, undefined, { cause: new Error(message) });
}

/** What has no code of a trap: an exception that nobody caught, and what the engine cannot do. */
function unnamed(message: string): WasmError {
  const cause = new Error(message);
  if (/^\s*(thrown Wasm exception|uncaught exception)/im.test(message))
    return new WasmError("exception", undefined, { cause });
  // Where there is a stack, the reason stands below it.
  const [, reason = message] = /\nCaused by:\s*(.*)/s.exec(message) ?? [];
  return new WasmError("trap", lines(reason), { cause });
}

export function fromCompile(message: string): WasmError {
  return new WasmError("invalid_module", lines(message), { cause: new Error(message) });
}

/** The engine says it in several lines, the causes last. */
function lines(message: string): string {
  return message
    .split("\n")
    .map((line) => line.replace(/^\s*(Caused by:|\d+:)?\s*/, "").trim())
    .filter((line) => line !== "")
    .join(": ");
}

/** Of a component that cannot be instantiated, where no trap is the reason. */
export function fromLink(message: string): WasmError {
  const cause = new Error(message);
  if (/exceeds memory limits/.test(message)) return new WasmError("memory_limit", lines(message), { cause });
  if (/resource limit exceeded/.test(message)) return new WasmError("unsupported", lines(message), { cause });
  return new WasmError("link", lines(message), { cause });
}
