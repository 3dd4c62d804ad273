/** What the exporters can be told, and many requests at once. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { callGrpc, PROTOCOLS, postHttp, sendWithSdk } from "./clients.ts";
import { anyPort, exporter, startCollector, throughConfig } from "./collector.ts";
import { compileGuest } from "./guests.ts";
import { everyField } from "./payload.ts";
import { decode, encode, items, type Plain, requestType, SIGNALS } from "./proto.ts";
import { gate, type Sink, startSink } from "./sink.ts";
import { makeTelemetry } from "./telemetry.ts";

let sink: Sink;
before(async () => {
  sink = await startSink();
});
beforeEach(() => sink.clear());
after(() => sink.close());

describe("otlp_http's encodings and compressions", () => {
  for (const encoding of ["proto", "json"] as const) {
    for (const compression of ["none", "gzip", "zstd", "deflate"] as const) {
      test(`${encoding}, ${compression}`, async () => {
        const config = throughConfig("otlp_http", sink, {}, { exporter: { encoding, compression } });
        await using collector = await startCollector(config);
        for (const signal of SIGNALS) {
          sink.clear();
          const bytes = everyField(signal, { unknownFields: false });
          assert.equal((await postHttp(collector, signal, bytes)).status, 200);
          const [received] = sink.requests;
          assert.ok(received !== undefined);
          assert.equal(received.encoding, encoding === "json" ? "json" : "protobuf");
          assert.equal(received.compression, compression === "none" ? "identity" : compression);
          assert.deepEqual(received.message, decode(requestType[signal], bytes));
        }
      });
    }
  }

  test("JSON all the way is what the SDK sent", async () => {
    await using direct = await startSink();
    await using collector = await startCollector(
      throughConfig("otlp_http", sink, {}, { exporter: { encoding: "json" } }),
    );
    const telemetry = await makeTelemetry();
    for (const signal of SIGNALS) {
      await sendWithSdk(telemetry, signal, direct, { protocol: "http/json" });
      await sendWithSdk(telemetry, signal, collector, { protocol: "http/json" });
    }
    assert.deepEqual(
      sink.requests.map(({ message }) => message),
      direct.requests.map(({ message }) => message),
    );
  });

  test("headers of the configuration reach the destination", async () => {
    for (const output of ["otlp_grpc", "otlp_http"] as const) {
      sink.clear();
      const config = throughConfig(output, sink, {}, { exporter: { headers: { "x-tenant": "blue" } } });
      await using collector = await startCollector(config);
      assert.equal((await callGrpc(collector, "logs", everyField("logs", { unknownFields: false }))).code, 0);
      assert.equal(sink.requests[0]?.headers["x-tenant"], "blue");
    }
  });
});

/** One record, which says which it is. */
function numbered(n: number): Uint8Array {
  const body = { stringValue: `record ${n}` };
  return encode(requestType.logs, { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body }] }] }] });
}

function bodies(requests: readonly { readonly message: Plain }[]): string[] {
  return requests
    .flatMap(({ message }) => items("logs", message))
    .map(({ body }) => String((body as Plain).stringValue))
    .sort();
}

for (const output of ["otlp_grpc", "otlp_http"] as const) {
  test(`300 requests at once over both protocols through a plugin to ${output}: each arrives once, each is answered`, async () => {
    await using collector = await startCollector(
      throughConfig(output, sink, { wasm: { path: await compileGuest("lifecycle") } }),
    );
    const numbers = Array.from({ length: 300 }, (_, n) => n);
    const answers = await Promise.all(
      numbers.map(async (n) =>
        n % 2 === 0
          ? (await callGrpc(collector, "logs", numbered(n))).code === 0
          : (await postHttp(collector, "logs", numbered(n))).status === 200,
      ),
    );
    assert.ok(answers.every(Boolean));
    assert.deepEqual(bodies(sink.requests), numbers.map((n) => `record ${n}`).sort());
  });

  test(`every second of 100 requests refused by the destination of ${output}: exactly those clients hear of it`, async () => {
    await using collector = await startCollector(throughConfig(output, sink));
    sink.respond = ({ message }) =>
      Number(bodies([{ message }])[0]?.split(" ")[1]) % 2 === 1
        ? { kind: "fail", code: 3, httpStatus: 400, message: "odd" }
        : { kind: "accept" };
    const codes = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => (await callGrpc(collector, "logs", numbered(n))).code),
    );
    assert.deepEqual(
      codes,
      codes.map((_, n) => (n % 2 === 1 ? 3 : 0)),
    );
  });
}

test("two receivers feed one pipeline", async () => {
  await using collector = await startCollector({
    receivers: {
      otlp: { protocols: { grpc: anyPort.protocols.grpc } },
      "otlp/second": { protocols: { http: anyPort.protocols.http } },
    },
    exporters: { otlp_grpc: exporter("otlp_grpc", sink) },
    service: { pipelines: { logs: { receivers: ["otlp", "otlp/second"], exporters: ["otlp_grpc"] } } },
  });
  assert.equal((await callGrpc(collector, "logs", numbered(1))).code, 0);
  assert.equal((await postHttp(collector, "logs", numbered(2))).status, 200);
  assert.deepEqual(bodies(sink.requests), ["record 1", "record 2"]);
});

test("a signal that no pipeline takes is refused, not swallowed", async () => {
  await using collector = await startCollector(throughConfig("otlp_http", sink, {}, { signals: ["logs"] }));
  const traces = everyField("traces", { unknownFields: false });
  assert.equal((await callGrpc(collector, "traces", traces)).code, 12);
  assert.equal((await postHttp(collector, "traces", traces)).status, 404);
  assert.equal((await postHttp(collector, "logs", numbered(1))).status, 200);
});

test("shutdown of the library's collector answers what is in flight, then refuses connections", async () => {
  const collector = await startCollector(throughConfig("otlp_http", sink));
  const held = gate();
  sink.respond = () => held.answer;
  const telemetry = await makeTelemetry();
  const inFlight = PROTOCOLS.map((protocol) => sendWithSdk(telemetry, "logs", collector, { protocol }));
  await sink.waitForRequests(PROTOCOLS.length);
  const down = collector.shutdown();
  held.open();
  await Promise.all(inFlight);
  await down;
  await assert.rejects(postHttp(collector, "logs", numbered(1)), { code: "ECONNREFUSED" });
  assert.equal((await callGrpc(collector, "logs", numbered(1))).code, 14);
});
