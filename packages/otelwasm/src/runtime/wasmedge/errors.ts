import { WasmError, type WasmErrorCode } from "../errors.ts";
import type { WasmEdgeLibrary } from "./library.ts";

/** `WasmEdge_ErrCode_Success`; a host function's result that ends the call. */
export const SUCCESS = 0;
export const HOST_FAILED = 0x040e;

/** `WasmEdge_ErrCode`, as of version 0.14. */
const TRAPS: Readonly<Record<number, WasmErrorCode>> = {
  // Segments that do not fit, while the instance is made.
  771: "out_of_bounds",
  772: "table_out_of_bounds",
  1028: "divide_by_zero",
  1029: "integer_overflow",
  1030: "invalid_conversion",
  1031: "table_out_of_bounds",
  1032: "out_of_bounds",
  1033: "array_out_of_bounds",
  1034: "unreachable",
  1035: "indirect_call",
  1036: "table_out_of_bounds",
  1037: "indirect_call",
  1040: "unaligned_atomic",
  1042: "null_reference",
  1043: "null_reference",
  1044: "null_reference",
  1045: "null_reference",
  1046: "null_reference",
  1047: "null_reference",
  1048: "illegal_cast",
  1049: "exception",
};

/** @param result of a call, or of instantiation, that is not `SUCCESS` */
export function fromResult(library: WasmEdgeLibrary, result: number): WasmError {
  const known = TRAPS[result];
  return known === undefined ? new WasmError("trap", library.message(result)) : new WasmError(known);
}

/** @param result of the loader, the validator or the compiler */
export function fromCompile(library: WasmEdgeLibrary, result: number): WasmError {
  return new WasmError("invalid_module", library.message(result));
}
