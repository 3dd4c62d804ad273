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

/** A module of these sections: each its number, and what is in it. */
function moduleOf(...sections: readonly (readonly [id: number, content: readonly number[]])[]): Uint8Array {
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...sections.flatMap(([id, content]) => [id, content.length, ...content]),
  ]);
}

const TWO_BILLION = [0xff, 0xff, 0xff, 0xff, 0x07];
const TYPES = [1, [1, 0x60, 0, 0]] as const;
const FUNCTIONS = [3, [1, 0]] as const;
const name = (text: string): number[] => [text.length, ...Buffer.from(text)];

for (const [what, binary] of [
  ["element segments", moduleOf([9, TWO_BILLION])],
  ["elements of a segment", moduleOf(TYPES, [4, [1, 0x70, 0, 1]], [9, [1, 1, 0, ...TWO_BILLION]])],
  ["constant expressions of a segment", moduleOf(TYPES, [4, [1, 0x70, 0, 1]], [9, [1, 5, 0x70, ...TWO_BILLION]])],
  ["functions", moduleOf(TYPES, [3, TWO_BILLION])],
  ["bodies of functions", moduleOf(TYPES, FUNCTIONS, [10, TWO_BILLION])],
  ["local variables", moduleOf(TYPES, FUNCTIONS, [10, [1, 8, 1, ...TWO_BILLION, 0x7f, 0x0b]])],
  ["bytes of a segment", moduleOf([5, [1, 0, 1]], [11, [1, 1, ...TWO_BILLION]])],
  ["globals", moduleOf([6, TWO_BILLION])],
] as const)
  test(
    `a module that says that it has two billion ${what} is refused, and takes no memory for them`,
    NEEDS,
    async () => {
      const runtime = await create({ type: "wazero" });
      const before = process.memoryUsage().rss;
      await assert.rejects(runtime.compile(binary), hasCode("invalid_module"));
      assert.ok(process.memoryUsage().rss - before < 256 * 2 ** 20);
      await runtime.close();
    },
  );

test("what is wrong in a section of names makes no module wrong", NEEDS, async () => {
  const runtime = await create({ type: "wazero" });
  for (const content of [
    [1, 20],
    [1, 2, 0x80],
    [1, 8, ...TWO_BILLION],
    [2, 9, 1, 0, ...TWO_BILLION],
    [0, 3, 2, 0xc3, 0x28],
  ]) {
    const binary = moduleOf(
      TYPES,
      FUNCTIONS,
      [7, [1, ...name("f"), 0, 0]],
      [10, [1, 2, 0, 0x0b]],
      [0, [...name("name"), ...content]],
      [0, name("after")],
    );
    const { instance } = await runtime.instantiateWithHost(await runtime.compile(binary), { functions: [] });
    assert.equal(instance.function("f")!.call(), undefined);
    await instance.close();
  }
  await runtime.close();
});
