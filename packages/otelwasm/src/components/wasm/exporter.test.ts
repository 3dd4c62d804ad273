import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Exporter } from "../../component/component.ts";
import { ConsumerError, StatusCode } from "../../component/errors.ts";
import { SINGLE_ATTEMPT } from "../../exporterhelper/testing/single.ts";
import { data, ECHO, type GuestParts, imports, LineLogger } from "../../plugin/testing/guests.ts";
import { SIGNALS, type Signal } from "../../telemetry/batch.ts";
import { wasmExporterFactory } from "./index.ts";
import { guestFile, payload, settingsOf } from "./testing/support.ts";

function make(
  parts: GuestParts,
  signal: Signal = "logs",
  config: object = {},
): { exporter: Exporter; lines: string[] } {
  const logger = new LineLogger();
  const checked = wasmExporterFactory.schema.parse({ path: guestFile(parts), ...SINGLE_ATTEMPT, ...config });
  return { exporter: wasmExporterFactory.create(settingsOf(signal, logger), checked), lines: logger.lines };
}

/** Says in the log how long the batch was: `size 9`. */
const SIZE: GuestParts = {
  imports: imports("log"),
  consume: `(i32.store8 (i32.const 21) (i32.add (i32.const 48) (local.get $size)))
    (call $log (i32.const 2) (i32.const 16) (i32.const 6)) (i32.const 0)`,
  fields: data(16, "size "),
};

async function failing(exporter: Exporter): Promise<ConsumerError> {
  const bytes = Uint8Array.from(payload(1));
  const error: unknown = await exporter.consume({ signal: "logs", bytes }).then(
    () => assert.fail("it succeeded"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ConsumerError, String(error));
  return error;
}

describe("exporter wasm", () => {
  for (const isolation of ["worker", "inline", "process"]) {
    for (const signal of SIGNALS)
      test(`8.2 ${signal}, ${isolation}: the guest gets the batch, and its success is the answer`, async () => {
        const { exporter, lines } = make(SIZE, signal, { isolation });
        assert.equal(exporter.capabilities.mutatesData, isolation === "worker");
        await exporter.start();
        await exporter.consume({ signal, bytes: Uint8Array.of(0x0a, 0) });
        await exporter.shutdown();
        assert.deepEqual(lines, ["info: size 2"]);
      });

    test(`${isolation}: an error is retryable, an invalid argument is permanent`, async () => {
      for (const [status, code] of [
        [1, StatusCode.UNAVAILABLE],
        [2, StatusCode.INVALID_ARGUMENT],
        [77, StatusCode.UNAVAILABLE],
      ]) {
        const { exporter } = make({ consume: `(i32.const ${status})` }, "logs", { isolation });
        await exporter.start();
        const error = await failing(exporter);
        assert.equal(error.code, code);
        assert.equal(error.permanent, status === 2);
        await exporter.shutdown();
      }
    });

    test(`${isolation}: what the guest cannot take for now it gets again, whole, as often as it needs`, async () => {
      const thrice = `(i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
        (i32.lt_u (i32.load (i32.const 64)) (i32.const 3))`;
      const { exporter, lines } = make(
        { ...SIZE, consume: SIZE.consume!.replace(/\(i32\.const 0\)$/, thrice) },
        "logs",
        {
          isolation,
          sending_queue: {},
          retry_on_failure: { initial_interval: "1ms", max_interval: "1ms" },
        },
      );
      assert.equal(exporter.capabilities.mutatesData, false);
      await exporter.start();
      await exporter.consume({ signal: "logs", bytes: Uint8Array.of(0x0a, 0) });
      await exporter.shutdown();
      assert.deepEqual(
        lines.filter((line) => line.includes("size")),
        Array(3).fill("info: size 2"),
      );
    });

    test(`${isolation}: an exporter has no results: set_result_X is a trap that says so`, async () => {
      const { exporter } = make(ECHO, "logs", { isolation });
      await exporter.start();
      const error = await failing(exporter);
      assert.match(error.message, /set_result_logs called during consume_logs/);
      assert.equal(error.permanent, false);
      await exporter.shutdown();
    });
  }

  test("nothing is opened when it is created; shutdown without start is allowed", async () => {
    const exporter = wasmExporterFactory.create(
      settingsOf("logs"),
      wasmExporterFactory.schema.parse({ path: "/no/such.wasm" }),
    );
    await exporter.shutdown();
  });

  test("a plugin whose start fails stops the start, and can be shut down", async () => {
    const { exporter } = make({ start: "(i32.const 1)" });
    await assert.rejects(exporter.start(), /wasm\/test: start: status 1/);
    await exporter.shutdown();
  });

  test("on_failure: drop takes what a broken plugin cannot, counts it and says so at the end", async () => {
    const { exporter, lines } = make({ consume: "unreachable" }, "logs", { on_failure: "drop" });
    await exporter.start();
    await exporter.consume({ signal: "logs", bytes: Uint8Array.from(payload(1)) });
    await exporter.shutdown();
    assert.match(lines.join("\n"), /^warn: Batches that the plugin could not deal with$/m);
  });
});
