import type { Address } from "../native/ffi.ts";
import type { MemorySource } from "../native/memory.ts";
import type { WasmtimeLibrary } from "./library.ts";

/** @param memory the address of a `wasmtime_memory_t` */
export function linearMemory({ call }: WasmtimeLibrary, context: Address, memory: Address): MemorySource {
  return {
    address: () => call.wasmtime_memory_data(context, memory),
    size: () => call.wasmtime_memory_data_size(context, memory),
  };
}

/** @param memory a `wasmtime_sharedmemory_t *` */
export function sharedMemory({ call }: WasmtimeLibrary, memory: Address): MemorySource {
  return {
    address: () => call.wasmtime_sharedmemory_data(memory),
    size: () => call.wasmtime_sharedmemory_data_size(memory),
  };
}
