/** `node --conditions=otelwasm-source examples/generator/build.ts` prints the path of the compiled plugin. */
import { buildExample, buildWhenRun } from "../build.ts";

/** @returns the path of the compiled plugin */
export function buildGeneratorPlugin(): Promise<string> {
  return buildExample("generator");
}

await buildWhenRun(import.meta.url, "generator");
