/** `batch` between real clients and a real destination. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { type ComponentFactory, defineProcessor, validateConfig } from "otelwasm";
import { schema } from "../packages/otelwasm/src/components/nop/config.ts";
import { callGrpc, postHttp } from "./clients.ts";
import { anyPort, exporter, startCollector, throughConfig } from "./collector.ts";
import { decode, decodeStatus, encode, type Plain, requestType } from "./proto.ts";
import { gate, type Sink, startSink } from "./sink.ts";

let sink: Sink;
before(async () => {
  sink = await startSink();
});
beforeEach(() => sink.clear());
after(() => sink.close());

/** So many records of a service, each says which it is. */
function records(service: string, from: number, count: number): Uint8Array {
  const logRecords = Array.from({ length: count }, (_, i) => ({ body: { stringValue: `record ${from + i}` } }));
  const resource = { attributes: [{ key: "service.name", value: { stringValue: service } }] };
  return encode(requestType.logs, { resourceLogs: [{ resource, scopeLogs: [{ scope: { name: "s" }, logRecords }] }] });
}

/** `service: record 1`, ... of all requests in their order. */
function received(): string[][] {
  return sink.requests.map(({ raw }) => {
    const { resourceLogs } = decode(requestType.logs, raw) as { resourceLogs: Plain[] };
    return resourceLogs.flatMap((resource) => {
      const text = JSON.stringify(resource);
      const service = /"service\.name".*?"stringValue":"(\w+)"/.exec(text)?.[1];
      return [...text.matchAll(/record \d+/g)].map(([record]) => `${service}: ${record}`);
    });
  });
}

/** A processor that tells when so many batches have come to it, and hands them on. */
class Probe {
  readonly factory: ComponentFactory;
  readonly reached: Promise<void>;

  constructor(wanted: number) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.reached = promise;
    let count = 0;
    this.factory = defineProcessor({
      kind: "processor",
      type: "probe",
      signals: ["logs"],
      description: "Counts",
      schema,
      create: (_settings, _config, next) => ({
        capabilities: { mutatesData: false },
        start: async () => {},
        shutdown: async () => {},
        consume(batch) {
          const answer = next.consume(batch);
          if (++count === wanted) resolve();
          return answer;
        },
      }),
    });
  }
}

const withBatch = (config: object, output: "otlp_grpc" | "otlp_http" = "otlp_http"): object =>
  throughConfig(output, sink, { batch: config }, { signals: ["logs"] });

describe("batch", () => {
  test("merges what several clients send; each is answered when it is delivered", async () => {
    await using collector = await startCollector(withBatch({ send_batch_size: 6, timeout: "60s" }));
    const held = gate();
    sink.respond = () => held.answer;
    // The first goes alone, as nobody else is there; the others come while it is on its way.
    const first = postHttp(collector, "logs", records("a", 0, 1));
    await sink.waitForRequests(1);
    let answered = 0;
    const others = ["b", "c", "d"].map(async (service, index) => {
      const bytes = records(service, 10 * index, 2);
      const answer =
        index === 1
          ? (await callGrpc(collector, "logs", bytes)).code
          : (await postHttp(collector, "logs", bytes)).status;
      answered++;
      return answer;
    });
    await sink.waitForRequests(2);
    assert.equal(answered, 0);
    held.open();
    assert.equal((await first).status, 200);
    assert.deepEqual(await Promise.all(others), [200, 0, 200]);
    const [alone, merged] = received();
    assert.deepEqual(alone, ["a: record 0"]);
    assert.deepEqual(merged?.toSorted(), [
      "b: record 0",
      "b: record 1",
      "c: record 10",
      "c: record 11",
      "d: record 20",
      "d: record 21",
    ]);
  });

  test("splits what is too large, and tells each client what became of its own", async () => {
    const config = withBatch({ send_batch_size: 4, send_batch_max_size: 4, timeout: "60s" }, "otlp_grpc");
    await using collector = await startCollector(config);
    sink.respond = ({ raw }) =>
      Buffer.from(raw).includes("record 9")
        ? { kind: "fail", code: 3, httpStatus: 400, message: "not record 9" }
        : { kind: "accept" };
    const refused = await postHttp(collector, "logs", records("a", 0, 11));
    assert.equal(refused.status, 400);
    assert.match(decodeStatus(refused.body).message, /not record 9/);
    const sent = Array.from({ length: 11 }, (_, i) => `a: record ${i}`);
    assert.deepEqual(
      received().toSorted((a, b) => b.length - a.length || (a[0]! < b[0]! ? -1 : 1)),
      [sent.slice(0, 4), sent.slice(4, 8), sent.slice(8)],
    );
    assert.equal((await callGrpc(collector, "logs", records("a", 20, 9))).code, 0);
  });

  test("a shutdown delivers what waits, and answers", async () => {
    const probe = new Probe(4);
    const collector = await startCollector(
      throughConfig("otlp_http", sink, { probe: {}, batch: { timeout: "60s" } }, { signals: ["logs"] }),
      { factories: [probe.factory] },
    );
    const held = gate();
    sink.respond = () => held.answer;
    const answers = [0, 1, 2, 3].map((n) => postHttp(collector, "logs", records("a", n, 1)));
    await probe.reached;
    const stopped = collector.shutdown();
    await sink.waitForItems(4, "logs");
    held.open();
    assert.deepEqual(
      (await Promise.all(answers)).map(({ status }) => status),
      [200, 200, 200, 200],
    );
    await stopped;
    assert.deepEqual(
      received().flat().toSorted(),
      [0, 1, 2, 3].map((n) => `a: record ${n}`),
    );
  });

  test("its metrics are on the page", async () => {
    const config = withBatch({ timeout: "0s", send_batch_max_size: 8192 });
    const readers = [{ pull: { exporter: { prometheus: { host: "127.0.0.1", port: 0, without_scope_info: true } } } }];
    await using collector = await startCollector({
      ...config,
      service: { ...(config as { service: object }).service, telemetry: { metrics: { readers } } },
    });
    assert.equal((await postHttp(collector, "logs", records("a", 0, 30))).status, 200);
    const page = await (await fetch(collector.url("prometheus"))).text();
    for (const line of [
      'otelcol_processor_batch_batch_size_trigger_send_total{processor="batch"} 1',
      'otelcol_processor_batch_timeout_trigger_send_total{processor="batch"} 0',
      'otelcol_processor_batch_metadata_cardinality{processor="batch"} 1',
      'otelcol_processor_batch_batch_send_size_bucket{processor="batch",le="50"} 1',
      'otelcol_processor_batch_batch_send_size_sum{processor="batch"} 30',
    ])
      assert.ok(page.includes(line), `${line} is not in\n${page}`);
  });

  test("the examples of the Collector's documentation", async () => {
    const config = (processors: object): object => ({
      receivers: { otlp: anyPort },
      processors,
      exporters: { otlp_http: exporter("otlp_http", sink) },
      service: {
        pipelines: { traces: { receivers: ["otlp"], processors: Object.keys(processors), exporters: ["otlp_http"] } },
      },
    });
    for (const processors of [
      { batch: null, "batch/2": { send_batch_size: 10000, timeout: "10s" } },
      { batch: { send_batch_max_size: 10000, timeout: "0s" } },
    ])
      assert.deepEqual(await validateConfig(config(processors)), []);
    assert.deepEqual(
      await validateConfig(config({ batch: { metadata_keys: ["tenant_id"], metadata_cardinality_limit: 10 } })),
      [
        "processors::batch::metadata_keys: batches by the sender's metadata are not supported in this version; remove it",
      ],
    );
  });
});
