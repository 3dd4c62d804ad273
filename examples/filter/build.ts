/** `node --conditions=otelwasm-source examples/filter/build.ts` prints the path of the compiled plugin. */
import { buildExample, buildWhenRun } from "../build.ts";

/** @returns the path of the compiled plugin */
export function buildFilterPlugin(): Promise<string> {
  return buildExample("filter");
}

await buildWhenRun(import.meta.url, "filter");
