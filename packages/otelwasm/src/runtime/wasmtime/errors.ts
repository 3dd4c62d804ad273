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
 * @param otherwise what an error without a trap is
 */
export function fromFailure(
  library: WasmtimeLibrary,
  error: Address,
  trap: Address,
  otherwise: (message: string) => WasmError = fromError,
): WasmError {
  if (trap !== NULL) {
    const { code, message } = library.takeTrap(trap);
    const known = code === undefined ? undefined : TRAPS[code];
    // The message has the guest's stack.
    return known === undefined
      ? new WasmError("trap", firstLine(message))
      : new WasmError(known, undefined, { cause: new Error(message) });
  }
  const message = library.takeError(error);
  const known = trapOfWords(message, new Error(message));
  if (known !== undefined) return known;
  return otherwise(message);
}

function fromError(message: string): WasmError {
  return /thrown Wasm exception|uncaught exception/i.test(message)
    ? new WasmError("exception", undefined, { cause: new Error(message) })
    : new WasmError("trap", firstLine(message), { cause: new Error(message) });
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

function firstLine(message: string): string {
  return message.split("\n", 1)[0] ?? "";
}
