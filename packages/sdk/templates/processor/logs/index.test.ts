import assert from "node:assert/strict";
import { test } from "node:test";
import { type LogsData, testPlugin } from "otelwasm/testing";

const PLUGIN = "build/{{name}}.wasm";
const batch: LogsData = {
  resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: "order 1 taken" } }] }] }],
};

test("every record gets the configured attribute", async (t) => {
  const plugin = await testPlugin(PLUGIN, { signal: "logs", pluginConfig: { key: "team", value: "web" } });
  t.after(() => plugin.close());
  const [result] = await plugin.push(batch);
  const attributes = result?.resourceLogs?.[0]?.scopeLogs?.[0]?.logRecords?.[0]?.attributes;
  assert.deepEqual(attributes, [{ key: "team", value: { stringValue: "web" } }]);
});

test("a configuration with an unknown key is refused", async () => {
  await assert.rejects(testPlugin(PLUGIN, { signal: "logs", pluginConfig: { kee: "team" } }), /kee/);
});
