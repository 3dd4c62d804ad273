import assert from "node:assert/strict";
import { test } from "node:test";
import { registerEngineOf } from "./builtin.ts";
import { list } from "./registry.ts";

test("a thread that runs guests registers the engine that it needs, and no other; each that is built in can be had so", async () => {
  await registerEngineOf({ type: "of somebody else" });
  assert.deepEqual(list(), []);
  await registerEngineOf({});
  assert.deepEqual(list(), ["v8"]);
  for (const type of ["wasmedge", "wasmtime", "wazero"]) await registerEngineOf({ type });
  const one = list();
  const { BUILT_IN } = await import("./engines.ts");
  assert.deepEqual(BUILT_IN, one, "all that are built in were there already");
});
