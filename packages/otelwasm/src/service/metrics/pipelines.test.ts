import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import * as z from "zod";
import { ConsumerError } from "../../component/errors.ts";
import { defineExporter, defineProcessor } from "../../component/factory.ts";
import { SIGNALS, type Signal } from "../../telemetry/batch.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import type { Collector } from "../collector.ts";
import { createCollector } from "../create.ts";
import { scrape, valuesOf } from "./testing/page.ts";

const collectors: Collector[] = [];
afterEach(async () => {
  for (const collector of collectors.splice(0)) await collector.shutdown();
});

/** What the exporter answers. */
let answer: () => void = () => {};
const moody = defineExporter({
  kind: "exporter",
  type: "moody",
  signals: SIGNALS,
  description: "Answers as a test says",
  schema: z.strictObject({}),
  create: () => ({
    capabilities: { mutatesData: false },
    async start() {},
    async shutdown() {},
    consume: async () => answer(),
  }),
});
/** Hands on one item in place of what it was given, in two batches. */
const halves = defineProcessor({
  kind: "processor",
  type: "two",
  signals: SIGNALS,
  description: "Two batches of an item each",
  schema: z.strictObject({}),
  create: ({ signal }, _, next) => ({
    capabilities: { mutatesData: false },
    async start() {},
    async shutdown() {},
    async consume() {
      for (let i = 0; i < 2; i++) await next.consume({ signal, bytes: buildPayload(signal, 1) });
    },
  }),
});

interface Running {
  readonly http: string;
  readonly page: string;
}

async function run(pipelines: object, level = "basic"): Promise<Running> {
  const endpoint = "127.0.0.1:0";
  const prometheus = { host: "127.0.0.1", port: 0, without_scope_info: true };
  const collector = await createCollector(
    {
      receivers: {
        otlp: { protocols: { http: { endpoint }, grpc: { endpoint } } },
        "otlp/http": { protocols: { http: { endpoint } } },
      },
      processors: { two: {}, "two/b": {} },
      exporters: { moody: {} },
      service: { pipelines, telemetry: { metrics: { level, readers: [{ pull: { exporter: { prometheus } } }] } } },
    },
    { factories: [moody, halves] },
  );
  collectors.push(collector);
  await collector.start();
  const url = (component: string, protocol: string) =>
    collector.endpoints.find((each) => each.component === component && each.protocol === protocol)?.url ?? "";
  return { http: url("otlp", "http"), page: url("service::telemetry::metrics", "prometheus") };
}

function send(url: string, signal: Signal, items: number): Promise<Response> {
  const headers = { "content-type": "application/x-protobuf" };
  return fetch(`${url}/v1/${signal}`, { method: "POST", headers, body: buildPayload(signal, items).slice() });
}

const NAMES = { traces: "spans", metrics: "metric_points", logs: "log_records" } as const;

describe("what receivers count", () => {
  for (const signal of SIGNALS)
    test(`${signal}: items that were accepted, refused for now or for good, and lost in an error that is nobody's answer`, async () => {
      const { http, page } = await run({ [signal]: { receivers: ["otlp"], exporters: ["moody"] } });
      const counts = async () => {
        const values = valuesOf(await scrape(page));
        return ["accepted", "refused", "failed"].map((outcome) =>
          values.get(`otelcol_receiver_${outcome}_${NAMES[signal]}_total{receiver="otlp",transport="http"}`),
        );
      };
      assert.deepEqual(await counts(), [0, 0, 0]);
      answer = () => {};
      assert.equal((await send(http, signal, 7)).status, 200);
      assert.equal((await send(http, signal, 1_000)).status, 200);
      answer = () => {
        throw ConsumerError.retryable("later");
      };
      assert.equal((await send(http, signal, 20)).status, 503);
      answer = () => {
        throw ConsumerError.permanent("never");
      };
      assert.equal((await send(http, signal, 300)).status, 500);
      answer = () => {
        throw new TypeError("a mistake in the exporter");
      };
      assert.equal((await send(http, signal, 4_000)).status, 503);
      assert.deepEqual(await counts(), [1_007, 320, 4_000]);
      const malformed = await fetch(`${http}/v1/${signal}`, {
        method: "POST",
        headers: { "content-type": "application/x-protobuf" },
        body: Uint8Array.of(10),
      });
      assert.equal(malformed.status, 400);
      assert.deepEqual(await counts(), [1_007, 320, 4_000], "what is not OTLP has no items");
      assert.equal(
        valuesOf(await scrape(page)).get(
          `otelcol_receiver_accepted_${NAMES[signal]}_total{receiver="otlp",transport="grpc"}`,
        ),
        0,
      );
    });

  test("a receiver has the transports that it is configured with, and the signals that it is used for", async () => {
    const { page } = await run({ logs: { receivers: ["otlp/http"], exporters: ["moody"] } });
    const received = [...valuesOf(await scrape(page)).keys()].filter((series) =>
      series.startsWith("otelcol_receiver_"),
    );
    assert.deepEqual(
      received.sort(),
      ["accepted", "failed", "refused"].map(
        (outcome) => `otelcol_receiver_${outcome}_log_records_total{receiver="otlp/http",transport="http"}`,
      ),
    );
  });
});

