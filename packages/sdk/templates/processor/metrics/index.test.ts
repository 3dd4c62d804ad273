import assert from "node:assert/strict";
import { test } from "node:test";
import { type MetricsData, testPlugin } from "otelwasm/testing";

const PLUGIN = "build/{{name}}.wasm";
const batch: MetricsData = {
  resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: "shop.orders" }] }] }],
};

test("every resource gets the configured attribute", async (t) => {
  const plugin = await testPlugin(PLUGIN, { signal: "metrics", pluginConfig: { key: "team", value: "web" } });
  t.after(() => plugin.close());
  const [result] = await plugin.push(batch);
  const attributes = result?.resourceMetrics?.[0]?.resource?.attributes;
  assert.deepEqual(attributes, [{ key: "team", value: { stringValue: "web" } }]);
});

test("a configuration with an unknown key is refused", async () => {
  await assert.rejects(testPlugin(PLUGIN, { signal: "metrics", pluginConfig: { kee: "team" } }), /kee/);
});
