import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Consumer, Processor } from "../../component/component.ts";
import { ConsumerError, StatusCode } from "../../component/errors.ts";
import { PluginError } from "../../plugin/errors.ts";
import { ECHO, type GuestParts, guest, imports, LineLogger } from "../../plugin/testing/guests.ts";
import { type Batch, SIGNALS, type Signal } from "../../telemetry/batch.ts";
import { wasmProcessorFactory } from "./index.ts";

class Sink implements Consumer {
  readonly capabilities = { mutatesData: false };
  readonly batches: Batch[] = [];
  error: unknown;

  async consume(batch: Batch): Promise<void> {
    if (this.error !== undefined) throw this.error;
    this.batches.push(batch);
  }
}

describe("processor wasm", () => {
  let folder: string;
  let files = 0;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "otelwasm-"));
  });
  after(() => rm(folder, { recursive: true }));

  async function make(
    parts: GuestParts,
    signal: Signal = "logs",
  ): Promise<{ processor: Processor; sink: Sink; lines: string[] }> {
    const path = join(folder, `${files++}.wasm`);
    await writeFile(path, guest(parts));
    const sink = new Sink();
    const logger = new LineLogger();
    const config = wasmProcessorFactory.schema.parse({ path, plugin_config: { a: 1 } });
    const settings = { id: "wasm/test", signal, logger, shared: new Map() };
    return { processor: wasmProcessorFactory.create(settings, config, sink), sink, lines: logger.lines };
  }

  test("its factory: type, signals, strict configuration", () => {
    assert.equal(wasmProcessorFactory.type, "wasm");
    assert.equal(wasmProcessorFactory.kind, "processor");
    assert.deepEqual(wasmProcessorFactory.signals, SIGNALS);
    assert.equal(wasmProcessorFactory.schema.safeParse({}).success, false);
    assert.equal(wasmProcessorFactory.schema.safeParse({ path: "x", mode: 1 }).success, false);
  });

  for (const signal of SIGNALS)
    test(`8.2 ${signal}: what the guest sets goes on`, async () => {
      const { processor, sink } = await make(ECHO, signal);
      await processor.start();
      const bytes = Uint8Array.of(1, 2, 3);
      await processor.consume({ signal, bytes });
      assert.deepEqual(sink.batches, [{ signal, bytes }]);
      assert.notEqual(sink.batches[0]!.bytes, bytes);
      await processor.shutdown();
    });

  test("nothing is opened when it is created; shutdown without start is allowed", async () => {
    const settings = { id: "wasm", signal: "logs" as const, logger: new LineLogger(), shared: new Map() };
    const processor = wasmProcessorFactory.create(settings, { path: "/no/such.wasm" }, new Sink());
    await processor.shutdown();
  });

  test("without a result the very batch goes on", async () => {
    const { processor, sink } = await make({});
    await processor.start();
    const batch: Batch = { signal: "logs", bytes: Uint8Array.of(1) };
    await processor.consume(batch);
    assert.equal(sink.batches[0], batch);
    assert.equal(processor.capabilities.mutatesData, true);
    await processor.shutdown();
  });

  test("several results go on in order; empty ones do not", async () => {
    const { processor, sink } = await make({
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
    const { processor, sink } = await make({
      imports: imports("set_result_logs"),
      consume: "(call $set_result_logs (i32.const 0) (i32.const 0)) (i32.const 0)",
    });
    await processor.start();
    await processor.consume({ signal: "logs", bytes: Uint8Array.of(7, 8) });
    assert.deepEqual(sink.batches, []);
    await processor.shutdown();
  });

  test("the plugin's error goes upstream; nothing goes on", async () => {
    const { processor, sink } = await make({ consume: "(i32.const 2)" });
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
      const { processor, sink } = await make(parts);
      await processor.start();
      sink.error = ConsumerError.retryable("full", { retryAfterMs: 5 });
      await assert.rejects(
        processor.consume({ signal: "logs", bytes: Uint8Array.of(1) }),
        (error) => error === sink.error,
      );
      await processor.shutdown();
    }
  });

  test("a plugin that does not support the pipeline's signal stops the start", async () => {
    const { processor } = await make({ telemetry: 2 }, "traces");
    await assert.rejects(
      processor.start(),
      /wasm\/test: load: the plugin says that it supports logs .* used for traces/,
    );
    await processor.shutdown();
  });

  test("a plugin whose start fails stops the start, and can be shut down", async () => {
    const { processor } = await make({ start: "(i32.const 1)" });
    await assert.rejects(processor.start(), /wasm\/test: start: status 1/);
    await processor.shutdown();
  });
});
