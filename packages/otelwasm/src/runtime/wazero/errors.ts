import { WasmError, type WasmErrorCode } from "../errors.ts";

/** What the library says of a failure beside its text: `native/wazero/errors.go`. */
const Kind = {
  trap: 1,
  host: 2,
  deadline: 3,
  closed: 4,
  invalid: 5,
  link: 6,
  memory: 7,
  cache: 8,
  internal: 9,
} as const;

/** wazero's words for traps: `internal/wasmruntime/errors.go` there. */
const TRAPS: Readonly<Record<string, WasmErrorCode>> = {
  unreachable: "unreachable",
  "out of bounds memory access": "out_of_bounds",
  "invalid table access": "table_out_of_bounds",
  "out of bounds table access": "table_out_of_bounds",
  "indirect call of null": "indirect_call",
  "indirect call type mismatch": "indirect_call",
  "integer divide by zero": "divide_by_zero",
  "integer overflow": "integer_overflow",
  "invalid conversion to integer": "invalid_conversion",
  "stack overflow": "stack_overflow",
  "null reference": "null_reference",
  "unaligned atomic": "unaligned_atomic",
  "uncaught exception": "exception",
};

/**
 * @param kind what a call gave
 * @param text what it says; a trap's first line is wazero's name for it, then comes the guest's stack
 */
export function fromFailure(kind: number, text: string): WasmError {
  const cause = new Error(text);
  switch (kind) {
    case Kind.deadline:
      return new WasmError("deadline");
    case Kind.closed:
      return new WasmError("closed");
    case Kind.link:
      return new WasmError("link", text);
    case Kind.memory:
      return new WasmError("memory_limit", text);
    case Kind.host:
      return new WasmError("host", "the thread ended in it");
    case Kind.trap: {
      const line = text.split("\n", 1)[0] ?? "";
      const name = line.replace(/^.*\b(wasm error|data\[\d+\]|element\[\d+\]|\w+ segment \d+)[^:]*: /, "");
      const code = TRAPS[name];
      return code === undefined ? new WasmError("trap", line, { cause }) : new WasmError(code, undefined, { cause });
    }
    default:
      return new WasmError("trap", `wazero failed: ${text.split("\n", 1)[0]}`, { cause });
  }
}

/** How wazero refuses what is WebAssembly, but of a proposal that it does not follow here. */
const UNSUPPORTED = /feature "[^"]*" is disabled|threads feature not enabled/;

/** @param kind what compiling gave */
export function fromCompile(kind: number, text: string): WasmError {
  switch (kind) {
    case Kind.closed:
      return new WasmError("closed", "the runtime");
    case Kind.link:
      return new WasmError("link", text);
    case Kind.invalid:
      return new WasmError(UNSUPPORTED.test(text) ? "unsupported" : "invalid_module", text);
    default:
      return new WasmError("unsupported", `wazero failed: ${text}`);
  }
}
