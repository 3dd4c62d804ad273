/** The WebAssembly specification's own tests, for every engine: called with a factory, as the suite of the contract is. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Runtime, RuntimeCapabilities, RuntimeFeatures } from "../../packages/otelwasm/src/runtime/contract.ts";
import { needs } from "../needs.ts";
import { formatCoverage, readCoverage } from "./coverage.ts";
import { DEVIATIONS, expectedFailures } from "./deviations.ts";
import { type Outcome, runScript } from "./run.ts";
import { readScript } from "./script.ts";
import { type ScriptFile, specFiles } from "./source.ts";

/** What the scripts of a folder, or those that begin so, are about. */
const FEATURES: readonly (readonly [beginning: string, feature: keyof RuntimeFeatures])[] = [
  ["exception-handling/", "exceptions"],
  ["tail-call/", "tailCalls"],
  ["threads/", "threads"],
  // Types of functions are a part of what garbage collection needs.
  ["typed-function-references/", "gc"],
  ["v2/simd_", "simd"],
];

/** As much as a memory can have: all modules are rewritten, and none is to behave differently. */
const MEMORY_LIMIT = 2 ** 32;

/** @param createRuntime one for each script */
export function specSuite(
  name: string,
  capabilities: RuntimeCapabilities,
  createRuntime: () => Promise<Runtime>,
  options: { readonly skip?: string } = {},
): void {
  const { skip } = needs("spec");
  const reasons = [skip, options.skip].filter((reason) => reason !== undefined);
  describe(`${name}: the specification's tests`, reasons.length === 0 ? {} : { skip: reasons.join("; ") }, () => {
    const files = specFiles();
    if ("missing" in files) return;
    const coverage = readCoverage();
    for (const file of files) {
      const feature = FEATURES.find(([beginning]) => file.name.startsWith(beginning))?.[1];
      if (feature !== undefined && !capabilities.features[feature])
        test(`${file.name}: refused, as the engine has no ${feature}`, async () => {
          const { failures } = await run(file, createRuntime);
          assert.match(
            failures.map(({ what }) => what).join("\n"),
            /^module: WasmError: the (module is not valid|engine does not support)/m,
          );
        });
      else
        test(file.name, async () => {
          const outcome = await run(file, createRuntime);
          assertOutcome(file, outcome, false);
          assert.equal(formatCoverage(outcome), coverage.get(file.name), "coverage.tsv is to be written anew");
        });
      if (capabilities.memoryLimit && (feature === undefined || capabilities.features[feature]))
        test(`${file.name}, with a limit of memory`, async () =>
          assertOutcome(file, await run(file, createRuntime, MEMORY_LIMIT), true));
    }

    test("what is said of scripts is of scripts that exist", () => {
      const names = new Set(files.map((file) => file.name));
      const said = [...coverage.keys(), ...DEVIATIONS.flatMap(({ at }) => Object.keys(at))];
      assert.deepEqual(
        said.filter((script) => !names.has(script)),
        [],
      );
    });
  });
}

type Ran = Outcome & { readonly engine: string };

async function run(file: ScriptFile, createRuntime: () => Promise<Runtime>, memoryLimit?: number): Promise<Ran> {
  const runtime = await createRuntime();
  try {
    const outcome = await runScript(readScript(file.path), runtime, memoryLimit === undefined ? {} : { memoryLimit });
    return { ...outcome, engine: runtime.type };
  } finally {
    await runtime.close();
  }
}

/** Several failures of one line are one. */
function assertOutcome({ name }: ScriptFile, { engine, failures }: Ran, limited: boolean): void {
  const expected = expectedFailures(engine, name, limited);
  const failed = new Set(failures.map(({ line }) => line));
  const wrong = [
    ...failures.filter(({ line }) => !expected.has(line)).map(({ line, what }) => `line ${line}: ${what}`),
    ...[...expected]
      .filter(([line]) => !failed.has(line))
      .map(([line, reason]) => `line ${line} passes, though deviations.ts says: ${reason}`),
  ];
  assert.ok(wrong.length === 0, `${wrong.length} of ${name}:\n${wrong.slice(0, 20).join("\n")}`);
}
