/**
 * What a WebAssembly engine can report, with one code and one wording for every engine. Adapters turn their engine's errors
 * into this class and let nothing else out.
 */
export const WasmErrorCode = {
  /** The bytes are not a valid module. */
  invalid_module: "the module is not valid WebAssembly",
  /** An import is missing or has another type. */
  link: "the module cannot be linked",
  /** The engine cannot do what was asked. */
  unsupported: "the engine does not support this",
  unreachable: "unreachable executed",
  out_of_bounds: "memory access out of bounds",
  table_out_of_bounds: "table access out of bounds",
  indirect_call: "indirect call to a null or differently typed function",
  divide_by_zero: "integer divide by zero",
  integer_overflow: "integer overflow",
  invalid_conversion: "float unrepresentable in integer range",
  stack_overflow: "call stack exhausted",
  null_reference: "null reference",
  array_out_of_bounds: "array access out of bounds",
  illegal_cast: "illegal cast",
  unaligned_atomic: "unaligned atomic access",
  exception: "uncaught WebAssembly exception",
  /** The call ran longer than its limit and was stopped. */
  deadline: "the call ran past its deadline",
  /** The call used up the instructions that it may execute. */
  fuel: "the call used up its fuel",
  /** The memory could not be made as large as the module declares. */
  memory_limit: "the memory limit is exceeded",
  /** A host function refused the guest's call (wild pointer, wrong context). */
  host: "a host function trapped",
  /** The guest ended itself (`proc_exit`, `abort`). */
  exit: "the guest exited",
  /** A trap that none of the others names; the detail is the engine's. */
  trap: "the guest trapped",
  /** The instance is closed or was given up after a trap that leaves it unusable. */
  closed: "the instance is closed",
} as const;
export type WasmErrorCode = keyof typeof WasmErrorCode;

/** An error of a WebAssembly engine; one of the trap codes when guest code was running. */
export class WasmError extends Error {
  override readonly name: string = "WasmError";
  readonly code: WasmErrorCode;

  /** @param detail what happened in particular; the message is the code's wording, then this. */
  constructor(code: WasmErrorCode, detail?: string, options?: { cause?: unknown }) {
    super(detail === undefined ? WasmErrorCode[code] : `${WasmErrorCode[code]}: ${detail}`, options);
    this.code = code;
  }
}
