import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ConsumerError } from "../component/errors.ts";
import type { Batch } from "../telemetry/batch.ts";
import { buildPayload } from "../telemetry/testing/payload.ts";
import { MemoryQueue } from "./memory-queue.ts";
import { type QueueItem, SIZERS, type Sizer, sizeOf } from "./queue.ts";
import { settled as settle } from "./testing/clock.ts";
import { watched } from "./testing/sender.ts";

const batchOf = (items: number): Batch => ({ signal: "logs", bytes: buildPayload("logs", items) });
const queueOf = (options: Partial<ConstructorParameters<typeof MemoryQueue>[0]>): MemoryQueue =>
  new MemoryQueue({ sizer: "items", capacity: 10, blocks: false, waits: true, ...options });

describe("a queue in memory", () => {
  test("sizes: batches, items, bytes", () => {
    const batch = batchOf(3);
    assert.deepEqual(
      SIZERS.map((sizer) => sizeOf(batch, sizer)),
      [1, 3, batch.bytes.length],
    );
  });

  test("is full when what was read and is not done counts, too", async () => {
    const queue = queueOf({ waits: false });
    await queue.start(() => {});
    await queue.offer(batchOf(6));
    const item = queue.poll()!;
    await assert.rejects(queue.offer(batchOf(5)), { message: "sending queue is full", permanent: false });
    await queue.offer(batchOf(4));
    assert.deepEqual([queue.size, queue.capacity, queue.undelivered], [10, 10, "dropped"]);
    item.done();
    assert.equal(queue.size, 4);
    await assert.rejects(queue.offer(batchOf(11)), { permanent: true, message: /its size is 11, .*queue_size is 10/ });
    await queue.offer(batchOf(0));
    assert.equal(queue.size, 4);
  });

  test("who waits for room gets it in turn, and is refused at the stop", async () => {
    const queue = queueOf({ blocks: true, waits: false });
    await queue.start(() => {});
    await queue.offer(batchOf(9));
    const large = watched(queue.offer(batchOf(8)));
    const small = watched(queue.offer(batchOf(1)));
    await settle();
    assert.deepEqual([large.state, small.state], ["open", "open"]);
    queue.poll()!.done();
    await settle();
    assert.deepEqual([large.state, small.state, queue.size], ["done", "done", 9]);
    const late = watched(queue.offer(batchOf(5)));
    queue.stop();
    await settle();
    assert.ok(late.state instanceof ConsumerError && !late.state.permanent);
    assert.equal(queue.poll()!.batch.bytes.length, batchOf(8).bytes.length);
    await assert.rejects(queue.offer(batchOf(1)), /shutting down/);
  });

  test("at the end, who waits for what was never read has it again", async () => {
    const queue = queueOf({});
    await queue.start(() => {});
    const sender = watched(queue.offer(batchOf(1)));
    await queue.shutdown();
    await settle();
    assert.ok(sender.state instanceof ConsumerError && !sender.state.permanent);
    assert.equal(queue.size, 0);
  });

  test("any order of offers, reads and ends: first in first out, each sender hears of its own batch, sizes add up", async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("offer" as const), items: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ do: fc.constant("poll" as const) }),
      fc.record({ do: fc.constant("done" as const), which: fc.nat(), fails: fc.boolean() }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<Sizer>(...SIZERS),
        fc.boolean(),
        fc.boolean(),
        fc.array(step, { maxLength: 40 }),
        async (sizer, blocks, waits, steps) => {
          const capacity = sizer === "bytes" ? 2 * batchOf(5).bytes.length : 8;
          const queue = queueOf({ sizer, blocks, waits, capacity });
          let readable = 0;
          await queue.start(() => readable++);
          const offered: { batch: Batch; watch: ReturnType<typeof watched>; expected?: "done" | ConsumerError }[] = [];
          const read: QueueItem[] = [];
          const out: Batch[] = [];
          for (const one of steps) {
            if (one.do === "offer") {
              const batch = batchOf(one.items);
              offered.push({ batch, watch: watched(queue.offer(batch)) });
            } else if (one.do === "poll") {
              const item = queue.poll();
              if (item === undefined) readable = 0;
              else {
                read.push(item);
                out.push(item.batch);
              }
            } else if (read.length > 0) {
              const [item] = read.splice(one.which % read.length, 1);
              const error = one.fails ? ConsumerError.retryable("no") : undefined;
              offered.find(({ batch }) => batch === item!.batch)!.expected = error ?? "done";
              item!.done(error);
            }
            await settle();
            assert.ok(queue.size <= capacity);
          }
          const refused = offered.filter(
            ({ watch, expected }) =>
              watch.state instanceof ConsumerError &&
              watch.state !== expected &&
              watch.state.message === "sending queue is full",
          );
          const taken = offered.filter((one) => !refused.includes(one));
          assert.ok(!blocks || refused.length === 0);
          assert.deepEqual(
            out,
            taken.slice(0, out.length).map(({ batch }) => batch),
          );
          for (const { watch, expected } of taken) {
            if (waits) assert.equal(watch.state, expected ?? "open");
            else assert.ok(watch.state === "done" || blocks);
          }
          await queue.shutdown();
        },
      ),
      { numRuns: 100 },
    );
  });
});
