/** The WebAssembly specification's own tests, for every engine: called with a factory, as the suite of the contract is. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseModule } from "../../packages/otelwasm/src/runtime/binary.ts";
import { limitMemory } from "../../packages/otelwasm/src/runtime/binary-rewrite.ts";
import type { CompileOptions, Runtime, RuntimeCapabilities } from "../../packages/otelwasm/src/runtime/contract.ts";
import { needs } from "../needs.ts";
import { formatCoverage, readCoverage } from "./coverage.ts";
import { DEVIATIONS, expectedFailures, NEEDS } from "./deviations.ts";
import { type Outcome, runScript } from "./run.ts";
import { readScript } from "./script.ts";
import { type ScriptFile, specFiles } from "./source.ts";

/** All but a page of what a memory can have: where a module has a memory that can grow, or a table, its limit is rewritten, and what the tests see is not to change. */
const MEMORY_LIMIT = 65535 * 65536;

/**
 * @param name begins with what the engine is registered as, and goes on behind a comma
 * @param createRuntime one for each script
 */
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
    const [engine = ""] = name.split(",");
    const leftOut = NEEDS.filter(
      ({ features, without }) => without?.includes(engine) || !features.every((each) => capabilities.features[each]),
    );
    for (const file of files.filter(({ name }) => !leftOut.some(({ scripts }) => name.startsWith(scripts)))) {
      test(file.name, async () => {
        const outcome = await run(file, createRuntime);
        assertOutcome(file, outcome, false);
        assert.equal(formatCoverage(outcome), coverage.get(file.name), "coverage.tsv is to be written anew");
      });
      if (capabilities.memoryLimit && isChangedBy(file, MEMORY_LIMIT))
        test(`${file.name}, with a limit of memory`, async () =>
          assertOutcome(file, await run(file, createRuntime, { memoryLimit: MEMORY_LIMIT }), true));
    }

    for (const { scripts } of leftOut)
      test(`${scripts}...: left out, as the engine refuses what they are about`, async () => {
        for (const file of files.filter(({ name }) => name.startsWith(scripts)))
          if ((await run(file, createRuntime)).failures.some(isRefusal)) return;
        assert.fail("the engine takes every module");
      });

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

function isRefusal({ what }: Outcome["failures"][number]): boolean {
  return /^module: WasmError: the (module is not valid|engine does not support)/.test(what);
}

/** Whether the limit is written into any of a script's modules; the others are the same with a limit. */
function isChangedBy({ path }: ScriptFile, limit: number): boolean {
  const { commands, binary } = readScript(path);
  return commands.some((command) => {
    if (!("filename" in command) || command.module_type === "text") return false;
    const bytes = binary(command.filename);
    try {
      return limitMemory(bytes, parseModule(bytes), limit) !== bytes;
    } catch {
      return true;
    }
  });
}

type Ran = Outcome & { readonly engine: string };

async function run(
  file: ScriptFile,
  createRuntime: () => Promise<Runtime>,
  options: CompileOptions = {},
): Promise<Ran> {
  const runtime = await createRuntime();
  try {
    return { ...(await runScript(readScript(file.path), runtime, options)), engine: runtime.type };
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
