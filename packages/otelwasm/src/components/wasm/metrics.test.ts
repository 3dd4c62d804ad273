/** What own metrics say of a plugin wherever it runs: how long calls take, what waits, how much memory its instances have. */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import type { Attributes } from "@opentelemetry/api";
import { DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";
import type { Component } from "../../component/component.ts";
import { ConsumerError } from "../../component/errors.ts";
import { ECHO, type GuestParts } from "../../plugin/testing/guests.ts";
import { SeriesStore } from "../../service/metrics/series.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { wasmProcessorFactory, wasmReceiverFactory } from "./index.ts";
import { guestFile, payload, receiverGuest, Sink, settingsOf } from "./testing/support.ts";

const PAGE = 65_536;
/** Needs one page more for each call. */
const GROWS: GuestParts = { ...ECHO, consume: "(drop (memory.grow (i32.const 1))) (i32.const 0)" };
const components: Component[] = [];
afterEach(async () => {
  for (const component of components.splice(0)) await component.shutdown();
});

function find(measuring: SeriesStore, name: string): MetricData | undefined {
  return measuring.collect().find(({ descriptor }) => descriptor.name === `otelwasm_plugin_${name}`);
}

/** Of a gauge or counter: its values, by the state where it has one. */
function values(measuring: SeriesStore, name: string): Record<string, unknown> {
  const points = find(measuring, name)?.dataPoints ?? [];
  return Object.fromEntries(points.map(({ attributes, value }) => [attributes.state ?? "", value]));
}

function durations(measuring: SeriesStore): { attributes: Attributes; count: number; sum: number; counts: number[] } {
  const metric = find(measuring, "call_duration");
  assert.ok(metric?.dataPointType === DataPointType.HISTOGRAM);
  const [{ attributes, value } = assert.fail()] = metric.dataPoints;
  return { attributes, count: value.count, sum: value.sum ?? 0, counts: value.buckets.counts };
}

const ATTRIBUTES = { "otelcol.component.id": "wasm/test", "otelcol.component.kind": "processor" };

async function processor(measuring: SeriesStore, parts: GuestParts, config: object) {
  const component = wasmProcessorFactory.create(
    settingsOf("logs", undefined, { measuring, attributes: ATTRIBUTES }),
    wasmProcessorFactory.schema.parse({ path: guestFile(parts), ...config }),
    new Sink(),
  );
  components.push(component);
  await component.start();
  return component;
}

describe("the metrics of a plugin, at level normal", () => {
  for (const isolation of ["inline", "worker", "process"])
    test(`${isolation}: calls are timed, memory is what the instance has`, async () => {
      const measuring = new SeriesStore("normal");
      const plugin = await processor(measuring, GROWS, { isolation });
      const before = Number(values(measuring, "memory")[""]);
      assert.ok(before >= PAGE && before % PAGE === 0, String(before));
      for (let i = 0; i < 3; i++) await plugin.consume({ signal: "logs", bytes: buildPayload("logs", 1) });
      assert.deepEqual(values(measuring, "memory"), { "": before + 3 * PAGE });
      const { attributes, count, sum, counts } = durations(measuring);
      assert.deepEqual(attributes, { ...ATTRIBUTES, "otelwasm.runtime": "v8", "otelwasm.isolation": isolation });
      assert.equal(count, 3);
      assert.equal(
        counts.reduce((all, each) => all + each),
        3,
      );
      assert.ok(sum > 0);
      assert.deepEqual(values(measuring, "queue_calls"), { running: 0, waiting: 0 });
      await plugin.shutdown();
      assert.deepEqual(values(measuring, "memory"), {});
      assert.deepEqual(values(measuring, "queue_calls"), {});
      assert.equal(durations(measuring).count, 3);
    });

  test("calls that run and calls that wait, more than an instance is handed at a time", async () => {
    const measuring = new SeriesStore("normal");
    const plugin = await processor(measuring, ECHO, { isolation: "worker", instances: 2 });
    const calls = Array.from({ length: 100 }, () => plugin.consume({ signal: "logs", bytes: buildPayload("logs", 1) }));
    assert.deepEqual(values(measuring, "queue_calls"), { running: 2, waiting: 98 });
    await Promise.all(calls);
    assert.deepEqual(values(measuring, "queue_calls"), { running: 0, waiting: 0 });
    assert.equal(durations(measuring).count, 100);
  });

  test("of a receiver: how long the pipeline takes for a batch; it has no queue", async () => {
    const measuring = new SeriesStore("normal");
    const sink = new Sink();
    sink.answer = (_, count) => {
      if (count === 1) throw ConsumerError.permanent("no");
    };
    const receiver = wasmReceiverFactory.create(
      settingsOf("logs", undefined, {
        measuring,
        attributes: { ...ATTRIBUTES, "otelcol.component.kind": "receiver" },
      }),
      wasmReceiverFactory.schema.parse({ path: guestFile(receiverGuest([payload(1), payload(2)])) }),
      sink,
    );
    components.push(receiver);
    await receiver.start();
    await sink.has(2);
    await receiver.shutdown();
    assert.equal(durations(measuring).count, 2);
    assert.equal(find(measuring, "queue_calls"), undefined);
    const received = (outcome: string) =>
      measuring.collect().find(({ descriptor }) => descriptor.name === `otelcol_receiver_${outcome}_log_records`)
        ?.dataPoints[0];
    assert.deepEqual(received("accepted")?.attributes, { receiver: "wasm/test", transport: "" });
    assert.equal(received("refused")?.value, received("accepted")?.value);
  });

  test("a configuration that takes the place of another goes on with its counts", async () => {
    const measuring = new SeriesStore("normal");
    const first = await processor(measuring, ECHO, { isolation: "inline" });
    await first.consume({ signal: "logs", bytes: buildPayload("logs", 1) });
    const second = await processor(measuring, ECHO, { isolation: "inline" });
    await second.consume({ signal: "logs", bytes: buildPayload("logs", 1) });
    await first.consume({ signal: "logs", bytes: buildPayload("logs", 1) });
    assert.deepEqual(values(measuring, "calls"), { "": 3 });
    await first.shutdown();
    assert.deepEqual(values(measuring, "calls"), { "": 3 });
    assert.deepEqual(values(measuring, "state"), { working: 1, restarting: 0, failed: 0 });
    await second.consume({ signal: "logs", bytes: buildPayload("logs", 1) });
    assert.deepEqual(values(measuring, "calls"), { "": 4 });
    assert.equal(durations(measuring).count, 4);
  });

  test("level basic has neither durations nor memory nor the queue, and counts all else", async () => {
    const measuring = new SeriesStore("basic");
    const plugin = await processor(measuring, ECHO, { isolation: "inline" });
    await plugin.consume({ signal: "logs", bytes: buildPayload("logs", 1) });
    for (const name of ["call_duration", "memory", "queue_calls"]) assert.equal(find(measuring, name), undefined);
    assert.deepEqual(values(measuring, "calls"), { "": 1 });
  });
});
