import assert from "node:assert/strict";
import { test } from "node:test";
import { type TracesData, testPlugin } from "otelwasm/testing";

const PLUGIN = "build/{{name}}.wasm";
const batch: TracesData = {
  resourceSpans: [{ scopeSpans: [{ spans: [{ name: "POST /orders" }] }] }],
};

test("every span gets the configured attribute", async (t) => {
  const plugin = await testPlugin(PLUGIN, { signal: "traces", pluginConfig: { key: "team", value: "web" } });
  t.after(() => plugin.close());
  const [result] = await plugin.push(batch);
  const attributes = result?.resourceSpans?.[0]?.scopeSpans?.[0]?.spans?.[0]?.attributes;
  assert.deepEqual(attributes, [{ key: "team", value: { stringValue: "web" } }]);
});

test("a configuration with an unknown key is refused", async () => {
  await assert.rejects(testPlugin(PLUGIN, { signal: "traces", pluginConfig: { kee: "team" } }), /kee/);
});
