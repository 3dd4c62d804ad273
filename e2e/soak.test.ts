import assert from "node:assert/strict";
import { test } from "node:test";
import { growth, soak } from "./soak.ts";

// More by OTELWASM_SOAK=1000000, or with figures by `e2e/soak.ts`.
const batches = Number(process.env.OTELWASM_SOAK ?? 20_000);

test(`${batches} batches through the attributes plugin leave memory where it was`, async () => {
  const result = await soak(batches);
  assert.equal(result.batches, batches);
  assert.deepEqual(growth(result), []);
});

test("growth is noticed", async () => {
  const figures = { guest: 131072, heap: 10_000_000, buffers: 100_000, rss: 90_000_000 };
  const base = { batches: 1, batchBytes: 1, batchesPerSecond: 1, guestAtBeginning: 131072, halfway: figures };
  assert.equal(growth({ ...base, atEnd: figures }).length, 0);
  assert.equal(growth({ ...base, atEnd: { ...figures, guest: figures.guest + 65536 } }).length, 1);
  assert.equal(growth({ ...base, atEnd: { ...figures, heap: 30_000_000, buffers: 3_000_000, rss: 4e8 } }).length, 3);
});
