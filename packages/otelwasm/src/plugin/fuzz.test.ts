/** The ABI's host side with generated arguments; longer by OTELWASM_FUZZ_SECONDS (for each property), again by OTELWASM_FUZZ_SEED, see `testing/fuzz.ts`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PluginError } from "./errors.ts";
import { runs } from "./testing/fuzz.ts";
import { ECHO, guest, imports } from "./testing/guests.ts";
import { inEachIsolation, part, started } from "./testing/load.ts";

inEachIsolation((isolation) => {
  const MEMORY = 131072;

  /** Most of what is tried traps. */
  const TIRELESS = { initialIntervalMs: 0, maxRestarts: 1_000_000 };

  /** A pointer or size: anything, and more often what lies at the edges. */
  const word = fc.oneof(
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    fc.constantFrom(0, 1, -1, -16, MEMORY - 1, MEMORY, MEMORY + 1, 2 ** 31 - 1, -(2 ** 31)),
    fc.nat({ max: MEMORY }),
  );

  /** Asks for what the payload says: (function, pointer, size) as three i32. */
  const OBEDIENT = guest({
    imports: imports("set_result_logs", "set_status_reason", "get_plugin_config", "log"),
    alloc: "(i32.const 64)",
    consume: `(local $p i32) (local $s i32)
    (local.set $p (i32.load offset=4 (local.get $pointer))) (local.set $s (i32.load offset=8 (local.get $pointer)))
    (block $log (block $config (block $reason (block $result
      (br_table $result $reason $config $log (i32.load (local.get $pointer))))
      (call $set_result_logs (local.get $p) (local.get $s)) (return (i32.const 0)))
      (call $set_status_reason (local.get $p) (local.get $s)) (return (i32.const 0)))
      (drop (call $get_plugin_config (local.get $p) (local.get $s))) (return (i32.const 0)))
    (call $log (i32.const 2) (local.get $p) (local.get $s)) (i32.const 0)`,
  });

  test("fuzz: whatever pointers and sizes a guest gives: it works when they are inside the memory, and is a trap when not", async () => {
    await using loaded = await started(OBEDIENT, { pluginConfig: { some: "configuration" }, restart: TIRELESS });
    const configSize = JSON.stringify({ some: "configuration" }).length;
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 3 }), word, word, async (which, pointer, size) => {
        const bytes = new Uint8Array(Int32Array.of(which, pointer, size).buffer);
        const [start, length] = [pointer >>> 0, size >>> 0];
        const needed = which === 2 ? (length < configSize ? -1 : configSize) : length === 0 ? -1 : length;
        const inside = needed < 0 || start + needed <= MEMORY;
        const outcome = await loaded.plugin
          .consume({ signal: "logs", bytes: part(bytes) })
          .catch((error: unknown) => error);
        if (!inside) {
          assert.ok(outcome instanceof PluginError && !outcome.permanent, String(outcome));
          assert.match(outcome.message, /bytes at pointer \d+ are outside the memory of 131072 bytes/);
        } else if (which === 0) {
          assert.ok(Array.isArray(outcome), String(outcome));
          assert.equal((outcome as Uint8Array[])[0]!.length, length);
        } else {
          assert.equal(outcome, undefined);
        }
      }),
      runs(1500),
    );
  });

  test("fuzz: whatever bytes are pushed come back the same", async () => {
    await using loaded = await started(guest({ ...ECHO, memory: '(memory (export "memory") 40)' }));
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 5000 }),
      fc.nat({ max: 2_000_000 }).map((size) => new Uint8Array(size).fill(size & 0xff)),
    );
    await fc.assert(
      fc.asyncProperty(payload, async (bytes) => {
        const given = bytes.slice();
        const pushed = part(bytes);
        const results = await loaded.plugin.consume({ signal: "logs", bytes: pushed });
        assert.equal(results?.length, 1);
        assert.equal(Buffer.compare(results[0]!, given), 0);
        assert.equal(Buffer.compare(pushed, given), 0, "what was pushed is not altered");
      }),
      runs(200),
    );
  });

  test("fuzz: whatever alloc returns: the payload is written there, or it is an error", async () => {
    const parts = { ...ECHO, fields: "(global $next (mut i32) (i32.const 0))", alloc: "(global.get $next)" };
    await fc.assert(
      fc.asyncProperty(word, fc.nat({ max: 4 }), async (pointer, size) => {
        const at = guest({ ...parts, fields: `(global $next i32 (i32.const ${pointer}))` });
        await using loaded = await started(at);
        const bytes = Uint8Array.from({ length: size }, (_, index) => index + 1);
        const outcome = await loaded.plugin
          .consume({ signal: "logs", bytes: part(bytes) })
          .catch((error: unknown) => error);
        if (size === 0) assert.deepEqual(outcome, [new Uint8Array(0)]);
        else if (pointer === 0) assert.match(String(outcome), /alloc returned 0 for/);
        else if ((pointer >>> 0) + size > MEMORY)
          assert.match(String(outcome), /alloc returned the pointer \d+ for \d bytes, outside/);
        else assert.deepEqual(outcome, [bytes]);
      }),
      runs(isolation === "inline" ? 150 : 30),
    );
  });
});
