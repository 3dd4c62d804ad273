import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Payloads live outside V8's heap, and V8 starts a full collection for every few dozen megabytes of them: at large batches a quarter
 * of the processor's time went there. With this flag, payloads count towards the limit of the heap as a whole, which grows with what is really in use.
 *
 * The command's own process is ours to tune; the library leaves its host alone. Called before anything has been allocated.
 */
export function tuneHeap(): void {
  setFlagsFromString("--external-memory-accounted-in-global-limit");
  // For `memory_limiter`: as if node had been started with the flag.
  setFlagsFromString("--expose-gc");
  globalThis.gc ??= runInNewContext("gc");
}
