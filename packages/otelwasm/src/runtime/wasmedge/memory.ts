import type { Address } from "../native/ffi.ts";
import type { MemorySource } from "../native/memory.ts";
import type { WasmEdgeLibrary } from "./library.ts";

const PAGE = 65536;

/** @param memory a `WasmEdge_MemoryInstanceContext *`, good as long as the instance */
export function linearMemory({ call }: WasmEdgeLibrary, memory: Address): MemorySource {
  return {
    address: () => call.WasmEdge_MemoryInstanceGetPointer(memory, 0, 0),
    size: () => call.WasmEdge_MemoryInstanceGetPageSize(memory) * PAGE,
  };
}
