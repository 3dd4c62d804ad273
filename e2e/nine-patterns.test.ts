/**
 * Receivers, processors and exporters for each signal, in AssemblyScript, over the whole collector. `shop` is one module that is
 * a receiver and a processor of all three signals; `print` an exporter of all three.
 */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { callGrpc, postHttp, sendWithSdk } from "./clients.ts";
import { anyPort, exporter, SINGLE_ATTEMPT, startCollector } from "./collector.ts";
import { buildGuest } from "./guests.ts";
import { LogLines } from "./log-lines.ts";
import { everyField } from "./payload.ts";
import { decodeStatus, items, type Plain, SIGNALS, type Signal } from "./proto.ts";
import { gate, type Sink, startSink } from "./sink.ts";
import { makeTelemetry, type Telemetry } from "./telemetry.ts";

let sink: Sink;
let telemetry: Telemetry;
let shop: string;
let print: string;
before(async () => {
  [sink, telemetry, shop, print] = await Promise.all([
    startSink(),
    makeTelemetry(),
    buildGuest("shop"),
    buildGuest("print"),
  ]);
});
beforeEach(() => sink.clear());
after(() => sink.close());

type Section = Record<string, unknown>;

/** One pipeline for each signal, of all the components that are given. */
function config(
  receivers: Section,
  processors: Section,
  exporters: Section,
  signals: readonly Signal[] = SIGNALS,
): object {
  const pipeline = {
    receivers: Object.keys(receivers),
    processors: Object.keys(processors),
    exporters: Object.keys(exporters),
  };
  return {
    receivers,
    processors,
    exporters,
    service: { pipelines: Object.fromEntries(signals.map((signal) => [signal, pipeline])) },
  };
}

const source = (batches: number): Section => ({ "wasm/source": { path: shop, plugin_config: { batches } } });
const mark = (): Section => ({ "wasm/mark": { path: shop, plugin_config: { mark: "yes" } } });
const printer = (fail = "", more: Section = {}): Section => ({
  "wasm/print": { path: print, plugin_config: { fail }, ...more },
});
const toSink = (): Section => ({ otlp_http: exporter("otlp_http", sink) });

const marked = { key: "marked", value: { stringValue: "yes" } };

/** The batch that the source makes, as it is behind the processor. */
function made(signal: Signal, n: number, withMark: boolean): Plain {
  const attributes = withMark ? { attributes: [marked] } : {};
  const service = { key: "service.name", value: { stringValue: "shop" } };
  switch (signal) {
    case "traces": {
      const span = { name: `item ${n}`, kind: 2, ...attributes };
      return { resourceSpans: [{ resource: { attributes: [service] }, scopeSpans: [{ spans: [span] }] }] };
    }
    case "metrics": {
      const metric = { name: `item ${n}`, gauge: { dataPoints: [{ asInt: String(n) }] } };
      const resource = { attributes: [service, ...(withMark ? [marked] : [])] };
      return { resourceMetrics: [{ resource, scopeMetrics: [{ metrics: [metric] }] }] };
    }
    case "logs": {
      const record = { severityNumber: 9, body: { stringValue: `item ${n}` }, ...attributes };
      return { resourceLogs: [{ resource: { attributes: [service] }, scopeLogs: [{ logRecords: [record] }] }] };
    }
  }
}

/** What the exporter prints of a message. */
function printedNames(signal: Signal, message: Plain): string[] {
  const list = (parent: Plain, name: string): Plain[] => (parent[name] ?? []) as Plain[];
  if (signal === "traces") return items(signal, message).map((span) => String(span.name ?? ""));
  if (signal === "logs")
    return items(signal, message).map((record) => String((record.body as Plain | undefined)?.stringValue ?? ""));
  return list(message, "resourceMetrics").flatMap((resource) =>
    list(resource, "scopeMetrics").flatMap((scope) =>
      list(scope, "metrics").map((metric) => String(metric.name ?? "")),
    ),
  );
}

