import { totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";
import { pluginFootprint } from "../../plugin/footprint.ts";

/** The memory of the process, as the limiter needs to know it. */
export interface ProcessMemory {
  /** In bytes. */
  used(): number;
  /** What there is for the process, in bytes. */
  total(): number;
  /** Collects garbage; undefined where that cannot be asked for. */
  readonly collect: (() => void) | undefined;
}

/**
 * What counts is what is in use: this thread's heap and the buffers that belong to it, and what the plugins have (linear memory, of whatever engine, is on no heap). Not what the process has of
 * the system: allocators keep what was freed, so that number does not fall when the reason to refuse data is gone.
 */
export const processMemory: ProcessMemory = {
  used() {
    const { used_heap_size, external_memory } = getHeapStatistics();
    return used_heap_size + external_memory + pluginFootprint();
  },
  total() {
    // A control group's limit; without one it is 0, or more than there is.
    const constrained = process.constrainedMemory();
    return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  },
  get collect() {
    const { gc } = globalThis;
    if (gc === undefined) return undefined;
    return () => {
      gc();
      // Buffers that the first has found are given back by the second.
      gc();
    };
  },
};
