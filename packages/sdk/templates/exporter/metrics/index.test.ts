import assert from "node:assert/strict";
import { test } from "node:test";
import { type MetricsData, testPlugin } from "otelwasm/testing";

const PLUGIN = "build/{{name}}.wasm";
const batch: MetricsData = {
  resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: "shop.orders" }] }] }],
};

test("every metric is written to the collector's log", async (t) => {
  const plugin = await testPlugin(PLUGIN, { signal: "metrics", pluginConfig: { greeting: "exported" } });
  t.after(() => plugin.close());
  await plugin.push(batch);
  assert.deepEqual(plugin.logs, [{ level: "info", message: "exported shop.orders" }]);
});

test("a configuration with an unknown key is refused", async () => {
  await assert.rejects(testPlugin(PLUGIN, { signal: "metrics", pluginConfig: { greting: "hello" } }), /greting/);
});
