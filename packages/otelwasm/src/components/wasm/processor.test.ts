import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Processor } from "../../component/component.ts";
import { ConsumerError, StatusCode } from "../../component/errors.ts";
import { PluginError } from "../../plugin/errors.ts";
import { ECHO, type GuestParts, imports, LineLogger } from "../../plugin/testing/guests.ts";
import { type Batch, SIGNALS, type Signal } from "../../telemetry/batch.ts";
import { wasmProcessorFactory } from "./index.ts";
import { guestFile, Sink, settingsOf } from "./testing/support.ts";

describe("processor wasm", () => {
  function make(
    parts: GuestParts,
    signal: Signal = "logs",
    config: object = {},
  ): { processor: Processor; sink: Sink; lines: string[] } {
    const sink = new Sink();
    const logger = new LineLogger();
    const checked = wasmProcessorFactory.schema.parse({ path: guestFile(parts), plugin_config: { a: 1 }, ...config });
    return {
      processor: wasmProcessorFactory.create(settingsOf(signal, logger), checked, sink),
      sink,
      lines: logger.lines,
    };
  }

  test("its factory: type, signals, strict configuration", () => {
    assert.equal(wasmProcessorFactory.type, "wasm");
    assert.equal(wasmProcessorFactory.kind, "processor");
    assert.deepEqual(wasmProcessorFactory.signals, SIGNALS);
    assert.equal(wasmProcessorFactory.schema.safeParse({}).success, false);
    assert.equal(wasmProcessorFactory.schema.safeParse({ path: "x", mode: 1 }).success, false);
  });

  for (const isolation of ["worker", "inline", "process"])
    for (const signal of SIGNALS)
      test(`8.2 ${signal}, ${isolation}: what the guest sets goes on`, async () => {
        const { processor, sink } = make(ECHO, signal, { isolation });
        await processor.start();
        const bytes = Uint8Array.of(1, 2, 3);
        await processor.consume({ signal, bytes });
        assert.deepEqual(sink.batches, [{ signal, bytes: Uint8Array.of(1, 2, 3) }]);
        assert.equal(bytes.length, isolation === "worker" ? 0 : 3, "in a worker the buffer moves");
        await processor.shutdown();
      });

  test("nothing is opened when it is created; shutdown without start is allowed", async () => {
    const processor = wasmProcessorFactory.create(settingsOf("logs"), { path: "/no/such.wasm" }, new Sink());
    await processor.shutdown();
  });

  test("without a result the batch goes on as it is: the very one, from a worker the very buffer", async () => {
    for (const isolation of ["worker", "inline", "process"]) {
      const { processor, sink } = make({}, "logs", { isolation });
      assert.equal(processor.capabilities.mutatesData, isolation === "worker");
      await processor.start();
      const batch: Batch = { signal: "logs", bytes: Uint8Array.of(1, 2) };
      let passed: Batch | undefined;
      sink.answer = (given) => {
        passed = given;
      };
      await processor.consume(batch);
      if (isolation !== "worker") assert.equal(passed, batch);
      assert.deepEqual(sink.bytes, [[1, 2]]);
      await processor.shutdown();
    }
  });

  test("on_failure: pass_through passes a batch on that breaks the plugin; the sender's buffer stays", async () => {
    const { processor, sink, lines } = make({ consume: "unreachable" }, "logs", { on_failure: "pass_through" });
    assert.equal(processor.capabilities.mutatesData, false);
    await processor.start();
    const bytes = Uint8Array.of(1, 2);
    await processor.consume({ signal: "logs", bytes });
    assert.deepEqual(sink.bytes, [[1, 2]]);
    assert.deepEqual(bytes, Uint8Array.of(1, 2));
    await processor.shutdown();
    assert.match(lines.join("\n"), /^warn: Batches that the plugin could not deal with$/m);
  });

  test("on_failure: drop takes a batch that breaks the plugin, and nothing goes on", async () => {
    const { processor, sink } = make({ consume: "unreachable" }, "logs", { on_failure: "drop" });
    await processor.start();
    await processor.consume({ signal: "logs", bytes: Uint8Array.of(1) });
    assert.deepEqual(sink.bytes, []);
    await processor.shutdown();
  });

  test("several results go on in order; empty ones do not", async () => {
    const { processor, sink } = make({
      imports: imports("set_result_logs"),
      consume: `(call $set_result_logs (local.get $pointer) (i32.const 1)) (call $set_result_logs (i32.const 0) (i32.const 0))
        (call $set_result_logs (local.get $pointer) (i32.const 2)) (i32.const 0)`,
    });
    await processor.start();
    await processor.consume({ signal: "logs", bytes: Uint8Array.of(7, 8) });
    assert.deepEqual(
      sink.batches.map(({ bytes }) => [...bytes]),
      [[7], [7, 8]],
    );
    await processor.shutdown();
  });

  test("an empty result drops the batch", async () => {
    const { processor, sink } = make({
      imports: imports("set_result_logs"),
      consume: "(call $set_result_logs (i32.const 0) (i32.const 0)) (i32.const 0)",
    });
    await processor.start();
    await processor.consume({ signal: "logs", bytes: Uint8Array.of(7, 8) });
    assert.deepEqual(sink.batches, []);
    await processor.shutdown();
  });

  test("the plugin's error goes upstream; nothing goes on", async () => {
    const { processor, sink } = make({ consume: "(i32.const 2)" });
    await processor.start();
    await assert.rejects(
      processor.consume({ signal: "logs", bytes: Uint8Array.of(1) }),
      (error) =>
        error instanceof PluginError && error.code === StatusCode.INVALID_ARGUMENT && error.componentId === "wasm/test",
    );
    assert.deepEqual(sink.batches, []);
    await processor.shutdown();
  });

  test("an error of what follows goes upstream unchanged", async () => {
    for (const parts of [{}, ECHO]) {
      const { processor, sink } = make(parts);
      await processor.start();
      const full = ConsumerError.retryable("full", { retryAfterMs: 5 });
      sink.answer = () => {
        throw full;
      };
      await assert.rejects(processor.consume({ signal: "logs", bytes: Uint8Array.of(1) }), (error) => error === full);
      await processor.shutdown();
    }
  });

  test("a plugin that does not support the pipeline's signal stops the start", async () => {
    const { processor } = make({ telemetry: 2 }, "traces");
    await assert.rejects(
      processor.start(),
      /wasm\/test: load: \S+\.wasm: the plugin says that it supports logs .* used for traces/,
    );
    await processor.shutdown();
  });

  test("a plugin whose start fails stops the start, and can be shut down", async () => {
    const { processor } = make({ start: "(i32.const 1)" });
    await assert.rejects(processor.start(), /wasm\/test: start: status 1/);
    await processor.shutdown();
  });
});
