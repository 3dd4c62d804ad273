import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { StorageClient, StorageOperation } from "../../component/storage.ts";
import { bytesOf, folder, keyOf, OWNER, open } from "./testing/leases.ts";

async function everything(client: StorageClient): Promise<Record<string, number[]>> {
  const found: Record<string, number[]> = {};
  for (let after = ""; ; ) {
    const page = await client.list(after, 3);
    for (const { key, size } of page) {
      const value = await client.get(key);
      assert.equal(value?.length, size);
      found[key] = [...value];
      after = key;
    }
    if (page.length < 3) return found;
  }
}

describe("a store", () => {
  test("does what a map does, and still has it when it is opened again", async (t) => {
    const directory = folder(t);
    const operation: fc.Arbitrary<StorageOperation> = fc.oneof(
      fc.record({
        type: fc.constant("set" as const),
        key: fc.constantFrom("a", "b", "c", "é", "😀", "~"),
        value: fc.uint8Array({ maxLength: 9000 }),
      }),
      fc.record({ type: fc.constant("delete" as const), key: fc.constantFrom("a", "b", "c", "é", "😀", "~") }),
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(operation, { maxLength: 5 }), { maxLength: 8 }), async (calls) => {
        const owner = { ...OWNER, name: String(run++) };
        const model = new Map<string, number[]>();
        const first = await open(directory);
        const client = await first.store.open(owner);
        await Promise.all(calls.map((operations) => client.batch(operations)));
        for (const one of calls.flat()) {
          if (one.type === "set") model.set(one.key, [...one.value]);
          else model.delete(one.key);
        }
        const sorted = Object.fromEntries(
          [...model].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
        );
        assert.deepEqual(await everything(client), sorted);
        await first.store.end();
        const second = await open(directory);
        const again = await second.store.open(owner);
        assert.deepEqual(await everything(again), sorted);
        assert.deepEqual(Object.keys(await everything(again)), Object.keys(sorted));
        await second.store.end();
      }),
      { numRuns: 15 },
    );
  });

  test("is for its own user to read", {
    skip: process.platform === "win32" && "no modes of files there",
  }, async (t) => {
    const directory = folder(t);
    const { store } = await open(directory);
    const client = await store.open(OWNER);
    await client.batch([{ type: "set", key: "a", value: bytesOf(1) }]);
    for (const name of ["otelwasm.db", "otelwasm.db-wal"])
      assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600, name);
    await store.end();
  });

  test("owners do not see each other's entries", async (t) => {
    const { store } = await open(folder(t));
    t.after(() => store.end());
    const logs = await store.open(OWNER);
    const traces = await store.open({ ...OWNER, signal: "traces" });
    await logs.batch([{ type: "set", key: "k", value: Uint8Array.of(1) }]);
    assert.equal(await traces.get("k"), undefined);
    assert.deepEqual(await traces.list("", 10), []);
  });

  test("a part of a larger buffer is kept as that part, and the buffer stays the caller's", async (t) => {
    const { store } = await open(folder(t));
    t.after(() => store.end());
    const client = await store.open(OWNER);
    const large = bytesOf(1, 10_000);
    await client.batch([{ type: "set", key: "k", value: large.subarray(100, 200) }]);
    assert.deepEqual(await client.get("k"), large.slice(100, 200));
    assert.equal(large.byteLength, 10_000);
  });

  test("calls that wait together share one flush", async (t) => {
    const { store } = await open(folder(t));
    t.after(() => store.end());
    const client = await store.open(OWNER);
    await client.batch([{ type: "set", key: "first", value: bytesOf(0) }]);
    const before = await store.stats();
    await Promise.all(
      Array.from({ length: 500 }, (_, n) => client.batch([{ type: "set", key: keyOf(n), value: bytesOf(n) }])),
    );
    const after = await store.stats();
    assert.equal(after.batches - before.batches, 500);
    assert.ok(after.commits - before.commits <= 50, `${after.commits - before.commits} commits for 500 calls`);
  });

  test("files shrink when what was in them is gone", async (t) => {
    const directory = folder(t);
    const { store } = await open(directory);
    const client = await store.open(OWNER);
    const size = () => ["", "-wal"].reduce((sum, suffix) => sum + sizeOf(join(directory, `otelwasm.db${suffix}`)), 0);
    for (let n = 0; n < 40; n++) await client.batch([{ type: "set", key: keyOf(n), value: bytesOf(n, 1_000_000) }]);
    assert.ok(size() > 40_000_000);
    for (let n = 0; n < 40; n++) await client.batch([{ type: "delete", key: keyOf(n) }]);
    // What is given back is, step by step, between the calls. The log keeps its 4 MiB, and a database of less than 1 MiB is left as it is.
    while (size() > 5_500_000) await store.stats();
    await store.end();
    assert.ok(!existsSync(join(directory, "otelwasm.db-wal")));
    assert.ok(size() <= 1_100_000, `${size()} bytes`);
  });

  test("is written anew before it is used, if that is asked for", async (t) => {
    const directory = folder(t);
    const first = await open(directory);
    const client = await first.store.open(OWNER);
    await client.batch(
      Array.from({ length: 300 }, (_, n) => ({ type: "set" as const, key: keyOf(n), value: bytesOf(n) })),
    );
    // Less than half of it is free: it is not worth the while while it is used.
    await client.batch(Array.from({ length: 100 }, (_, n) => ({ type: "delete" as const, key: keyOf(n * 3) })));
    assert.ok((await first.store.stats()).free > 100_000);
    await first.store.end();
    const second = await open(directory, { compact: true });
    t.after(() => second.store.end());
    assert.equal((await second.store.stats()).free, 0);
    assert.deepEqual(await (await second.store.open(OWNER)).get(keyOf(1)), bytesOf(1));
  });
});

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

