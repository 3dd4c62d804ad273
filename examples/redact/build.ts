/** `node --conditions=otelwasm-source examples/redact/build.ts` prints the path of the compiled plugin. */
import { buildExample, buildWhenRun } from "../build.ts";

/** @returns the path of the compiled plugin */
export function buildRedactPlugin(): Promise<string> {
  return buildExample("redact");
}

await buildWhenRun(import.meta.url, "redact");
