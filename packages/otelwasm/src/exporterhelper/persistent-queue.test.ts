import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { ConsumerError } from "../component/errors.ts";
import { settingsWith } from "../component/testing/settings.ts";
import type { Batch } from "../telemetry/batch.ts";
import { buildPayload } from "../telemetry/testing/payload.ts";
import { PersistentQueue, type PersistentQueueOptions } from "./persistent-queue.ts";
import type { QueueItem } from "./queue.ts";
import { MapStorage } from "./testing/map-storage.ts";

const BASE = buildPayload("logs", 1);

/** A payload of one log record and, behind it, a field that nobody knows, by which it is told from others. */
function batchOf(n: number, padding = 0): Batch {
  const mark = Buffer.from(String(n).padEnd(6 + padding, "."));
  const size = mark.length;
  const head =
    size < 128 ? [0xfa, 0x01, size] : [0xfa, 0x01, (size & 0x7f) | 0x80, ((size >> 7) & 0x7f) | 0x80, size >> 14];
  return { signal: "logs", bytes: new Uint8Array(Buffer.concat([BASE, Buffer.from(head), mark])) };
}

function numberOf({ batch }: QueueItem): number {
  return Number(/(\d+)\.+$/.exec(Buffer.from(batch.bytes).toString("latin1"))?.[1]);
}

interface Started {
  readonly queue: PersistentQueue;
  readonly readable: { count: number };
}

async function started(storage: MapStorage, options: Partial<PersistentQueueOptions> = {}): Promise<Started> {
  const queue = new PersistentQueue(settingsWith({ id: "otlp", signal: "logs" }), storage, {
    sizer: "requests",
    capacity: 100_000,
    blocks: false,
    ...options,
  });
  const readable = { count: 0 };
  await queue.start(() => {
    readable.count++;
  });
  return { queue, readable };
}

/** Polls until there are so many, or for so many turns there is nothing more. */
async function take(queue: PersistentQueue, count = Number.POSITIVE_INFINITY): Promise<QueueItem[]> {
  const items: QueueItem[] = [];
  for (let idle = 0; items.length < count && idle < 20; ) {
    const item = queue.poll();
    if (item === undefined) {
      idle++;
      await turn();
    } else {
      items.push(item);
      idle = 0;
    }
  }
  return items;
}

