/** What a collector says of itself, as a destination sees it that shares no code with it: by OTLP, over both protocols. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Collector, createCollector, type Logger } from "otelwasm";
import { buildAttributesPlugin } from "../examples/attributes/build.ts";
import { exporter } from "./collector.ts";
import type { Plain } from "./proto.ts";
import { type Sink, startSink } from "./sink.ts";

let sink: Sink;
before(async () => {
  sink = await startSink();
});
after(() => sink.close());

interface Options {
  readonly telemetry: object;
  readonly logger?: Logger;
}

/** A pipeline of logs, HTTP in, and nothing behind it. */
async function start({ telemetry, logger }: Options): Promise<{ collector: Collector; url: string }> {
  const collector = await createCollector(
    {
      receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } },
      exporters: { nop: {} },
      service: { telemetry, pipelines: { logs: { receivers: ["otlp"], exporters: ["nop"] } } },
    },
    logger === undefined ? {} : { logger },
  );
  await collector.start();
  return { collector, url: collector.endpoints.find(({ component }) => component === "otlp")!.url };
}

async function send(url: string, items: number, status = 200): Promise<void> {
  const answer = await fetch(`${url}/v1/logs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: Array(items).fill({}) }] }] }),
  });
  assert.equal(answer.status, status);
}

type List = readonly Plain[];

/** Attributes as a map; every value as text. */
function attributesOf(message: Plain): Record<string, string> {
  return Object.fromEntries(
    ((message.attributes ?? []) as List).map(({ key, value }) => [key, String(Object.values(value as Plain)[0])]),
  );
}

/** The one resource of a request, its scope, and what is in it. */
function contentOf(message: Plain, resources: string, scopes: string, items: string) {
  const [resource, ...others] = message[resources] as List;
  assert.equal(others.length, 0);
  const [scope, ...more] = resource![scopes] as List;
  assert.equal(more.length, 0);
  return {
    resource: attributesOf(resource!.resource as Plain),
    scope: (scope!.scope as Plain).name,
    items: scope![items] as List,
  };
}

const metricsOf = (message: Plain) => contentOf(message, "resourceMetrics", "scopeMetrics", "metrics");

describe("own metrics by OTLP", () => {
  for (const protocol of ["http/protobuf", "grpc"] as const)
    test(`${protocol}: on its interval, and the last counts at the end`, async () => {
      sink.clear();
      const grpc = protocol === "grpc";
      const otlp = {
        protocol,
        endpoint: grpc ? sink.grpcUrl : sink.httpUrl,
        headers: [{ name: "X-Tenant", value: "own" }],
        compression: "gzip",
      };
      const { collector, url } = await start({
        telemetry: {
          resource: { "service.name": "mine", "service.version": null, "deployment.environment.name": "test" },
          metrics: { readers: [{ periodic: { interval: 10, exporter: { otlp } } }] },
        },
      });
      const [first] = await sink.waitForRequests(1);
      assert.equal(first!.protocol, grpc ? "grpc" : "http");
      assert.equal(first!.signal, "metrics");
      assert.equal(first!.headers["x-tenant"], "own");
      if (!grpc) assert.equal(first!.compression, "gzip");
      await send(url, 7);
      await collector.shutdown();
      const last = metricsOf(sink.requests.at(-1)!.message);
      const { "service.instance.id": instance, ...resource } = last.resource;
      assert.match(instance!, /^[0-9a-f-]{36}$/);
      assert.deepEqual(resource, { "service.name": "mine", "deployment.environment.name": "test" });
      assert.equal(last.scope, "otelwasm");
      const metrics = new Map(last.items.map((metric) => [metric.name, metric]));
      const accepted = metrics.get("otelcol_receiver_accepted_log_records")!;
      const { aggregationTemporality, isMonotonic, dataPoints } = accepted.sum as Plain;
      assert.deepEqual([accepted.unit, aggregationTemporality, isMonotonic], ["{records}", 2, true]);
      const [point] = dataPoints as List;
      assert.deepEqual(attributesOf(point!), { receiver: "otlp", transport: "http" });
      assert.equal(point!.asInt, "7");
      assert.ok(BigInt(String(point!.startTimeUnixNano)) < BigInt(String(point!.timeUnixNano)));
      const uptime = ((metrics.get("otelcol_process_uptime")!.sum as Plain).dataPoints as List)[0]!;
      assert.ok(Number(uptime.asDouble) > 0);
      const rss = ((metrics.get("otelcol_process_memory_rss")!.gauge as Plain).dataPoints as List)[0]!;
      assert.ok(Number(rss.asInt) > 0);
    });

  test("a destination that is down is a line in the log, and the collector works and ends all the same", async () => {
    const lines: string[] = [];
    const warned = Promise.withResolvers<void>();
    const logger: Logger = {
      trace() {},
      debug() {},
      info() {},
      warn: (message, attributes) => {
        lines.push(`${message}: ${String(attributes?.error)}`);
        warned.resolve();
      },
      error() {},
      child: () => logger,
    };
    const otlp = { protocol: "http/protobuf", endpoint: "http://127.0.0.1:1/own" };
    const { collector, url } = await start({
      telemetry: { metrics: { readers: [{ periodic: { interval: 10, exporter: { otlp } } }] } },
      logger,
    });
    await send(url, 1);
    await warned.promise;
    await collector.shutdown();
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /^Own metrics could not be exported: .*127\.0\.0\.1:1\/own/);
  });
});

describe("own traces", () => {
  const spansOf = (message: Plain) => contentOf(message, "resourceSpans", "scopeSpans", "spans");

  /** A pipeline through a plugin that changes what it gets, to the sink; what it is asked for, one batch is. */
  const actions = [{ key: "a", value: "b", action: "insert" }];
  async function traced(traces: object, logs: number, status = 200): Promise<Plain[]> {
    sink.clear();
    if (status !== 200)
      sink.respond = ({ signal }) =>
        signal === "logs" ? { kind: "fail", code: 3, httpStatus: status, message: "no" } : { kind: "accept" };
    const collector = await createCollector({
      receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } },
      processors: { "wasm/attributes": { path: await buildAttributesPlugin(), plugin_config: { actions } } },
      exporters: { otlp_http: exporter("otlp_http", sink) },
      service: {
        telemetry: { resource: { "service.name": "mine" }, metrics: { level: "none" }, traces },
        pipelines: { logs: { receivers: ["otlp"], processors: ["wasm/attributes"], exporters: ["otlp_http"] } },
      },
    });
    await collector.start();
    const { url } = collector.endpoints.find(({ component }) => component === "otlp")!;
    for (let i = 0; i < logs; i++) await send(url, 3, status);
    await collector.shutdown();
    return sink.requests.filter(({ signal }) => signal === "traces").map(({ message }) => message);
  }

  for (const protocol of ["http/protobuf", "grpc"] as const)
    test(`${protocol}: one trace of a batch, from the receiver to the exporter`, async () => {
      const endpoint = protocol === "grpc" ? sink.grpcUrl : sink.httpUrl;
      const [message, ...others] = await traced(
        { processors: [{ batch: { exporter: { otlp: { protocol, endpoint } } } }] },
        1,
      );
      assert.equal(others.length, 0);
      const { resource, scope, items } = spansOf(message!);
      assert.deepEqual([resource["service.name"], scope], ["mine", "otelwasm"]);
      const spans = new Map(items.map((span) => [span.name, span]));
      assert.deepEqual([...spans.keys()].sort(), [
        "exporter/otlp_http/logs",
        "processor/wasm/attributes/logs",
        "receiver/otlp/LogsReceived",
      ]);
      const receiver = spans.get("receiver/otlp/LogsReceived")!;
      const processor = spans.get("processor/wasm/attributes/logs")!;
      const exported = spans.get("exporter/otlp_http/logs")!;
      assert.equal(new Set(items.map(({ traceId }) => traceId)).size, 1);
      assert.match(String(receiver.traceId), /^[0-9a-f]{32}$/);
      assert.deepEqual(
        [receiver.parentSpanId, processor.parentSpanId, exported.parentSpanId],
        [undefined, receiver.spanId, processor.spanId],
      );
      assert.deepEqual(attributesOf(receiver), {
        transport: "http",
        format: "protobuf",
        accepted_log_records: "3",
        refused_log_records: "0",
        failed_log_records: "0",
      });
      assert.deepEqual(attributesOf(processor), { processor: "wasm/attributes", data_type: "logs", items: "3" });
      assert.deepEqual(attributesOf(exported), {
        exporter: "otlp_http",
        data_type: "logs",
        "items.sent": "3",
        "items.failed": "0",
      });
      const at = (span: Plain, name: string) => BigInt(String(span[name]));
      for (const [outer, inner] of [
        [receiver, processor],
        [processor, exported],
      ] as const) {
        assert.ok(at(outer, "startTimeUnixNano") <= at(inner, "startTimeUnixNano"));
        assert.ok(at(inner, "endTimeUnixNano") <= at(outer, "endTimeUnixNano"));
      }
    });

  test("a failure is in each span that it went through", async () => {
    const processors = [{ simple: { exporter: { otlp: { protocol: "http/protobuf", endpoint: sink.httpUrl } } } }];
    const spans = (await traced({ processors }, 1, 400)).flatMap((message) => spansOf(message).items);
    assert.equal(spans.length, 3);
    for (const span of spans) {
      const status = span.status as Plain;
      assert.equal(status.code, 2);
      assert.match(String(status.message), /HTTP Status Code 400: no/);
    }
    const receiver = spans.find(({ name }) => name === "receiver/otlp/LogsReceived")!;
    assert.equal(attributesOf(receiver).refused_log_records, "3");
  });

  test("only some, if a sampler says so", async () => {
    const processors = [{ batch: { exporter: { otlp: { protocol: "http/protobuf", endpoint: sink.httpUrl } } } }];
    assert.deepEqual(await traced({ sampler: { always_off: {} }, processors }, 5), []);
    const sampler = { parent_based: { root: { trace_id_ratio_based: { ratio: 0.5 } } } };
    const messages = await traced({ sampler, processors }, 60);
    const traces = new Set(messages.flatMap((message) => spansOf(message).items.map(({ traceId }) => traceId)));
    assert.ok(traces.size > 5 && traces.size < 55, String(traces.size));
  });
});

describe("the own log by OTLP", () => {
  const recordsOf = (message: Plain) => contentOf(message, "resourceLogs", "scopeLogs", "logRecords");

  for (const protocol of ["http/protobuf", "grpc"] as const)
    test(`${protocol}: lines of its level, with what they have, to the last one`, async () => {
      sink.clear();
      const endpoint = protocol === "grpc" ? sink.grpcUrl : sink.httpUrl;
      const lines: string[] = [];
      const logger: Logger = {
        trace: (message) => lines.push(message),
        debug: (message) => lines.push(message),
        info: (message) => lines.push(message),
        warn: (message) => lines.push(message),
        error: (message) => lines.push(message),
        child: () => logger,
      };
      const { collector } = await start({
        telemetry: {
          resource: { "service.name": "mine" },
          metrics: { level: "none" },
          logs: { processors: [{ batch: { exporter: { otlp: { protocol, endpoint } } } }] },
        },
        logger,
      });
      await collector.shutdown();
      const [{ message } = assert.fail(), ...others] = sink.requests.filter(({ signal }) => signal === "logs");
      assert.equal(others.length, 0);
      const { resource, scope, items } = recordsOf(message);
      assert.deepEqual([resource["service.name"], scope], ["mine", "otelwasm"]);
      const record = items.find(({ body }) => (body as Plain).stringValue === "Starting HTTP server")!;
      assert.deepEqual([record.severityNumber, record.severityText], [9, "info"]);
      const attributes = attributesOf(record);
      assert.equal(attributes["otelcol.component.id"], "otlp");
      assert.match(attributes.endpoint!, /^127\.0\.0\.1:\d+$/);
      assert.ok(Math.abs(Number(BigInt(String(record.timeUnixNano)) / 1_000_000n) - Date.now()) < 60_000);
      // Those that the level leaves out go to the log, which has a level of its own.
      assert.ok(lines.some((line) => line.startsWith("Started in ")));
      assert.ok(items.every(({ severityText }) => severityText !== "debug"));
    });
});
