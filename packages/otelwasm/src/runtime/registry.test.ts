import assert from "node:assert/strict";
import { test } from "node:test";
import { BASIC_CAPABILITIES } from "./capabilities.ts";
import type { Runtime } from "./contract.ts";
import { BUILT_IN } from "./engines.ts";
import { capabilitiesOf, create, list, type RuntimeFactory, register, validate } from "./registry.ts";

const created: unknown[] = [];
const factory: RuntimeFactory = {
  capabilities: () => ({ ...BASIC_CAPABILITIES, deadline: true, memoryLimit: true }),
  validate: (config) => ((config as { mode?: string } | undefined)?.mode === "bad" ? ["mode: must be good"] : []),
  async create(config) {
    created.push(config);
    return { type: "other" } as Runtime;
  },
};
register("other", factory);

test("built-in engines are registered when engines.ts is imported", () => {
  assert.deepEqual(list(), ["other", ...BUILT_IN].sort());
  assert.ok(BUILT_IN.includes("v8"));
});

test("registering a type twice is an error", () => {
  assert.throws(() => register("other", factory), /"other" is already registered/);
});

test("the default is the embedded engine", async () => {
  const runtime = await create();
  assert.equal(runtime.type, "v8");
  await runtime.close();
});

test("an unknown type's error lists the known ones", async () => {
  assert.deepEqual(validate({ type: "nope" }), [
    `type: unknown runtime type "nope"; known types: ${list().join(", ")}`,
  ]);
  await assert.rejects(
    create({ type: "nope" }),
    /runtime_config::type: unknown runtime type "nope"; known types: other, v8/,
  );
});

test("an engine that others register gets what stands under its name", async () => {
  await create({ type: "other", other: { mode: "fast", deep: { a: 1 } } });
  assert.deepEqual(created.at(-1), { mode: "fast", deep: { a: 1 } });
  await create({ type: "other" });
  assert.equal(created.at(-1), undefined);
  await create({ type: "other", other: null });
  assert.equal(created.at(-1), undefined);
});

test("an engine's own issues carry its name as their path", () => {
  assert.deepEqual(validate({ type: "other", other: { mode: "bad" } }), ["other::mode: must be good"]);
});

test("every key that does not belong is named", () => {
  assert.deepEqual(validate({ type: "v8", other: {}, mod: 1, v8: { heap: 1, jit: 2 } }), [
    'other: options for the engine "other", but the engine is "v8"; set type: other or remove them',
    'mod: unknown key; the options of the engine "v8" go under "v8"',
    "v8::heap: unknown key; v8 has no options",
    "v8::jit: unknown key; v8 has no options",
  ]);
});

test("an engine's options must be a mapping", () => {
  for (const v8 of [1, "x", [1]]) assert.deepEqual(validate({ v8 }), ["v8: must be a mapping of the engine's options"]);
});

test("what an engine can do is known before it is created", async () => {
  assert.deepEqual(capabilitiesOf({ type: "other" }), { type: "other", capabilities: factory.capabilities(undefined) });
  assert.equal(capabilitiesOf({ type: "nope" }), undefined);
  const runtime = await create();
  assert.deepEqual(capabilitiesOf(), { type: "v8", capabilities: runtime.capabilities });
  await runtime.close();
});