describe("who may have a store", () => {
  test("an owner is waited for until it has closed, and then there is what it left", async (t) => {
    const { store } = await open(folder(t));
    t.after(() => store.end());
    const first = await store.open(OWNER);
    const order: string[] = [];
    const second = store.open(OWNER).then((client) => {
      order.push("opened");
      return client;
    });
    await first.batch([{ type: "set", key: "k", value: Uint8Array.of(7) }]);
    order.push("closing");
    await first.close();
    assert.deepEqual(await (await second).get("k"), Uint8Array.of(7));
    assert.deepEqual(order, ["closing", "opened"]);
    await assert.rejects(first.get("k"), { name: "StorageError", code: "closed" });
  });

  test("what was asked before it is closed is answered", async (t) => {
    const { store } = await open(folder(t));
    t.after(() => store.end());
    const client = await store.open(OWNER);
    const writing = client.batch([{ type: "set", key: "k", value: Uint8Array.of(7) }]);
    await client.close();
    await writing;
    assert.deepEqual(await (await store.open(OWNER)).get("k"), Uint8Array.of(7));
  });

  test("two of one process share a directory; whoever waits when its own ends is told; the last one closes it", async (t) => {
    const directory = folder(t);
    const old = await open(directory);
    const held = await old.store.open(OWNER);
    await held.batch([{ type: "set", key: "k", value: Uint8Array.of(7) }]);
    const given = await open(directory, { maxSize: 1_048_576 });
    const other = await open(directory);
    const waits = given.store.open(OWNER);
    const givesUp = other.store.open(OWNER);
    const refused = assert.rejects(givesUp, { name: "StorageError", code: "closed" });
    await other.store.end();
    await refused;
    await old.store.end();
    const client = await waits;
    assert.deepEqual(await client.get("k"), Uint8Array.of(7));
    await given.store.end();
    await assert.rejects(client.get("k"), { code: "closed" });
    const again = await open(directory);
    assert.deepEqual(await (await again.store.open(OWNER)).get("k"), Uint8Array.of(7));
    await again.store.end();
  });

  test("whoever comes while the last one closes gets a store of its own", async (t) => {
    const directory = folder(t);
    const first = await open(directory);
    const ending = first.store.end();
    const second = await open(directory);
    await ending;
    const client = await second.store.open(OWNER);
    await client.batch([{ type: "set", key: "k", value: Uint8Array.of(7) }]);
    await second.store.end();
  });
});

describe("a limit of the size", () => {
  test("is kept: what does not fit is refused, nothing of it is there, and there is room again after deletions", async (t) => {
    const directory = folder(t);
    const { store } = await open(directory, { maxSize: 2 * 1024 * 1024 });
    t.after(() => store.end());
    const client = await store.open(OWNER);
    const onDisk = () => ["", "-wal"].reduce((sum, end) => sum + sizeOf(join(directory, `otelwasm.db${end}`)), 0);
    let kept = 0;
    let largest = 0;
    await assert.rejects(
      async () => {
        for (; ; kept++) {
          await client.batch([{ type: "set", key: keyOf(kept), value: bytesOf(kept, 50_000) }]);
          largest = Math.max(largest, onDisk());
        }
      },
      { name: "StorageError", code: "full", message: /have reached max_size$/ },
    );
    assert.ok(kept >= 20, `only ${kept} of 50 kB had room in 2 MiB`);
    assert.ok(largest <= 2 * 1024 * 1024, `${largest} bytes on the disk`);
    assert.equal(await client.get(keyOf(kept)), undefined);
    assert.equal((await client.list("", 1000)).length, kept);
    await assert.rejects(client.batch([{ type: "set", key: "huge", value: new Uint8Array(3_000_000) }]), {
      code: "full",
    });
    await client.batch(Array.from({ length: 10 }, (_, n) => ({ type: "delete" as const, key: keyOf(n) })));
    await client.batch([{ type: "set", key: "again", value: bytesOf(0, 50_000) }]);
    assert.deepEqual(await client.get("again"), bytesOf(0, 50_000));
  });

  test("of many calls at once those that fit are kept", async (t) => {
    const { store } = await open(folder(t), { maxSize: 2 * 1024 * 1024 });
    t.after(() => store.end());
    const client = await store.open(OWNER);
    const answers = await Promise.allSettled(
      Array.from({ length: 100 }, (_, n) => client.batch([{ type: "set", key: keyOf(n), value: bytesOf(n, 50_000) }])),
    );
    const kept = answers.flatMap(({ status }, n) => (status === "fulfilled" ? [keyOf(n)] : []));
    assert.ok(kept.length > 0 && kept.length < 100);
    assert.deepEqual(
      (await client.list("", 1000)).map(({ key }) => key),
      kept,
    );
  });
});
