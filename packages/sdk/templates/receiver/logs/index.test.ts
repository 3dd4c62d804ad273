import assert from "node:assert/strict";
import { test } from "node:test";
import { testReceiver } from "otelwasm/testing";

const PLUGIN = "build/{{name}}.wasm";

test("every batch has the greeting and its number", async () => {
  const pluginConfig = { greeting: "hi", interval: 1 };
  const { batches } = await testReceiver(PLUGIN, { signal: "logs", pluginConfig, batches: 2 });
  const [record] = batches[1]?.resourceLogs?.[0]?.scopeLogs?.[0]?.logRecords ?? [];
  assert.deepEqual(record?.body, { stringValue: "hi" });
  assert.deepEqual(record?.attributes, [{ key: "count", value: { intValue: "2" } }]);
});

test("a configuration with an unknown key is refused", async () => {
  const pluginConfig = { greting: "hi" };
  await assert.rejects(testReceiver(PLUGIN, { signal: "logs", pluginConfig, batches: 1 }), /greting/);
});
