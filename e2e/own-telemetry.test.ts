/** What a collector says of itself, as a destination sees it that shares no code with it: by OTLP, over both protocols. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Collector, createCollector, type Logger } from "otelwasm";
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

async function send(url: string, items: number): Promise<void> {
  const answer = await fetch(`${url}/v1/logs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: Array(items).fill({}) }] }] }),
  });
  assert.equal(answer.status, 200);
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
