import type { RuntimeCapabilities } from "./contract.ts";

/** An engine that only runs the code of WebAssembly's second version: what an adapter starts from and adds to. */
export const BASIC_CAPABILITIES: RuntimeCapabilities = {
  isolations: ["inline"],
  deadline: false,
  interrupt: false,
  endsWithThread: false,
  memoryLimit: false,
  fuel: false,
  sharedCompile: false,
  diskCache: false,
  recursionTraps: true,
  nestedCalls: true,
  features: {
    threads: false,
    simd: true,
    bulkMemory: true,
    exceptions: false,
    gc: false,
    memory64: false,
    tailCalls: false,
  },
  components: "none",
};