test("a reload goes on with the counts, of what stays and of what is new", async () => {
  const endpoint = "127.0.0.1:0";
  const reader = { pull: { exporter: { prometheus: { host: "127.0.0.1", port: 0, without_scope_info: true } } } };
  const config = (level: string, processors: string[]) => ({
    receivers: { otlp: { protocols: { http: { endpoint } } } },
    processors: { two: {}, "two/b": {} },
    exporters: { moody: {} },
    service: {
      pipelines: { logs: { receivers: ["otlp"], processors, exporters: ["moody"] } },
      telemetry: { metrics: { level, readers: [reader] } },
    },
  });
  answer = () => {};
  const collector = await createCollector(config("basic", ["two"]), { factories: [moody, halves] });
  collectors.push(collector);
  await collector.start();
  const url = (component: string) => collector.endpoints.find((each) => each.component === component)!.url;
  const sent = async () => {
    assert.equal((await send(url("otlp"), "logs", 10)).status, 200);
    const values = valuesOf(await scrape(url("service::telemetry::metrics")));
    return [
      values.get('otelcol_receiver_accepted_log_records_total{receiver="otlp",transport="http"}'),
      values.get('otelcol_processor_incoming_items_total{processor="two",otel_signal="logs"}'),
      values.get('otelcol_processor_incoming_items_total{processor="two/b",otel_signal="logs"}'),
    ];
  };
  assert.deepEqual(await sent(), [10, 10, undefined]);
  await collector.reload(config("basic", ["two/b", "two"]));
  assert.deepEqual(await sent(), [20, 12, 10]);
  await collector.reload(config("basic", ["two"]));
  assert.deepEqual(await sent(), [30, 22, 10]);
  // Other telemetry is other metrics.
  await collector.reload(config("detailed", ["two"]));
  assert.deepEqual(await sent(), [10, 10, undefined]);
});

describe("what processors count", () => {
  test("items in and out, whatever becomes of them after; instances of one id and signal together", async () => {
    const { http, page } = await run({
      "logs/1": { receivers: ["otlp"], processors: ["two", "two/b"], exporters: ["moody"] },
      "logs/2": { receivers: ["otlp"], processors: ["two"], exporters: ["moody"] },
      traces: { receivers: ["otlp"], processors: ["two"], exporters: ["moody"] },
    });
    const of = async (name: string, id: string, signal: Signal) =>
      valuesOf(await scrape(page)).get(
        `otelcol_processor_${name}_items_total{processor="${id}",otel_signal="${signal}"}`,
      );
    answer = () => {};
    assert.equal((await send(http, "logs", 10)).status, 200);
    assert.equal(await of("incoming", "two", "logs"), 20);
    assert.equal(await of("outgoing", "two", "logs"), 4);
    assert.equal(await of("incoming", "two/b", "logs"), 2);
    assert.equal(await of("outgoing", "two/b", "logs"), 4);
    assert.deepEqual([await of("incoming", "two", "traces"), await of("outgoing", "two", "traces")], [0, 0]);
    answer = () => {
      throw ConsumerError.retryable("later");
    };
    assert.equal((await send(http, "traces", 5)).status, 503);
    // The second batch was not tried any more.
    assert.deepEqual([await of("incoming", "two", "traces"), await of("outgoing", "two", "traces")], [5, 1]);
  });
});
