import type { HostFunction, Memory, Value, ValueType } from "../runtime/contract.ts";
import { WasmError } from "../runtime/errors.ts";
import { Errno, WasiError } from "./errno.ts";

/** The module of WASI preview 1 and of the socket extension. */
export const WASI_MODULE = "wasi_snapshot_preview1";

/**
 * A function that answers an errno: the one that its implementation throws as a `WasiError`, or success.
 *
 * @param implementation gets pointers and sizes as signed numbers, as engines give them: `>>> 0`
 */
export function define(
  functionName: string,
  params: readonly ValueType[],
  implementation: (memory: Memory, ...params: Value[]) => Errno | undefined,
): HostFunction {
  return {
    moduleName: WASI_MODULE,
    functionName,
    params,
    results: ["i32"],
    function: (memory, ...values) => {
      try {
        return implementation(memory, ...values) ?? Errno.success;
      } catch (error) {
        if (error instanceof WasiError) return error.errno;
        throw error;
      }
    },
  };
}

/**
 * A guest's pointers are not trusted: one outside its memory is a trap.
 *
 * @returns the pointer, unsigned
 * @throws WasmError `host` that says what was asked for
 */
export function within(functionName: string, memory: Memory, pointer: Value | undefined, size: number): number {
  const start = unsigned(pointer);
  if (start + size > memory.byteLength)
    throw new WasmError(
      "host",
      `${functionName}: ${size} bytes at pointer ${start} are outside the memory of ${memory.byteLength} bytes`,
    );
  return start;
}

/** A parameter as the unsigned number that it is. */
export function unsigned(value: Value | undefined): number {
  return Number(value) >>> 0;
}

/** A 64-bit parameter as the unsigned number that it is. */
export function unsigned64(value: Value | undefined): bigint {
  return BigInt.asUintN(64, BigInt(value ?? 0));
}
