import assert from "node:assert/strict";
import { test } from "node:test";
import { type Guest, instantiate } from "./harness.ts";
import { decode, LogsData } from "./otlp.ts";

const batch = LogsData.encode({
  resourceLogs: [
    {
      scopeLogs: [
        {
          logRecords: [
            { severityText: "INFO", severityNumber: 9 },
            { severityText: "WARN", severityNumber: 13 },
          ],
        },
      ],
    },
  ],
}).finish();

async function started(config = "{}"): Promise<Guest> {
  const guest = await instantiate("memory", config);
  assert.equal(guest.start().status, 0);
  return guest;
}

function call(guest: Guest, name: string, ...args: number[]): number {
  return guest.exports[name]!(...args) >>> 0;
}

/** What must not grow. */
function sizes(guest: Guest): object {
  return {
    memory: guest.memory.buffer.byteLength,
    pinned: call(guest, "pinned"),
    arena: call(guest, "arena"),
    managed: call(guest, "managed") < 16384,
  };
}

for (const config of ['{"fail":false}', '{"fail":true}']) {
  test(`10.1.3 a million batches leave memory, and the pinning map, where they were after the first ten: ${config}`, async () => {
    const guest = await started(config);
    const push = (): void => {
      const pointer = call(guest, "alloc", batch.length);
      new Uint8Array(guest.memory.buffer, pointer, batch.length).set(batch);
      guest.exports.consume_logs!(pointer, batch.length);
    };
    for (let i = 0; i < 10; ++i) push();
    const before = sizes(guest);
    assert.deepEqual(before, { ...before, pinned: 0, managed: true });
    for (let i = 0; i < 1_000_000; ++i) push();
    assert.deepEqual(sizes(guest), before);
    guest.shutdown();
    assert.deepEqual(guest.logs, [
      { level: 2, message: "INFO=1000010" },
      { level: 2, message: "WARN=1000010" },
      { level: 3, message: "seen WARN,seen INFO,seen WARN,seen INFO,seen WARN" },
      { level: 2, message: "done" },
    ]);
  });
}

test("10.1.3 batches of changing size leave memory where the largest ones needed it", async () => {
  const guest = await started();
  const batches = [1, 3000, 10, 500].map((count) =>
    LogsData.encode({
      resourceLogs: [{ scopeLogs: [{ logRecords: Array.from({ length: count }, () => ({ severityText: "INFO" })) }] }],
    }).finish(),
  );
  const round = (): void => {
    for (const each of batches) assert.equal(guest.consume("logs", each).status, 0);
  };
  for (let i = 0; i < 10; ++i) round();
  const before = sizes(guest);
  for (let i = 0; i < 500; ++i) round();
  assert.deepEqual(sizes(guest), before);
});

const one = (severityText: string): Uint8Array =>
  LogsData.encode({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ severityText }] }] }] }).finish();

test("10.1.1 what a call that trapped had taken is unpinned, and given back by the next call", async () => {
  const guest = await started();
  const trap = one("TRAP");
  const round = (): void => {
    assert.throws(() => guest.consume("logs", trap), /as asked/);
    assert.equal(call(guest, "pinned"), 0);
    assert.equal(guest.consume("logs", batch).status, 0);
  };
  for (let i = 0; i < 10; ++i) round();
  const before = sizes(guest);
  for (let i = 0; i < 10_000; ++i) round();
  assert.deepEqual(sizes(guest), before);
});

