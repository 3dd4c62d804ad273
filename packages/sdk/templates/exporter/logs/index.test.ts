import assert from "node:assert/strict";
import { test } from "node:test";
import { type LogsData, testPlugin } from "otelwasm/testing";

const PLUGIN = "build/{{name}}.wasm";
const batch: LogsData = {
  resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: "order 1 taken" } }] }] }],
};

test("every record is written to the collector's log", async (t) => {
  const plugin = await testPlugin(PLUGIN, { signal: "logs", pluginConfig: { greeting: "exported" } });
  t.after(() => plugin.close());
  await plugin.push(batch);
  assert.deepEqual(plugin.logs, [{ level: "info", message: "exported order 1 taken" }]);
});

test("a configuration with an unknown key is refused", async () => {
  await assert.rejects(testPlugin(PLUGIN, { signal: "logs", pluginConfig: { greting: "hello" } }), /greting/);
});
