import assert from "node:assert/strict";
import { test } from "node:test";
import { LineLogger } from "../../plugin/testing/guests.ts";
import type { Batch } from "../../telemetry/batch.ts";
import { Losses } from "./losses.ts";

/** One log record without a field. */
const batch: Batch = { signal: "logs", bytes: Uint8Array.of(0x0a, 4, 0x12, 2, 0x12, 0) };

test("what is lost is counted, and said once in ten seconds for each reason", () => {
  const logger = new LineLogger();
  let now = 5;
  const losses = new Losses(logger, () => now);
  for (let n = 0; n < 1000; n++) losses.add("malformed", batch, "not OTLP");
  losses.add("late", batch, "closed");
  assert.deepEqual(logger.lines, [
    "warn: The plugin's data is not OTLP; it is refused",
    "warn: The plugin's data came after the stop; it is refused",
  ]);
  assert.deepEqual(logger.attributes[0], { reason: "not OTLP", items: 1, bytes: 6 });
  now += 10_000;
  losses.add("malformed", batch, "again");
  assert.deepEqual(logger.attributes[2], { reason: "again", items: 1, bytes: 6, batches_before: 999 });
  assert.deepEqual(losses.get("malformed"), { batches: 1001, items: 1001, bytes: 6006 });
  assert.deepEqual(losses.get("refused"), { batches: 0, items: 0, bytes: 0 });
  losses.report();
  assert.deepEqual(logger.attributes.at(-1), {
    malformed: { batches: 1001, items: 1001, bytes: 6006 },
    late: { batches: 1, items: 1, bytes: 6 },
  });
});

test("where nothing was lost nothing is said", () => {
  const logger = new LineLogger();
  new Losses(logger).report();
  assert.deepEqual(logger.lines, []);
});
