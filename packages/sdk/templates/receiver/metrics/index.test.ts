import assert from "node:assert/strict";
import { test } from "node:test";
import { testReceiver } from "otelwasm/testing";

const PLUGIN = "build/{{name}}.wasm";

test("every batch has the greeting and its number", async () => {
  const pluginConfig = { greeting: "hi", interval: 1 };
  const { batches } = await testReceiver(PLUGIN, { signal: "metrics", pluginConfig, batches: 2 });
  const [metric] = batches[1]?.resourceMetrics?.[0]?.scopeMetrics?.[0]?.metrics ?? [];
  assert.equal(metric?.name, "hi");
  assert.equal(metric?.sum?.dataPoints?.[0]?.asInt, "2");
});

test("a configuration with an unknown key is refused", async () => {
  const pluginConfig = { greting: "hi" };
  await assert.rejects(testReceiver(PLUGIN, { signal: "metrics", pluginConfig, batches: 1 }), /greting/);
});