for (const signal of SIGNALS) {
  describe(signal, () => {
    test("8.2 receiver: what the guest emits comes to the sink, in order and whole", async () => {
      const log = new LogLines();
      const collector = await startCollector(config(source(3), {}, toSink(), [signal]), { logger: log });
      try {
        await sink.waitForItems(3, signal);
      } finally {
        await collector.shutdown();
      }
      assert.deepEqual(
        sink.requests.map(({ message }) => message),
        [0, 1, 2].map((n) => made(signal, n, false)),
      );
      const guestLines = log
        .matching(/source started|the loop has ended|source shut down/)
        .map((line) => line.slice(6, 14));
      assert.deepEqual(guestLines, ["source s", "the loop", "source s"]);
    });

    test("8.2 processor: what the SDK's client sends comes to the sink with its mark", async () => {
      await using direct = await startSink();
      await using collector = await startCollector(config({ otlp: anyPort }, mark(), toSink(), [signal]));
      await sendWithSdk(telemetry, signal, direct, { protocol: "http/protobuf" });
      await sendWithSdk(telemetry, signal, collector, { protocol: "http/protobuf" });
      const expected = structuredClone(direct.requests[0]!.message);
      if (signal === "metrics")
        for (const { resource } of expected.resourceMetrics as Plain[])
          ((resource as Plain).attributes as Plain[]).push(marked);
      else
        for (const item of items(signal, expected)) item.attributes = [...((item.attributes ?? []) as Plain[]), marked];
      assert.deepEqual(
        sink.requests.map(({ message }) => message),
        [expected],
      );
    });

    test("8.2 exporter: what the SDK's client sends is printed, and acknowledged when it is", async () => {
      const log = new LogLines();
      await using direct = await startSink();
      await using collector = await startCollector(config({ otlp: anyPort }, {}, printer(), [signal]), { logger: log });
      await sendWithSdk(telemetry, signal, direct, { protocol: "grpc" });
      await sendWithSdk(telemetry, signal, collector, { protocol: "grpc" });
      const names = printedNames(signal, direct.requests[0]!.message);
      assert.ok(names.length > 1);
      const lines = await log.waitFor(/^info: printed /, names.length);
      assert.deepEqual(
        lines.map((line) => line.replace(/^info: printed (.*) \{[^{]*$/s, "$1")),
        names,
      );
      assert.match(lines[0]!, /"wasm\/print"/);
      assert.match(lines[0]!, new RegExp(`"${signal}"`));
    });

    test("all three kinds in one pipeline: the exporter prints what the sink gets", async () => {
      const log = new LogLines();
      await using _ = await startCollector(config(source(2), mark(), { ...toSink(), ...printer() }, [signal]), {
        logger: log,
      });
      await sink.waitForItems(2, signal);
      assert.deepEqual(
        sink.requests.map(({ message }) => message),
        [0, 1].map((n) => made(signal, n, true)),
      );
      const lines = await log.waitFor(/^info: printed item/, 2);
      assert.deepEqual(
        lines.map((line) => line.slice(14, 20)),
        ["item 0", "item 1"],
      );
    });

    test("exporter that fails: the client is told by the right code", async () => {
      const body = everyField(signal, { unknownFields: false });
      for (const { fail, code, httpStatus, message } of [
        { fail: "error", code: 14, httpStatus: 503, message: /the printer is out of paper/ },
        { fail: "invalid", code: 3, httpStatus: 400, message: /that cannot be printed/ },
        { fail: "trap", code: 14, httpStatus: 503, message: /unreachable/ },
      ]) {
        await using collector = await startCollector(
          config({ otlp: anyPort }, {}, printer(fail, SINGLE_ATTEMPT), [signal]),
        );
        const overGrpc = await callGrpc(collector, signal, body);
        assert.equal(overGrpc.code, code, overGrpc.message);
        assert.match(overGrpc.message, message);
        const overHttp = await postHttp(collector, signal, body);
        assert.equal(overHttp.status, httpStatus);
        assert.equal(decodeStatus(overHttp.body).code, code);
      }
    });
  });
}

test("one module serves six components and three signals at once", async () => {
  const log = new LogLines();
  await using collector = await startCollector(config({ otlp: anyPort, ...source(1) }, mark(), toSink()), {
    logger: log,
  });
  for (const signal of SIGNALS) await sink.waitForItems(1, signal);
  for (const signal of SIGNALS)
    assert.deepEqual(
      sink.requests.filter((request) => request.signal === signal).map(({ message }) => message),
      [made(signal, 0, true)],
    );
  sink.clear();
  for (const signal of SIGNALS) await sendWithSdk(telemetry, signal, collector, { protocol: "grpc" });
  assert.deepEqual(
    sink.requests.map(({ signal }) => signal),
    [...SIGNALS],
  );
  assert.equal(log.matching(/source started/).length, 6, "an instance of its own for each component and signal");
});

describe("a receiver and its pipeline", () => {
  test("back-pressure: while the sink holds a batch the guest makes no other", async () => {
    const held = gate();
    sink.respond = () => held.answer;
    await using _ = await startCollector(config(source(5), {}, toSink(), ["logs"]));
    await sink.waitForRequests(1);
    // A whole other collector comes and goes meanwhile: had the guest gone on, the sink would have heard of it.
    await using other = await startSink();
    await using pace = await startCollector(
      config(source(5), {}, { otlp_http: exporter("otlp_http", other) }, ["logs"]),
    );
    await other.waitForItems(5, "logs");
    await pace.shutdown();
    assert.equal(sink.requests.length, 1);
    held.open();
    sink.respond = () => ({ kind: "accept" });
    await sink.waitForItems(5, "logs");
  });

  test("a retryable refusal is tried again until it is taken; nothing is lost or twice", async () => {
    let refusals = 2;
    sink.respond = () =>
      refusals-- > 0 ? { kind: "fail", code: 14, httpStatus: 503, message: "busy" } : { kind: "accept" };
    await using _ = await startCollector(config(source(2), {}, toSink(), ["logs"]));
    await sink.waitForRequests(4);
    assert.deepEqual(
      sink.requests.map(({ message }) => message),
      [0, 0, 0, 1].map((n) => made("logs", n, false)),
    );
  });

  test("a permanent refusal is counted and logged with its reason, and the next batch goes on", async () => {
    sink.respond = () =>
      sink.requests.length === 1
        ? { kind: "fail", code: 3, httpStatus: 400, message: "not these" }
        : { kind: "accept" };
    const log = new LogLines();
    const collector = await startCollector(config(source(3), {}, toSink(), ["logs"]), { logger: log });
    await sink.waitForRequests(3);
    await collector.shutdown();
    assert.equal(sink.requests.length, 3, "tried once");
    assert.match(log.matching(/refused/)[0]!, /not these/);
    assert.match(log.matching(/^warn: Batches that the plugin could not deal with/).join(), /wasm\/source.*refused=1/);
  });

  test("shutdown waits for the batch in flight, and the guest hears of it", async () => {
    const held = gate();
    sink.respond = () => held.answer;
    const log = new LogLines();
    const collector = await startCollector(config(source(5), {}, toSink(), ["logs"]), { logger: log });
    await sink.waitForRequests(1);
    let down = false;
    const stopped = collector.shutdown().then(() => {
      down = true;
    });
    await using other = await startSink();
    await other.close();
    assert.equal(down, false);
    held.open();
    await stopped;
    assert.equal(sink.requests.length, 1, "the guest looked at the flag after it");
    assert.equal(log.matching(/source shut down/).length, 1);
    assert.equal(log.matching(/could not deal with/).length, 0);
  });
});