describe("a queue in a store", () => {
  test("an offer resolves when the store has it; what was delivered is deleted, in one call with others", async () => {
    const storage = new MapStorage();
    const { queue } = await started(storage);
    for (let n = 0; n < 5; n++) {
      await queue.offer(batchOf(n));
      assert.equal(storage.entries.size, n + 1);
    }
    assert.equal(queue.size, 5);
    const items = await take(queue);
    assert.deepEqual(items.map(numberOf), [0, 1, 2, 3, 4]);
    assert.equal(storage.gets, 0, "they were still in memory");
    assert.equal(storage.entries.size, 5);
    const before = storage.batches;
    for (const item of items) item.done();
    assert.equal(queue.size, 0);
    await queue.shutdown();
    assert.equal(storage.entries.size, 0);
    assert.equal(storage.batches - before, 2);
  });

  test("what an earlier process left comes first, with its sizes", async () => {
    for (const sizer of ["requests", "items", "bytes"] as const) {
      const storage = new MapStorage();
      const first = await started(storage, { sizer });
      const two = { signal: "logs" as const, bytes: buildPayload("logs", 2) };
      await first.queue.offer(two);
      await first.queue.offer(batchOf(1));
      const size = first.queue.size;
      storage.kill();
      const second = await started(storage, { sizer });
      await second.queue.offer(batchOf(2));
      assert.equal(second.queue.size, size + { requests: 1, items: 1, bytes: batchOf(2).bytes.length }[sizer]);
      const items = await take(second.queue);
      assert.deepEqual(
        items.map(({ batch }) => batch.items),
        [2, 1, 1],
      );
      assert.deepEqual(items[0]?.batch.bytes, two.bytes);
      assert.deepEqual(items.slice(1).map(numberOf), [1, 2]);
    }
  });

  test("of a backlog only a window is in memory; it is read in its order", async () => {
    const storage = new MapStorage();
    const first = await started(storage);
    for (let n = 0; n < 1000; n++) await first.queue.offer(batchOf(n));
    assert.equal((await take(first.queue, 1)).length, 1);
    storage.kill();
    const { queue } = await started(storage);
    const seen: number[] = [];
    while (seen.length < 1000) {
      const [item] = await take(queue, 1);
      assert.ok(item !== undefined, `nothing after ${seen.length}`);
      seen.push(numberOf(item));
      assert.ok(storage.gets <= seen.length + 130, `${storage.gets} read for ${seen.length}`);
      item.done();
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 1000 }, (_, n) => n),
    );
    await queue.shutdown();
    assert.equal(storage.entries.size, 0);
  });

  test("what is large fills the window sooner", async () => {
    const storage = new MapStorage();
    const first = await started(storage);
    for (let n = 0; n < 30; n++) await first.queue.offer(batchOf(n, 1_000_000));
    storage.kill();
    const { queue } = await started(storage);
    await take(queue, 1);
    for (let n = 0; n < 20; n++) await turn();
    assert.ok(storage.gets < 20, `${storage.gets} MB were read ahead`);
    assert.equal((await take(queue)).length, 29);
  });

  test("what cannot be delivered now stays, and comes again after the others; what never can be is deleted", async () => {
    const storage = new MapStorage();
    const { queue, readable } = await started(storage);
    for (let n = 0; n < 3; n++) await queue.offer(batchOf(n));
    const [zero, one, two] = await take(queue, 3);
    await queue.offer(batchOf(3));
    const before = readable.count;
    zero?.done(ConsumerError.retryable("down"));
    one?.done(ConsumerError.permanent("no"));
    two?.done();
    assert.equal(queue.size, 2);
    assert.deepEqual((await take(queue)).map(numberOf), [3, 0]);
    assert.ok(readable.count > before);
    assert.equal(storage.entries.size, 2);
    // What was read and not ended is there for the next process.
    await queue.shutdown();
    const again = await started(storage);
    assert.deepEqual((await take(again.queue)).map(numberOf), [0, 3]);
  });

  test("what is deleted while the store lists it is not taken for lost", async () => {
    const storage = new MapStorage();
    const { queue } = await started(storage);
    for (let n = 0; n < 2; n++) await queue.offer(batchOf(n));
    const [zero, one] = await take(queue, 2);
    const listed = Promise.withResolvers<void>();
    let calls = 0;
    // The first call from now on is the list: it has looked, and does not answer yet.
    storage.delay = () => (++calls === 2 ? listed.promise : Promise.resolve());
    zero?.done(ConsumerError.retryable("down"));
    await turn();
    one?.done();
    await turn();
    assert.equal(storage.entries.size, 1);
    listed.resolve();
    assert.deepEqual((await take(queue)).map(numberOf), [0]);
    assert.equal(queue.size, 1);
  });

  test("a damaged batch is skipped and deleted, and does not take room any more", async () => {
    const storage = new MapStorage();
    const first = await started(storage);
    for (let n = 0; n < 3; n++) await first.queue.offer(batchOf(n));
    storage.kill();
    const [, damaged = ""] = [...storage.entries.keys()].sort();
    storage.entries.set(damaged, new Uint8Array(0));
    const { queue } = await started(storage);
    assert.deepEqual((await take(queue)).map(numberOf), [0, 2]);
    assert.equal(queue.size, 2);
    assert.ok(!storage.entries.has(damaged));
  });

  test("a store without room, or that does not work, is an error that may be tried again, and takes no room", async () => {
    const storage = new MapStorage();
    const { queue } = await started(storage);
    await queue.offer(batchOf(0));
    storage.failWith = "full";
    await assert.rejects(queue.offer(batchOf(1)), {
      name: "EnqueueError",
      permanent: false,
      message: "sending queue is full: the disk: full",
    });
    storage.failWith = "failed";
    await assert.rejects(queue.offer(batchOf(2)), {
      permanent: false,
      message: "the sending queue's store does not work: the disk: failed",
    });
    storage.failWith = undefined;
    await queue.offer(batchOf(3));
    assert.equal(queue.size, 2);
    assert.deepEqual((await take(queue)).map(numberOf), [0, 3]);
  });

  test("the capacity counts what an earlier process left", async () => {
    const storage = new MapStorage();
    const first = await started(storage, { capacity: 2 });
    await first.queue.offer(batchOf(0));
    await first.queue.offer(batchOf(1));
    await assert.rejects(first.queue.offer(batchOf(2)), { message: "sending queue is full", permanent: false });
    storage.kill();
    const second = await started(storage, { capacity: 1, blocks: true });
    const offering = second.queue.offer(batchOf(2));
    const items = await take(second.queue);
    assert.equal(storage.entries.size, 2);
    for (const item of items) item.done();
    await offering;
    assert.deepEqual((await take(second.queue)).map(numberOf), [2]);
  });

  test("a queue that takes another's place waits until that is shut down, offers meanwhile wait with it", async () => {
    const storage = new MapStorage();
    const old = await started(storage);
    await old.queue.offer(batchOf(0));
    const replacing = await started(storage);
    const offering = replacing.queue.offer(batchOf(2));
    await old.queue.offer(batchOf(1));
    assert.equal(storage.entries.size, 2);
    await old.queue.shutdown();
    await offering;
    assert.deepEqual((await take(replacing.queue)).map(numberOf), [0, 1, 2]);
    // One that was given up before its turn came leaves the store to the next.
    const givenUp = await started(storage);
    const refused = assert.rejects(givenUp.queue.offer(batchOf(3)), /shutting down/);
    await givenUp.queue.shutdown();
    await refused;
    await replacing.queue.shutdown();
    const last = await started(storage);
    assert.equal((await take(last.queue)).length, 3);
  });

  test("whatever happens, what was acknowledged is delivered, and only what was being sent at a crash twice", async () => {
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({ do: fc.constant("offer" as const), count: fc.integer({ min: 1, max: 90 }) }),
      },
      { weight: 8, arbitrary: fc.record({ do: fc.constant("poll" as const), count: fc.integer({ min: 1, max: 40 }) }) },
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constantFrom("deliver" as const, "put back" as const),
          count: fc.integer({ min: 1, max: 40 }),
        }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("refuse" as const), count: fc.constant(1) }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant("turns" as const), count: fc.integer({ min: 1, max: 8 }) }) },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constantFrom("kill" as const, "restart" as const, "break" as const, "mend" as const),
          count: fc.constant(1),
        }),
      },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 40 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 3 })),
        async (steps, delays) => {
          let storage = new MapStorage();
          const delay = async () => {
            for (let left = Number(delays.next().value); left > 0; left--) await turn();
          };
          storage.delay = delay;
          let { queue, readable } = await started(storage);
          const acknowledged = new Set<number>();
          const delivered = new Map<number, number>();
          const refused = new Set<number>();
          let crashes = 0;
          let read: QueueItem[] = [];
          let next = 0;
          const poll = (count: number) => {
            for (let left = count; left > 0; left--) {
              const item = queue.poll();
              if (item === undefined) return;
              read.push(item);
            }
          };
          const deliver = (item: QueueItem) => {
            const n = numberOf(item);
            delivered.set(n, (delivered.get(n) ?? 0) + 1);
            item.done();
          };
          for (const { do: what, count } of steps) {
            if (what === "offer")
              for (let i = 0; i < count; i++) {
                const n = next++;
                const mine = storage;
                queue.offer(batchOf(n)).then(
                  // Of a process that was killed nobody heard any more.
                  () => void (mine === storage && acknowledged.add(n)),
                  (error: unknown) => assert.ok(error instanceof ConsumerError && !error.permanent),
                );
              }
            if (what === "poll") poll(count);
            if (what === "deliver") for (const item of read.splice(0, count)) deliver(item);
            if (what === "put back")
              for (const item of read.splice(0, count)) item.done(ConsumerError.retryable("down"));
            if (what === "refuse")
              for (const item of read.splice(0, count)) {
                refused.add(numberOf(item));
                item.done(ConsumerError.permanent("no"));
              }
            if (what === "turns") for (let i = 0; i < count; i++) await turn();
            if (what === "break") storage.failWith = "failed";
            if (what === "mend") storage.failWith = undefined;
            if (what === "restart") {
              storage.failWith = undefined;
              for (const item of read.splice(0)) item.done(ConsumerError.retryable("down"));
              await queue.shutdown();
              ({ queue, readable } = await started(storage));
            }
            if (what === "kill") {
              crashes++;
              queue.stop();
              read = [];
              // What the old process still does, it does to what nobody sees.
              const disk = new MapStorage();
              for (const [key, value] of storage.entries) disk.entries.set(key, value);
              disk.delay = delay;
              storage = disk;
              ({ queue, readable } = await started(storage));
            }
          }
          storage.failWith = undefined;
          await turn();
          for (const item of read.splice(0)) deliver(item);
          // As an exporter does: it asks until there is nothing, and then when it is told, or has ended one.
          let told = -1;
          for (let idle = 0; idle < 60; idle++) {
            if (told !== readable.count) {
              told = readable.count;
              for (poll(100); read.length > 0; poll(100)) {
                idle = 0;
                for (const item of read.splice(0)) deliver(item);
              }
            }
            await turn();
          }
          // What a broken store had been asked for is tried again in its own time, or by the next process.
          if (!steps.some((one) => one.do === "break")) {
            for (const n of acknowledged) assert.ok(delivered.has(n) || refused.has(n), `${n} waits for ever`);
            assert.equal(queue.size, 0);
          }
          await queue.shutdown();
          const last = await started(storage);
          for (const item of await take(last.queue)) deliver(item);
          await last.queue.shutdown();
          for (const n of acknowledged) assert.ok(delivered.has(n) || refused.has(n), `${n} is lost`);
          assert.equal(storage.entries.size, 0);
          if (crashes === 0)
            for (const [n, times] of delivered) assert.equal(times, 1, `${n} was delivered ${times} times`);
        },
      ),
      { numRuns: 100 },
    );
  });
});
