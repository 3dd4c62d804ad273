import assert from "node:assert/strict";
import { test } from "node:test";
import { settingsWith } from "../../component/testing/settings.ts";
import { SIGNALS } from "../../telemetry/batch.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { schema } from "./config.ts";
import { nopExporter, nopReceiver } from "./factory.ts";

test("takes every signal and leaves the bytes alone", async () => {
  for (const signal of SIGNALS) {
    const exporter = nopExporter.create(settingsWith({ id: "nop", signal }), schema.parse({}));
    assert.equal(exporter.capabilities.mutatesData, false);
    const bytes = buildPayload(signal, 3);
    await exporter.start();
    await exporter.consume({ signal, bytes });
    await exporter.shutdown();
    assert.deepEqual(bytes, buildPayload(signal, 3));
  }
  assert.equal(settingsAreRefused({ verbosity: "basic" }), true);
});

test("a receiver that gives nothing starts and stops", async () => {
  const receiver = nopReceiver.create(settingsWith({ id: "nop", signal: "logs" }), schema.parse({}), {
    capabilities: { mutatesData: false },
    consume: () => Promise.reject(new Error("nothing comes")),
  });
  await receiver.start();
  await receiver.shutdown();
});

function settingsAreRefused(config: object): boolean {
  return !schema.safeParse(config).success;
}
