import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { applySchema } from "../config/schema.ts";
import { deliveryKeys, optionalDeliveryKeys } from "./config.ts";

const schema = z.strictObject(deliveryKeys);

function read(tree: unknown): z.output<typeof schema> {
  const checked = applySchema(schema, tree, ["exporters", "x"]);
  assert.ok(checked.ok, JSON.stringify(checked));
  return checked.value;
}

function issues(tree: unknown): readonly string[] {
  const checked = applySchema(schema, tree, []);
  return checked.ok ? [] : checked.issues;
}

const RETRY = {
  enabled: true,
  initial_interval: 5_000,
  randomization_factor: 0.5,
  multiplier: 1.5,
  max_interval: 30_000,
  max_elapsed_time: 300_000,
};
const QUEUE = {
  enabled: true,
  num_consumers: 10,
  queue_size: 1000,
  sizer: "requests",
  block_on_overflow: false,
  wait_for_result: true,
  storage: undefined,
  batch: undefined,
};
const BATCH = { flush_timeout: 200, min_size: 8192, max_size: 0, sizer: "items" };

test("the Collector's defaults, and who waits for the result", () => {
  for (const tree of [{}, { retry_on_failure: null, sending_queue: null }, { retry_on_failure: {}, sending_queue: {} }])
    assert.deepEqual(read(tree), { retry_on_failure: RETRY, sending_queue: QUEUE });
  const stored = read({ sending_queue: { storage: "file_storage" } }).sending_queue;
  assert.deepEqual(stored, { ...QUEUE, storage: "file_storage", wait_for_result: false });
  assert.equal(read({ sending_queue: { wait_for_result: false } }).sending_queue.wait_for_result, false);
  const { retry_on_failure, sending_queue } = z.strictObject(optionalDeliveryKeys).parse({});
  assert.deepEqual([retry_on_failure.enabled, sending_queue.enabled], [false, false]);
  const on = z.strictObject(optionalDeliveryKeys).parse({ retry_on_failure: {}, sending_queue: {} });
  assert.deepEqual(on, { retry_on_failure: RETRY, sending_queue: QUEUE });
});

test("batch: only where it is given; its sizer is the queue's where that is given", () => {
  const batch = (queue: object) => read({ sending_queue: queue }).sending_queue.batch;
  assert.equal(batch({ batch: null }), undefined);
  assert.equal(batch({ batch: { enabled: false } }), undefined);
  assert.deepEqual(batch({ batch: {} }), BATCH);
  assert.deepEqual(batch({ sizer: "bytes", queue_size: 10_000, batch: { min_size: 10_000 } }), {
    ...BATCH,
    min_size: 10_000,
    sizer: "bytes",
  });
  assert.deepEqual(batch({ sizer: "requests", batch: { sizer: "items" } }), BATCH);
});

test("what the Collector refuses", () => {
  const found = (queue: object) => issues({ sending_queue: queue });
  for (const [tree, expected] of [
    [{ num_consumers: 0 }, "sending_queue::num_consumers: must be positive"],
    [{ queue_size: -1 }, "sending_queue::queue_size: must be positive"],
    [{ sizer: "batches" }, 'sending_queue::sizer: must be one of "requests", "items", "bytes", not "batches"'],
    [
      { storage: "file_storage", wait_for_result: true },
      "sending_queue::wait_for_result: is not supported with a persistent queue configured with storage",
    ],
    [
      { sizer: "requests", batch: { min_size: 1 } },
      'sending_queue::batch::sizer: supports only "items" or "bytes", and is what sending_queue::sizer says if it is absent',
    ],
    [{ batch: { flush_timeout: 0 } }, "sending_queue::batch::flush_timeout: must be positive"],
    [{ batch: { min_size: -1 } }, "sending_queue::batch::min_size: must be non-negative"],
    [
      { batch: { min_size: 10, max_size: 9 } },
      "sending_queue::batch::max_size: (9) must be greater or equal to min_size (10)",
    ],
    [{ sizer: "items", batch: {} }, "sending_queue::batch::min_size: must be less than or equal to queue_size"],
    [{ quee_size: 5 }, 'sending_queue::quee_size: unknown key; did you mean "queue_size"?'],
  ] as const)
    assert.deepEqual(found(tree), [expected]);
  assert.match(found({ batch: { partition: { metadata_keys: ["a"] } } })[0]!, /metadata_keys: is not supported/);
  const retry = (config: object) => issues({ retry_on_failure: config });
  assert.deepEqual(retry({ max_elapsed_time: "1s" }), [
    "retry_on_failure::max_elapsed_time: must not be less than initial_interval",
    "retry_on_failure::max_elapsed_time: must not be less than max_interval",
  ]);
  assert.deepEqual(retry({ randomization_factor: 2 }), [
    "retry_on_failure::randomization_factor: must be within [0, 1]",
  ]);
  assert.deepEqual(retry({ multiplier: -1 }), ["retry_on_failure::multiplier: must be non-negative"]);
  assert.deepEqual(retry({ initial_interval: "-1s" }), ["retry_on_failure::initial_interval: must not be negative"]);
  for (const fine of [
    { retry_on_failure: { max_elapsed_time: 0 } },
    { retry_on_failure: { enabled: false, randomization_factor: 7 } },
    { sending_queue: { enabled: false, queue_size: 0, num_consumers: 0 } },
  ])
    assert.deepEqual(issues(fine), []);
});
