import { factoryOf } from "../registry.ts";
import "../engines.ts";
import { required } from "./required.ts";

/**
 * For the options of a test or suite: `describe("...", needsEngine("wasmtime"), () => ...)`.
 *
 * @throws Error if the engine is missing and OTELWASM_REQUIRE names it: the test's file fails
 */
export function needsEngine(type: string): { skip?: string } {
  const missing = factoryOf(type)?.missing?.(undefined);
  if (missing === undefined) return {};
  if (required().includes(type)) throw new Error(`OTELWASM_REQUIRE names ${type}, but ${missing}`);
  return { skip: `needs ${type}: ${missing}` };
}
