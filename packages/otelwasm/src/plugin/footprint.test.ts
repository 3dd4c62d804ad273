import assert from "node:assert/strict";
import { test } from "node:test";
import { pluginFootprint } from "./footprint.ts";
import { guest } from "./testing/guests.ts";
import { inEachIsolation, part, started } from "./testing/load.ts";

const MIB = 2 ** 20;

inEachIsolation((isolation) => {
  test("what a plugin takes of the machine's memory is known while it is there: linear memory, batches that were moved", async () => {
    const before = pluginFootprint();
    const binary = guest({ memory: '(memory (export "memory") 160)', alloc: "(i32.const 65536)" });
    {
      await using loaded = await started(binary, { isolation });
      await loaded.consume(part(new Uint8Array(10)));
      const taken = pluginFootprint() - before;
      // 160 pages, and the heap of a thread that has one.
      assert.ok(taken >= 10 * MIB && taken < 40 * MIB, `${taken}`);
      if (isolation === "worker") {
        const sent = loaded.consume(new Uint8Array(8 * MIB).fill(1));
        assert.ok(pluginFootprint() - before >= 18 * MIB);
        await sent;
      }
    }
    assert.equal(pluginFootprint(), before);
  });
});
