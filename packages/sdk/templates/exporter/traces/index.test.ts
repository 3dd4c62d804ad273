import assert from "node:assert/strict";
import { test } from "node:test";
import { type TracesData, testPlugin } from "otelwasm/testing";

const PLUGIN = "build/{{name}}.wasm";
const batch: TracesData = {
  resourceSpans: [{ scopeSpans: [{ spans: [{ name: "POST /orders" }] }] }],
};

test("every span is written to the collector's log", async (t) => {
  const plugin = await testPlugin(PLUGIN, { signal: "traces", pluginConfig: { greeting: "exported" } });
  t.after(() => plugin.close());
  await plugin.push(batch);
  assert.deepEqual(plugin.logs, [{ level: "info", message: "exported POST /orders" }]);
});

test("a configuration with an unknown key is refused", async () => {
  await assert.rejects(testPlugin(PLUGIN, { signal: "traces", pluginConfig: { greting: "hello" } }), /greting/);
});
