/** What is seen of a plugin from outside: the status of its component, and its metrics. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Component, Exporter } from "../../component/component.ts";
import type { ComponentSettings } from "../../component/factory.ts";
import type { StatusReport } from "../../component/health.ts";
import { SINGLE_ATTEMPT } from "../../exporterhelper/testing/single.ts";
import { ECHO, type GuestParts, imports, LineLogger } from "../../plugin/testing/guests.ts";
import { SeriesStore } from "../../service/metrics/series.ts";
import { wasmExporterFactory, wasmProcessorFactory, wasmReceiverFactory } from "./index.ts";
import { guestFile, payload, receiverGuest, Sink, settingsOf } from "./testing/support.ts";

/** The reports as they come. */
class Reports {
  readonly all: StatusReport[] = [];
  #waiting: { count: number; resolve: () => void }[] = [];

  readonly report = (report: StatusReport): void => {
    this.all.push(report);
    for (const { count, resolve } of this.#waiting) if (this.all.length >= count) resolve();
  };

  /** Resolves as soon as so many have come. */
  has(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ count, resolve });
    if (this.all.length >= count) resolve();
    return promise;
  }

  get statuses(): string[] {
    return this.all.map(({ status }) => status);
  }
}

const TRAPS_WHEN_LARGE: GuestParts = {
  consume: "(if (i32.gt_u (local.get $size) (i32.const 8)) (then unreachable)) (i32.const 0)",
};
const RESTART = { initial_interval: "1ms", max_interval: "1ms", max_restarts: 2 };
const SMALL = (): Uint8Array => Uint8Array.of(0x0a, 0);
const LARGE = (): Uint8Array => new Uint8Array(9);

function exporterOf(parts: GuestParts, config: object, more: Partial<ComponentSettings>): Exporter {
  const checked = wasmExporterFactory.schema.parse({ path: guestFile(parts), ...SINGLE_ATTEMPT, ...config });
  return wasmExporterFactory.create(settingsOf("logs", new LineLogger(), more), checked);
}

describe("the status of a plugin's component", () => {
  for (const isolation of ["worker", "inline", "process"]) {
    test(`${isolation}: a break is a recoverable error with the reason; then it is OK again`, async () => {
      const reports = new Reports();
      const exporter = exporterOf(TRAPS_WHEN_LARGE, { isolation }, { reportStatus: reports.report });
      await exporter.start();
      await exporter.consume({ signal: "logs", bytes: SMALL() });
      assert.equal(reports.all.length, 0, "the service knows that it has started");
      await assert.rejects(exporter.consume({ signal: "logs", bytes: LARGE() }));
      await reports.has(2);
      assert.deepEqual(reports.statuses, ["RecoverableError", "OK"]);
      assert.match(reports.all[0]!.error ?? "", /wasm\/test: consume_logs: trapped: /);
      assert.deepEqual(reports.all[1], { status: "OK", logged: true });
      await exporter.shutdown();
      assert.equal(reports.all.length, 2);
    });

    test(`${isolation}: one that broke too often has a permanent error`, async () => {
      const reports = new Reports();
      const exporter = exporterOf(TRAPS_WHEN_LARGE, { isolation, restart: RESTART }, { reportStatus: reports.report });
      await exporter.start();
      for (let broken = 1; broken <= 3; broken++) {
        await assert.rejects(exporter.consume({ signal: "logs", bytes: LARGE() }));
        await reports.has(broken < 3 ? 2 * broken : 5);
      }
      assert.deepEqual(reports.statuses, ["RecoverableError", "OK", "RecoverableError", "OK", "PermanentError"]);
      assert.match(reports.all[4]!.error ?? "", /failed for good, after 2 restarts within 60000 ms: .*trapped/);
      await exporter.shutdown();
    });
  }

  test("a processor's and a receiver's plugin are told of as well", async () => {
    const reports = new Reports();
    const processor = wasmProcessorFactory.create(
      settingsOf("logs", new LineLogger(), { reportStatus: reports.report }),
      wasmProcessorFactory.schema.parse({ path: guestFile({ consume: "unreachable" }), restart: { max_restarts: 0 } }),
      new Sink(),
    );
    await processor.start();
    await assert.rejects(processor.consume({ signal: "logs", bytes: SMALL() }));
    await reports.has(1);
    await processor.shutdown();

    const receiver = wasmReceiverFactory.create(
      settingsOf("logs", new LineLogger(), { reportStatus: reports.report }),
      wasmReceiverFactory.schema.parse({
        path: guestFile(receiverGuest([payload(1)], "unreachable")),
        restart: { max_restarts: 0 },
      }),
      new Sink(),
    );
    await receiver.start();
    await reports.has(2);
    await receiver.shutdown();
    assert.ok(reports.statuses.every((status) => status === "PermanentError"));
    assert.match(reports.all[1]!.error ?? "", /failed for good, .*start_logs_receiver: trapped/);
  });
});

