import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../component/errors.ts";
import { data, ECHO, guest, imports } from "./testing/guests.ts";
import { failure, inEachIsolation, load, part, started } from "./testing/load.ts";

inEachIsolation(() => {
  const PAGE = 65_536;
  const SET = imports("set_result_traces", "set_result_metrics", "set_result_logs", "set_status_reason", "log");

  /** Sets its configuration as the result, as a guest with a buffer of 16 bytes gets it: asks, grows, asks again. */
  const CONFIG = {
    imports: imports("get_plugin_config", "set_result_logs"),
    consume: `(local $n i32)
    (i64.store (i32.const 2048) (i64.const 0x2323232323232323)) (i64.store (i32.const 2056) (i64.const 0x2323232323232323))
    (local.set $n (call $get_plugin_config (i32.const 2048) (i32.const 16)))
    (call $set_result_logs (i32.const 2048) (i32.const 16))
    (if (i32.gt_u (local.get $n) (i32.const 16))
      (then (local.set $n (call $get_plugin_config (i32.const 4096) (local.get $n)))
        (call $set_result_logs (i32.const 4096) (local.get $n))))
    (i32.const 0)`,
  };

  function text(bytes: ArrayLike<number> | undefined): string {
    return Buffer.from(Uint8Array.from(bytes ?? [])).toString();
  }

  describe("abi.md, rules", () => {
    test("config larger than limit: the actual size, and nothing written", async () => {
      const pluginConfig = { key: "x".repeat(5000) };
      await using loaded = await started(guest(CONFIG), { pluginConfig });
      const results = await loaded.consume([]);
      assert.equal(text(results?.[0]), "#".repeat(16), "the first buffer is as it was");
      assert.deepEqual(JSON.parse(text(results?.[1])), pluginConfig);
    });

    test("config as large as limit: written, and no byte after it", async () => {
      await using loaded = await started(guest(CONFIG), { pluginConfig: { key: 1 } });
      assert.equal(text((await loaded.consume([]))?.[0]), '{"key":1}#######');
      await using exact = await started(guest(CONFIG), { pluginConfig: "x".repeat(14) });
      assert.equal(text((await exact.consume([]))?.[0]), `"${"x".repeat(14)}"`);
    });

    test("config before start: available at any time after instantiation, in _initialize already", async () => {
      await using loaded = await load(
        guest({
          imports: imports("get_plugin_config", "log"),
          initialize:
            "(call $log (i32.const 2) (i32.const 4096) (call $get_plugin_config (i32.const 4096) (i32.const 100)))",
        }),
        { pluginConfig: { early: true } },
      );
      assert.deepEqual(loaded.lines, ['info: {"early":true}']);
    });

    for (const pluginConfig of [undefined, null])
      test(`no plugin_config (${pluginConfig}): the text {}`, async () => {
        await using loaded = await started(guest(CONFIG), { pluginConfig });
        assert.equal(text((await loaded.consume([]))?.[0]), `{}${"#".repeat(14)}`);
      });

    test("success without set_result_X in a processor: the original passes through unchanged", async () => {
      await using loaded = await started(guest());
      assert.equal(await loaded.consume([1, 2, 3]), undefined);
    });

    test("an empty result drops everything: nothing to pass on; its pointer means nothing", async () => {
      await using loaded = await started(
        guest({ imports: SET, consume: "(call $set_result_logs (i32.const -1) (i32.const 0)) (i32.const 0)" }),
      );
      assert.deepEqual(await loaded.consume([1, 2, 3]), [[]]);
    });

    test("several set_result_X in one consume: each is forwarded, in order, in a buffer of its own", async () => {
      await using loaded = await started(
        guest({
          imports: SET,
          consume: `(call $set_result_logs (local.get $pointer) (i32.const 2))
          (i32.store8 (local.get $pointer) (i32.const 99))
          (call $set_result_logs (i32.const 0) (i32.const 0))
          (call $set_result_logs (local.get $pointer) (i32.const 3)) (i32.const 0)`,
        }),
      );
      assert.deepEqual(await loaded.consume([1, 2, 3]), [[1, 2], [], [99, 2, 3]]);
      for (const size of [3, 5000]) {
        const results = await loaded.plugin.consume({ signal: "logs", bytes: new Uint8Array(size) });
        for (const result of results!) assert.equal(result.buffer.byteLength, result.length);
      }
    });

    test("results of one call do not appear in the next", async () => {
      await using loaded = await started(
        guest({
          imports: SET,
          consume: `(if (i32.eq (local.get $size) (i32.const 1)) (then (call $set_result_logs (local.get $pointer) (i32.const 1))))
          (i32.const 0)`,
        }),
      );
      assert.deepEqual(await loaded.consume([5]), [[5]]);
      assert.equal(await loaded.consume([5, 6]), undefined);
    });

    test("error status: results already set are discarded; the error carries status and reason (8.6.4: the host logs them)", async () => {
      await using loaded = await started(
        guest({
          imports: SET,
          consume: `(call $set_result_logs (local.get $pointer) (i32.const 1))
          (call $set_status_reason (i32.const 64) (i32.const 12)) (i32.const 1)`,
          fields: data(64, "disk is full"),
        }),
      );
      const error = await failure(loaded.consume([1]));
      assert.equal(error.message, "wasm/test: consume_logs: status 1 (error): disk is full");
      assert.deepEqual(
        [error.componentId, error.function, error.status, error.reason, error.permanent, error.code],
        ["wasm/test", "consume_logs", 1, "disk is full", false, StatusCode.UNAVAILABLE],
      );
      assert.deepEqual(loaded.lines, [
        "error: the plugin failed: wasm/test: consume_logs: status 1 (error): disk is full",
      ]);
    });

    for (const [status, permanent, code, message] of [
      [1, false, StatusCode.UNAVAILABLE, "status 1 (error), no reason given"],
      [2, true, StatusCode.INVALID_ARGUMENT, "status 2 (invalid argument), no reason given"],
      [77, false, StatusCode.UNAVAILABLE, "status 77 (error), no reason given"],
      [-1, false, StatusCode.UNAVAILABLE, "status -1 (error), no reason given"],
    ] as const)
      test(`error status ${status} is ${permanent ? "permanent" : "retryable"}`, async () => {
        await using loaded = await started(guest({ consume: `(i32.const ${status})` }));
        const error = await failure(loaded.consume([1]));
        assert.equal(error.message, `wasm/test: consume_logs: ${message}`);
        assert.deepEqual([error.status, error.permanent, error.code], [status, permanent, code]);
      });

    test("a reason does not outlive its call", async () => {
      await using loaded = await started(
        guest({
          imports: SET,
          consume: `(if (i32.eq (local.get $size) (i32.const 1)) (then (call $set_status_reason (i32.const 64) (i32.const 3)))) (i32.const 1)`,
          fields: data(64, "old"),
        }),
      );
      assert.equal((await failure(loaded.consume([1]))).reason, "old");
      assert.equal((await failure(loaded.consume([1, 2]))).reason, "");
    });

    test("empty payload: alloc is skipped, consume_X(0, 0) is called (10.4.1)", async () => {
      await using loaded = await started(
        guest({
          imports: SET,
          alloc: "unreachable",
          consume: `(i32.store (i32.const 0) (local.get $pointer)) (i32.store (i32.const 4) (local.get $size))
          (call $set_result_logs (i32.const 0) (i32.const 8)) (i32.const 0)`,
        }),
      );
      assert.deepEqual(await loaded.consume([]), [[0, 0, 0, 0, 0, 0, 0, 0]]);
    });

    test("alloc returns 0: an error that names the size, nothing is written, retryable (8.6.3, 10.4.2)", async () => {
      await using loaded = await started(
        guest({
          imports: SET,
          alloc: `(if (result i32) (i32.gt_u (local.get $size) (i32.const 4)) (then
          (call $set_status_reason (i32.const 64) (i32.const 4)) (i32.const 0)) (else (i32.const 1024)))`,
          consume: "(call $set_result_logs (i32.const 0) (i32.const 2)) (i32.const 0)",
          fields: data(64, "full"),
        }),
      );
      const error = await failure(loaded.consume([1, 2, 3, 4, 5]));
      assert.equal(error.message, "wasm/test: consume_logs: alloc returned 0 for 5 bytes: full");
      assert.deepEqual([error.permanent, error.code, error.status], [false, StatusCode.UNAVAILABLE, undefined]);
      assert.deepEqual(await loaded.consume([1, 2]), [[0, 0]], "the instance works on, address 0 was not written to");
    });

    test("payload larger than the guest's memory (8.6.5): an error, and the instance is replaced", async () => {
      await using loaded = await started(guest(ECHO));
      const error = await failure(loaded.consume(new Uint8Array(200_000)));
      assert.equal(
        error.message,
        "wasm/test: consume_logs: alloc returned the pointer 1024 for 200000 bytes, outside the memory of 131072 bytes",
      );
      assert.equal(error.permanent, false);
      assert.deepEqual(await loaded.consume([1]), [[1]]);
    });

    test("a payload that the guest grows its memory for arrives whole", async () => {
      await using loaded = await started(
        guest({ ...ECHO, alloc: "(i32.mul (memory.grow (i32.const 20)) (i32.const 65536))" }),
      );
      const bytes = Uint8Array.from({ length: 1_000_000 }, (_, index) => (index * 7) & 0xff);
      const results = await loaded.plugin.consume({ signal: "logs", bytes: part(bytes) });
      assert.equal(Buffer.compare(results![0]!, bytes), 0);
    });

    for (const [call, message] of [
      [
        "(call $set_result_logs (i32.const -16) (i32.const 100))",
        "set_result_logs: 100 bytes at pointer 4294967280 are outside the memory of 131072 bytes",
      ],
      [
        "(call $set_result_logs (i32.const 131071) (i32.const 2))",
        "set_result_logs: 2 bytes at pointer 131071 are outside the memory of 131072 bytes",
      ],
      [
        "(call $set_result_logs (i32.const 0) (i32.const -1))",
        "set_result_logs: 4294967295 bytes at pointer 0 are outside the memory of 131072 bytes",
      ],
      [
        "(call $set_status_reason (i32.const 200000) (i32.const 1))",
        "set_status_reason: 1 bytes at pointer 200000 are outside the memory of 131072 bytes",
      ],
      [
        "(call $log (i32.const 2) (i32.const -1) (i32.const -1))",
        "log: 4294967295 bytes at pointer 4294967295 are outside the memory of 131072 bytes",
      ],
      [
        "(drop (call $get_plugin_config (i32.const 131071) (i32.const 50)))",
        "get_plugin_config: 2 bytes at pointer 131071 are outside the memory of 131072 bytes",
      ],
    ] as const)
      test(`out-of-range pointer: a trap that names the function, pointer, size and memory: ${call}`, async () => {
        await using loaded = await started(
          guest({ imports: `${SET} ${imports("get_plugin_config")}`, consume: `${call} (i32.const 0)` }),
        );
        const error = await failure(loaded.consume([1]));
        assert.equal(error.message, `wasm/test: consume_logs: trapped: a host function trapped: ${message}`);
        assert.equal(error.permanent, false);
      });

    test("pointers and sizes are unsigned: beyond 2 GiB they are places like any other", async () => {
      // Room for the payload, and the result, end with the memory of 2 GiB and 64 KiB.
      const last = 2 ** 31 + PAGE - 3;
      const binary = guest({
        ...ECHO,
        memory: `(memory (export "memory") ${2 ** 31 / PAGE + 1})`,
        alloc: `(i32.const ${last})`,
      });
      await using loaded = await started(binary, { limits: { memoryBytes: 3 * 2 ** 30 } });
      assert.deepEqual(await loaded.consume([1, 2, 3]), [[1, 2, 3]]);
      assert.match(
        (await failure(loaded.consume([1, 2, 3, 4]))).message,
        /alloc returned the pointer 2147549181 for 4 bytes, outside the memory of 2147549184 bytes/,
      );
    });

    test("concurrency (10.2): calls of one instance are made one after the other, in order", async () => {
      await using loaded = await started(guest(ECHO));
      const all = await Promise.all(Array.from({ length: 50 }, (_, index) => loaded.consume([index])));
      assert.deepEqual(
        all,
        Array.from({ length: 50 }, (_, index) => [[index]]),
      );
    });

    test("get_supported_telemetry is checked once against the pipelines: the error names both sides", async () => {
      const error = await failure(load(guest({ telemetry: 2 }), { signals: ["traces", "logs"] }));
      assert.equal(
        error.message,
        "wasm/test: load: the plugin says that it supports logs (get_supported_telemetry), but it is used for traces, logs",
      );
      assert.match((await failure(load(guest({ telemetry: 0 })))).message, /supports no signal .* used for logs/);
      await using loaded = await load(guest({ telemetry: 3 }));
      assert.deepEqual(loaded.plugin.supportedSignals, ["metrics", "logs"]);
    });
  });
});
