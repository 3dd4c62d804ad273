/** `node --conditions=otelwasm-source examples/stdout/build.ts` prints the path of the compiled plugin. */
import { buildExample, buildWhenRun } from "../build.ts";

/** @returns the path of the compiled plugin */
export function buildStdoutPlugin(): Promise<string> {
  return buildExample("stdout");
}

await buildWhenRun(import.meta.url, "stdout");
