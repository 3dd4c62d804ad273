/** What a test needs besides Node.js. Where that is not there, the test is left out with its reason; unless OTELWASM_REQUIRE names it. */
import "../packages/otelwasm/src/runtime/engines.ts";
import { list } from "../packages/otelwasm/src/runtime/registry.ts";
import { required as requiredNames } from "../packages/otelwasm/src/runtime/testing/required.ts";
import { specFiles } from "./spec/source.ts";
import { TOOLCHAINS, type ToolchainName, toolchain } from "./toolchains.ts";

/** What OTELWASM_REQUIRE can name. */
const REQUIREMENTS: readonly string[] = [...list(), ...TOOLCHAINS, "spec"];

/** What OTELWASM_REQUIRE names. @throws Error for a name that nothing goes by */
export function required(): readonly string[] {
  const names = requiredNames();
  const unknown = names.filter((name) => !REQUIREMENTS.includes(name));
  if (unknown.length > 0)
    throw new Error(`OTELWASM_REQUIRE: unknown ${unknown.join(", ")}; known are: ${REQUIREMENTS.join(", ")}`);
  return names;
}

/**
 * For the options of a test: `test("...", needs("go"), async () => ...)`. `spec` is the test files of the WebAssembly specification.
 *
 * @throws Error if something is missing that OTELWASM_REQUIRE names: the test's file fails
 */
export function needs(...names: readonly (ToolchainName | "spec")[]): { skip?: string } {
  const reasons: string[] = [];
  for (const name of names) {
    const found = name === "spec" ? specFiles() : toolchain(name);
    if (!("missing" in found)) continue;
    const reason = `needs ${name}: ${found.missing}`;
    if (required().includes(name)) throw new Error(`OTELWASM_REQUIRE names ${name}, but ${reason}`);
    reasons.push(reason);
  }
  return reasons.length === 0 ? {} : { skip: reasons.join("; ") };
}
