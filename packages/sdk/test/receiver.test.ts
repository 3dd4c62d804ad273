import assert from "node:assert/strict";
import { test } from "node:test";
import { EPOCH, type Guest, type Host, instantiate } from "./harness.ts";
import { decode, LogsData, TracesData } from "./otlp.ts";

async function started(config: object, host: Host = {}): Promise<Guest> {
  const guest = await instantiate("receiver", JSON.stringify(config), undefined, host);
  assert.deepEqual(guest.start(), { status: 0, reason: "", result: undefined });
  return guest;
}

test("a receiver's batches are made from nothing, and what it keeps on its stack stays", async () => {
  const guest = await started({ emits: 5, pause: 1500 });
  const { batches, reason } = guest.receive("logs");
  assert.equal(reason, "");
  assert.deepEqual(
    batches.map((batch) => decode(LogsData, batch)),
    [0, 1, 2, 3, 4].map((i) => ({
      resourceLogs: [
        {
          resource: { attributes: [{ key: "service.name", value: { stringValue: `batch ${i}` } }] },
          scopeLogs: [
            {
              logRecords: [0, 1].map((n) => ({
                timeUnixNano: String(EPOCH + BigInt(i) * 1_500_000_000n),
                severityNumber: 9,
                body: { stringValue: `record ${n} of batch ${i}` },
                attributes: [{ key: "n", value: { intValue: String(n) } }],
              })),
            },
          ],
        },
      ],
    })),
  );
  assert.deepEqual(guest.logs, [{ level: 2, message: "kept on the stack: 5; batch 2,batch 3,batch 4; true" }]);
});

test("batches that are open at the same time keep what is in them; an empty one goes nowhere", async () => {
  const guest = await started({});
  const { batches } = guest.receive("traces");
  const span = (name: string): object => ({ scopeSpans: [{ spans: [{ name }] }] });
  assert.deepEqual(
    batches.map((batch) => decode(TracesData, batch)),
    [{ resourceSpans: [span("first")] }, { resourceSpans: [{ ...span("second"), schemaUrl: "added later" }] }],
  );
});

test("a batch is emitted once", async () => {
  const guest = await started({ emits: 0, mode: "twice" });
  assert.throws(
    () => guest.receive("logs"),
    /abort: emit: this batch was not made with new, or has been emitted already/,
  );
});

test("sleep waits in slices of a second, and ends when shutdown is requested", async () => {
  const waits: bigint[] = [];
  let stop = false;
  const guest = await started(
    { emits: 1, mode: "wait" },
    {
      shutdownRequested: () => stop,
      onWait: (nanoseconds) => {
        waits.push(nanoseconds);
        stop = waits.length === 150;
      },
    },
  );
  guest.receive("logs");
  assert.equal(waits.length, 150);
  assert.ok(waits.every((wait) => wait <= 1_000_000_000n));
  assert.equal(
    waits.slice(0, 60).reduce((sum, wait) => sum + wait),
    60_000_000_000n,
  );
  assert.deepEqual(guest.logs, [{ level: 2, message: "kept on the stack: 1; batch 0; true" }]);
});

test("no wait when nothing is to be waited for, or shutdown has been requested before", async () => {
  const waits: bigint[] = [];
  const onWait = (nanoseconds: bigint): void => {
    waits.push(nanoseconds);
  };
  (await started({ emits: 1, pause: 0 }, { onWait })).receive("logs");
  const guest = await started({ emits: 1, mode: "wait" }, { onWait, shutdownRequested: () => true });
  assert.deepEqual(guest.receive("logs").batches, []);
  assert.deepEqual(waits, []);
});

test("100,000 emits leave memory where it was after the first hundred", async () => {
  const sizes = (guest: Guest): object => ({
    memory: guest.memory.buffer.byteLength,
    pinned: guest.exports.pinned!(),
    arena: guest.exports.arena!(),
    managed: guest.exports.managed!() < 32768,
  });
  let count = 0;
  let early: object = {};
  let largest = 0;
  const guest: Guest = await started(
    { emits: 100_000, records: 3, pause: 0.001 },
    {
      onResult: (_, batch) => {
        largest = Math.max(largest, batch.length);
        if (++count === 100) early = sizes(guest);
      },
    },
  );
  guest.receive("logs");
  assert.equal(count, 100_000);
  assert.ok(largest > 150);
  assert.deepEqual(early, { ...early, pinned: 0, managed: true });
  assert.deepEqual(sizes(guest), early);
});

test("receiving before start is an error with a reason", async () => {
  const guest = await instantiate("receiver");
  assert.deepEqual(guest.receive("logs"), { reason: "start_logs_receiver was called before start", batches: [] });
});
