import assert from "node:assert/strict";
import { test } from "node:test";
import { contractSuite } from "../contract.suite.ts";
import type { Runtime } from "../contract.ts";
import { featuresSuite } from "../features.suite.ts";
import { capabilitiesOf, create, type RuntimeConfig, validate } from "../registry.ts";
import { hasCode } from "../testing/bench.ts";
import { needsEngine } from "../testing/engines.ts";
import "../engines.ts";

const NEEDS = needsEngine("wazero");
const CONFIGURATIONS: Readonly<Record<string, RuntimeConfig>> = {
  wazero: { type: "wazero" },
  "wazero, interpreter": { type: "wazero", wazero: { mode: "interpreter" } },
  "wazero, not interruptible": { type: "wazero", wazero: { interruptible: false } },
};

for (const [name, config] of Object.entries(CONFIGURATIONS)) {
  const { capabilities } = capabilitiesOf(config)!;
  contractSuite(name, capabilities, () => create(config), NEEDS);
  featuresSuite(name, capabilities, () => create(config), NEEDS);
}

/** What it makes instances of was compiled by another one, as in the workers of a plugin. */
async function createAdopting(): Promise<Runtime> {
  const [compiling, runtime] = [await create({ type: "wazero" }), await create({ type: "wazero" })];
  return {
    type: runtime.type,
    capabilities: runtime.capabilities,
    async compile(binary, options) {
      const compiled = await compiling.compile(binary, options);
      const adopted = runtime.adopt!(structuredClone(compiled.share!()));
      // It has an owner now.
      await compiled.close();
      return adopted;
    },
    instantiateWithHost: (...args) => runtime.instantiateWithHost(...args),
    async close() {
      await compiling.close();
      await runtime.close();
    },
  };
}

contractSuite("wazero, adopted modules", capabilitiesOf({ type: "wazero" })!.capabilities, createAdopting, NEEDS);

test("wazero's options are checked, each with its path", () => {
  const check = (wazero: object): string[] =>
    validate({ type: "wazero", wazero }).map((issue) => issue.split(": ")[0]!);
  assert.deepEqual(check({ mode: "jit", interruptible: "yes", cache_dir: "", librari: "x" }), [
    "wazero::mode",
    "wazero::interruptible",
    "wazero::cache_dir",
    "wazero::librari",
  ]);
  assert.deepEqual(check({ mode: "interpreter", cache_dir: "/tmp/x" }), ["wazero::cache_dir"]);
  assert.deepEqual(check({ mode: "compiled", interruptible: false, cache_dir: "/tmp/x", library: "/tmp/y" }), []);
});

test("what wazero can do depends on its options", () => {
  const of = (wazero: object) => capabilitiesOf({ type: "wazero", wazero })!.capabilities;
  assert.deepEqual(of({}).isolations, ["worker", "inline", "process"]);
  assert.deepEqual(of({ interruptible: false }).isolations, ["process"]);
  assert.equal(of({ interruptible: false }).deadline, false);
  assert.equal(of({ mode: "interpreter" }).diskCache, false);
  assert.equal(of({ mode: "nonsense" }).diskCache, true, "what is wrong is for the check to say");
});

test("a library that is not there, or another one, is an error that says so", async () => {
  const make = (library: string): Promise<Runtime> => create({ type: "wazero", wazero: { library } });
  await assert.rejects(make("/no/such.so"), hasCode("unsupported", /library: there is no file \/no\/such\.so/));
  await assert.rejects(make(import.meta.filename), hasCode("unsupported", /cannot load .*runtime\.test\.ts/));
});
