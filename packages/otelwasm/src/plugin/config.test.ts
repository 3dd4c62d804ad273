import assert from "node:assert/strict";
import { test } from "node:test";
import { list, register } from "../runtime/registry.ts";
import { pluginConfigSchema } from "./config.ts";

register("elsewhere", {
  validate: (config) => ((config as { mode?: string } | undefined)?.mode === "bad" ? ["mode: must be good"] : []),
  create: () => Promise.reject(new Error("not created here")),
});

function issues(config: unknown): string[] {
  const parsed = pluginConfigSchema.safeParse(config);
  return parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join("::")}: ${issue.message}`);
}

test("what stands there is handed on as it is", () => {
  const config = {
    path: "./main.wasm",
    plugin_config: { actions: [{ key: "a", action: "insert", value: 1 }], nothing: null },
    runtime_config: { type: "elsewhere", elsewhere: { mode: "good", deep: { a: [1] } } },
  };
  assert.deepEqual(pluginConfigSchema.parse(config), config);
  assert.deepEqual(pluginConfigSchema.parse({ path: "x.wasm" }), { path: "x.wasm" });
  for (const plugin_config of [null, "text", 1, [1]])
    assert.deepEqual(pluginConfigSchema.parse({ path: "x", plugin_config }), { path: "x", plugin_config });
});

test("path is required and not empty", () => {
  assert.match(issues({}).join(), /^path: /);
  assert.deepEqual(issues({ path: "" }), ["path: must name the plugin's file"]);
});

test("an unknown key is named", () => {
  assert.match(issues({ path: "x", plugin_confg: {} }).join(), /plugin_confg/);
});

test("what is wrong with the runtime carries its whole path", () => {
  assert.deepEqual(issues({ path: "x", runtime_config: { type: "nope" } }), [
    `runtime_config::type: unknown runtime type "nope"; known types: ${list().join(", ")}`,
  ]);
  assert.deepEqual(issues({ path: "x", runtime_config: { v8: { jit: true } } }), [
    "runtime_config::v8::jit: unknown key; v8 has no options",
  ]);
  assert.deepEqual(issues({ path: "x", runtime_config: { type: "elsewhere", elsewhere: { mode: "bad" } } }), [
    "runtime_config::elsewhere::mode: must be good",
  ]);
  assert.match(issues({ path: "x", runtime_config: { type: 1 } }).join(), /^runtime_config::type: /);
  assert.match(issues({ path: "x", runtime_config: "v8" }).join(), /^runtime_config: /);
});
