import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assemblyScriptString, data, guest, imports } from "./testing/guests.ts";
import { failure, inEachIsolation, started } from "./testing/load.ts";

inEachIsolation(() => {
  describe("log", () => {
    test("each level reaches the logger's", async () => {
      await using loaded = await started(
        guest({
          imports: imports("log"),
          consume: `${[0, 1, 2, 3, 4, 9].map((level) => `(call $log (i32.const ${level}) (i32.const 64) (i32.const 6))`).join("")}
          (call $log (i32.const 2) (i32.const -1) (i32.const 0)) (i32.const 0)`,
          fields: data(64, "héllo"),
        }),
      );
      await loaded.consume([1]);
      assert.deepEqual(
        loaded.lines,
        ["trace", "debug", "info", "warn", "error", "error"].map((level) => `${level}: héllo`).concat("info: "),
      );
    });

    test("bytes that are not UTF-8 are replaced, and a line without end is cut", async () => {
      await using loaded = await started(
        guest({
          imports: imports("log"),
          consume: `(memory.fill (i32.const 0) (i32.const 97) (i32.const 100000))
          (call $log (i32.const 2) (i32.const 0) (i32.const 100000))
          (i32.store8 (i32.const 0) (i32.const 255)) (call $log (i32.const 2) (i32.const 0) (i32.const 2)) (i32.const 0)`,
        }),
      );
      await loaded.consume([1]);
      assert.equal(loaded.lines[0], `info: ${"a".repeat(65536)}... (cut: 100000 bytes)`);
      assert.equal(loaded.lines[1], "info: \ufffda");
    });
  });

  test("a status reason is cut to what a gRPC trailer holds", async () => {
    await using loaded = await started(
      guest({
        imports: imports("set_status_reason"),
        consume: `(memory.fill (i32.const 0) (i32.const 97) (i32.const 9000))
        (call $set_status_reason (i32.const 0) (i32.const 9000)) (i32.const 1)`,
      }),
    );
    assert.equal((await failure(loaded.consume([1]))).reason, `${"a".repeat(4096)}... (cut: 9000 bytes)`);
  });

  describe("AssemblyScript's imports", () => {
    const ABORT = '(import "env" "abort" (func $abort (param i32 i32 i32 i32)))';

    test("abort: message and place reach the log and the trap", async () => {
      await using loaded = await started(
        guest({
          imports: ABORT,
          consume: "(call $abort (i32.const 100) (i32.const 200) (i32.const 12) (i32.const 34)) (i32.const 0)",
          fields: assemblyScriptString(100, "Index out of range ✓") + assemblyScriptString(200, "assembly/index.ts"),
        }),
      );
      const error = await failure(loaded.consume([1]));
      const text = "abort: Index out of range ✓ at assembly/index.ts:12:34";
      assert.equal(error.message, `wasm/test: consume_logs: trapped: the guest exited: ${text}`);
      assert.equal(loaded.lines[0], `error: ${text}`);
    });

    for (const [message, expected] of [
      [0, "abort: no message at unknown file:1:2"],
      [2, "abort: (string at 2, outside the memory of 131072 bytes) at unknown file:1:2"],
      [-4, "abort: (string at 4294967292, outside the memory of 131072 bytes) at unknown file:1:2"],
      [131072, "abort: (string of 65793 bytes at 131072, outside the memory of 131072 bytes) at unknown file:1:2"],
    ] as const)
      test(`abort with the message at ${message} still says what it can`, async () => {
        await using loaded = await started(
          guest({
            imports: ABORT,
            consume: `(i32.store (i32.const 131068) (i32.const 65793))
            (call $abort (i32.const ${message}) (i32.const 0) (i32.const 1) (i32.const 2)) (i32.const 0)`,
          }),
        );
        await failure(loaded.consume([1]));
        assert.equal(loaded.lines[0], `error: ${expected}`);
      });

    test("console, trace, seed and Date.now", async () => {
      const names = ["log", "debug", "info", "warn", "error"];
      const before = Date.now();
      await using loaded = await started(
        guest({
          imports: `${names.map((name) => `(import "env" "console.${name}" (func $${name} (param i32)))`).join("")}
          (import "env" "trace" (func $trace (param i32 i32 f64 f64 f64 f64 f64)))
          (import "env" "seed" (func $seed (result f64))) (import "env" "Date.now" (func $now (result f64)))
          ${imports("set_result_logs")}`,
          consume: `${names.map((name) => `(call $${name} (i32.const 100))`).join("")} (call $log (i32.const 0))
          (call $trace (i32.const 100) (i32.const 2) (f64.const 1) (f64.const 2.5) (f64.const 3) (f64.const 4) (f64.const 5))
          (f64.store (i32.const 0) (call $now)) (f64.store (i32.const 8) (call $seed))
          (call $set_result_logs (i32.const 0) (i32.const 16)) (i32.const 0)`,
          fields: assemblyScriptString(100, "hi"),
        }),
      );
      const results = await loaded.plugin.consume({ signal: "logs", bytes: Uint8Array.of(1) });
      assert.deepEqual(loaded.lines, [
        "info: hi",
        "debug: hi",
        "info: hi",
        "warn: hi",
        "error: hi",
        "info: null",
        "debug: hi 1 2.5",
      ]);
      const view = new DataView(results![0]!.buffer);
      const now = view.getFloat64(0, true);
      assert.ok(now >= before && now <= Date.now(), String(now));
      assert.ok(view.getFloat64(8, true) >= 0);
    });
  });
});
