/** `node --conditions=otelwasm-source examples/sample/build.ts` prints the path of the compiled plugin. */
import { buildExample, buildWhenRun } from "../build.ts";

/** @returns the path of the compiled plugin */
export function buildSamplePlugin(): Promise<string> {
  return buildExample("sample");
}

await buildWhenRun(import.meta.url, "sample");