test("10.1.2 garbage collector under stress: collections around every call leave pinned buffers and what the plugin keeps as they are", async () => {
  const guest = await started();
  const collect = (): void => {
    guest.exports.collect!();
    guest.exports.collect!();
  };
  const push = (bytes: Uint8Array): number => {
    const pointer = call(guest, "alloc", bytes.length);
    new Uint8Array(guest.memory.buffer, pointer, bytes.length).set(bytes);
    collect();
    return pointer;
  };
  for (let round = 0; round < 100; ++round) {
    const batches = Array.from({ length: 20 }, (_, i) => ({ text: `${round}-${i}`, bytes: one(`${round}-${i}`) }));
    const pushed = batches.map((each) => ({ ...each, pointer: push(each.bytes) }));
    // Not in the order in which they came.
    for (const { text, bytes, pointer } of [...pushed.slice(7), ...pushed.slice(0, 7).reverse()]) {
      const { status, result } = guest.consumeAt("logs", pointer, bytes.length);
      assert.equal(status, 0);
      const attributes = [{ key: "count", value: { stringValue: "many" } }];
      assert.deepEqual(decode(LogsData, result!), {
        resourceLogs: [{ scopeLogs: [{ logRecords: [{ severityText: text, attributes }] }] }],
      });
      collect();
    }
    assert.equal(call(guest, "pinned"), 0);
  }
  guest.shutdown();
  assert.equal(guest.logs.filter(({ message }) => /^\d+-\d+=1$/.test(message)).length, 2000);
  assert.equal(guest.logs.find(({ level }) => level === 3)?.message.split(",").length, 5);
});

test("pointers that alloc did not hand out, and sizes that are too large, are errors with a message", async () => {
  const guest = await started();
  const consume = (pointer: number, size: number): string => {
    const { status, reason, result } = guest.consumeAt("logs", pointer, size);
    assert.equal(status, 1);
    assert.equal(result, undefined);
    return reason;
  };
  assert.match(consume(4096, 8), /pointer 4096 was not handed out by alloc/);
  assert.match(consume(0, 8), /pointer 0 was not handed out/);
  const pointer = call(guest, "alloc", 100);
  assert.equal(call(guest, "pinned"), 1);
  assert.match(consume(pointer + 4, 8), /was not handed out/);
  assert.match(consume(pointer, 101), /size 101 is larger than the 100 bytes that alloc handed out/);
  assert.equal(call(guest, "pinned"), 0);
  assert.match(consume(pointer, 100), /has been consumed already/);
  assert.equal(guest.consume("logs", batch).status, 0);
});

test("buffers that were handed out together are consumed in any order", async () => {
  const guest = await started();
  const pointers = Array.from({ length: 40 }, () => {
    const pointer = call(guest, "alloc", batch.length);
    new Uint8Array(guest.memory.buffer, pointer, batch.length).set(batch);
    return pointer;
  });
  assert.equal(new Set(pointers).size, 40);
  assert.equal(call(guest, "pinned"), 40);
  for (const pointer of [...pointers.slice(20), ...pointers.slice(0, 20).reverse()])
    assert.equal(guest.consumeAt("logs", pointer, batch.length).status, 0);
  assert.equal(call(guest, "pinned"), 0);
});

test("10.4.1 an empty batch is a batch", async () => {
  const guest = await started();
  assert.deepEqual(guest.consumeAt("logs", 0, 0), { status: 0, reason: "", result: undefined });
});

test("consuming before start is an error", async () => {
  const guest = await instantiate("memory");
  assert.match(guest.consume("logs", batch).reason, /before start/);
});

test("10.4.2 alloc answers 0 when memory is exhausted, and goes on when there is room again", async () => {
  const guest = await instantiate("memory", "{}", 64);
  assert.equal(guest.start().status, 0);
  assert.equal(call(guest, "alloc", 8 * 1024 * 1024), 0);
  assert.equal(call(guest, "alloc", 0xffffffff), 0);
  assert.equal(call(guest, "alloc", 0x7fffffff), 0);
  assert.equal(call(guest, "alloc", 0x3fffffff), 0);
  const pointers: number[] = [];
  for (;;) {
    const pointer = call(guest, "alloc", 100_000);
    if (pointer === 0) break;
    pointers.push(pointer);
  }
  assert.ok(pointers.length > 5, `${pointers.length} buffers fit`);
  assert.equal(call(guest, "pinned"), pointers.length);
  for (const pointer of pointers) {
    new Uint8Array(guest.memory.buffer, pointer, 100_000).fill(0);
    assert.match(guest.consumeAt("logs", pointer, 100_000).reason, /malformed OTLP at byte/);
  }
  assert.equal(guest.consume("logs", batch).status, 0);
  assert.ok(call(guest, "alloc", 100_000) !== 0);
});
