import assert from "node:assert/strict";
import { test } from "node:test";
import { testReceiver } from "otelwasm/testing";

const PLUGIN = "build/{{name}}.wasm";

test("every batch has the greeting and its number", async () => {
  const pluginConfig = { greeting: "hi", interval: 1 };
  const { batches } = await testReceiver(PLUGIN, { signal: "traces", pluginConfig, batches: 2 });
  const [span] = batches[1]?.resourceSpans?.[0]?.scopeSpans?.[0]?.spans ?? [];
  assert.equal(span?.name, "hi");
  assert.deepEqual(span?.attributes, [{ key: "count", value: { intValue: "2" } }]);
});

test("a configuration with an unknown key is refused", async () => {
  const pluginConfig = { greting: "hi" };
  await assert.rejects(testReceiver(PLUGIN, { signal: "traces", pluginConfig, batches: 1 }), /greting/);
});
