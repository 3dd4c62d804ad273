/** `node --conditions=otelwasm-source examples/attributes/build.ts` prints the path of the compiled plugin. */
import { buildExample, buildWhenRun } from "../build.ts";

/**
 * @param say told before a build, which takes some seconds
 * @returns the path of the compiled plugin
 */
export function buildAttributesPlugin(say?: (message: string) => void): Promise<string> {
  return buildExample("attributes", say);
}

await buildWhenRun(import.meta.url, "attributes");