describe("the metrics of a plugin", () => {
  const measuring = new SeriesStore("basic");

  /** Name, without `otelwasm_plugin_`, of everything that is measured of an id, and its value; states as `state working`. */
  function measured(id: string): Record<string, unknown> {
    const values = measuring
      .collect()
      .flatMap(({ descriptor, dataPoints }) =>
        dataPoints
          .filter(({ attributes }) => attributes["otelcol.component.id"] === id)
          .map(({ attributes: { state }, value }): [string, unknown] => [
            `${descriptor.name.replace("otelwasm_plugin_", "")}${state === undefined ? "" : ` ${state}`}`,
            value,
          ]),
      );
    return Object.fromEntries(values);
  }
  const NOTHING = {
    calls: 0,
    errors: 0,
    traps: 0,
    deadlines: 0,
    restarts: 0,
    bytes_in: 0,
    bytes_out: 0,
    rejected: 0,
    passed_through: 0,
    dropped: 0,
    refused: 0,
    "state working": 1,
    "state restarting": 0,
    "state failed": 0,
  };
  const settings = (id: string, reports = new Reports()): ComponentSettings =>
    settingsOf("logs", new LineLogger(), {
      measuring,
      attributes: { "otelcol.component.id": id },
      reportStatus: reports.report,
    });

  test("are what it counts, of each plugin on its own, and its counts stay after it was shut down", async () => {
    const components: Component[] = [];
    const make = async (id: string, parts: GuestParts, reports?: Reports) => {
      const config = wasmProcessorFactory.schema.parse({ path: guestFile(parts), restart: RESTART });
      const processor = wasmProcessorFactory.create(settings(id, reports), config, new Sink());
      await processor.start();
      components.push(processor);
      return processor;
    };
    const reports = new Reports();
    const echo = await make("echo", ECHO);
    const traps = await make("traps", TRAPS_WHEN_LARGE, reports);
    await make("idle", { imports: imports("log") });
    assert.deepEqual(measured("echo"), NOTHING);

    await echo.consume({ signal: "logs", bytes: SMALL() });
    for (let broken = 1; broken <= 3; broken++) {
      await assert.rejects(traps.consume({ signal: "logs", bytes: LARGE() }));
      await reports.has(broken < 3 ? 2 * broken : 5);
    }
    const expected = {
      echo: { ...NOTHING, calls: 1, bytes_in: 2, bytes_out: 2 },
      traps: {
        ...NOTHING,
        calls: 3,
        errors: 3,
        traps: 3,
        restarts: 2,
        bytes_in: 27,
        rejected: 3,
        "state working": 0,
        "state failed": 1,
      },
      idle: NOTHING,
    };
    for (const [id, values] of Object.entries(expected)) assert.deepEqual(measured(id), values);
    for (const component of components) await component.shutdown();
    for (const [id, values] of Object.entries(expected)) {
      const counts = Object.entries(values).filter(([name]) => !name.startsWith("state"));
      assert.deepEqual(measured(id), Object.fromEntries(counts));
    }
  });
});
