/** The clients against the sink, with nothing between them: what the other tests judge by must itself be right. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { callGrpc, gzipped, PROTOCOLS, postHttp, sendWithSdk } from "./clients.ts";
import { everyField } from "./payload.ts";
import { decode, decodeStatus, items, parseStatusJson, requestType, responseType, SIGNALS } from "./proto.ts";
import { gate, type Sink, startSink } from "./sink.ts";
import { makeTelemetry, type Telemetry } from "./telemetry.ts";
import { countUnknown, wireTree, withoutAttribute } from "./wire.ts";

const ITEMS = { traces: 3, metrics: 9, logs: 4 } as const;

describe("test kit", () => {
  let sink: Sink;
  let telemetry: Telemetry;
  before(async () => {
    sink = await startSink();
    telemetry = await makeTelemetry();
  });
  after(() => sink.close());

  for (const signal of SIGNALS) {
    test(`${signal}: one message whatever the protocol`, async () => {
      sink.clear();
      for (const protocol of PROTOCOLS) {
        await sendWithSdk(telemetry, signal, sink, { protocol });
        await sendWithSdk(telemetry, signal, sink, { protocol, gzip: true });
      }
      const requests = await sink.waitForItems(6 * ITEMS[signal], signal);
      assert.equal(requests.length, 6);
      assert.deepEqual(
        requests.map((r) => [r.protocol, r.encoding, r.compression]),
        [
          ["grpc", "protobuf", undefined],
          ["grpc", "protobuf", undefined],
          ["http", "protobuf", "identity"],
          ["http", "protobuf", "gzip"],
          ["http", "json", "identity"],
          ["http", "json", "gzip"],
        ],
      );
      for (const request of requests) assert.deepEqual(request.message, requests[0]!.message);
    });

    test(`${signal}: a payload with every field and unknown ones at every depth`, async () => {
      sink.clear();
      const bytes = everyField(signal, { unknownFields: true });
      const known = everyField(signal, { unknownFields: false });
      const tree = wireTree(requestType[signal], bytes);
      assert.ok(countUnknown(requestType[signal], tree) > 100);
      assert.equal(countUnknown(requestType[signal], wireTree(requestType[signal], known)), 0);
      assert.ok(items(signal, decode(requestType[signal], bytes)).length > 0);
      assert.deepEqual(withoutAttribute(requestType[signal], tree, "no such key"), tree);

      assert.equal((await callGrpc(sink, signal, bytes, { gzip: true })).code, 0);
      assert.equal((await postHttp(sink, signal, bytes)).status, 200);
      assert.equal((await postHttp(sink, signal, gzipped(bytes), { contentEncoding: "gzip" })).status, 200);
      assert.equal((await postHttp(sink, signal, zstdCompressSync(bytes), { contentEncoding: "zstd" })).status, 200);
      for (const request of sink.requests) assert.deepEqual(Buffer.from(request.raw), Buffer.from(bytes));
      assert.equal(sink.requests.length, 4);
    });
  }

  test("every kind of metric is in the SDK's telemetry", async () => {
    sink.clear();
    await sendWithSdk(telemetry, "metrics", sink, { protocol: "http/protobuf" });
    const kinds = JSON.stringify(sink.requests[0]!.message).match(/"(gauge|sum|histogram|exponentialHistogram)":/g);
    assert.deepEqual(new Set(kinds), new Set(['"gauge":', '"sum":', '"histogram":', '"exponentialHistogram":']));
  });

  test("failures, partial success and answers that are held back", async () => {
    sink.clear();
    const bytes = everyField("logs", { unknownFields: false });
    sink.respond = () => ({ kind: "fail", code: 14, httpStatus: 503, message: "later", retryAfterMs: 2500 });
    const grpcFailure = await callGrpc(sink, "logs", bytes);
    assert.deepEqual(grpcFailure, {
      code: 14,
      message: "later",
      details: { code: 14, message: "later", retryDelayMs: 2500 },
    });
    const httpFailure = await postHttp(sink, "logs", bytes);
    assert.equal(httpFailure.status, 503);
    assert.equal(httpFailure.headers["retry-after"], "3");
    assert.deepEqual(decodeStatus(httpFailure.body), { code: 14, message: "later" });
    const jsonFailure = await postHttp(sink, "logs", "{}", { contentType: "application/json" });
    assert.deepEqual(parseStatusJson(jsonFailure.body.toString()), { code: 14, message: "later" });

    sink.respond = () => ({ kind: "partial", rejected: 2, message: "two were bad" });
    const partial = await callGrpc(sink, "logs", bytes);
    const plain = { partialSuccess: { rejectedLogRecords: "2", errorMessage: "two were bad" } };
    assert.deepEqual(decode(responseType.logs, partial.response!), plain);

    sink.clear();
    const held = gate();
    sink.respond = () => held.answer;
    let answered = false;
    const call = postHttp(sink, "logs", bytes).then((answer) => {
      answered = true;
      return answer;
    });
    await sink.waitForRequests(1);
    assert.equal(answered, false);
    held.open();
    assert.equal((await call).status, 200);
  });

  test("an SDK's exporter tells of a refusal", async () => {
    sink.clear();
    sink.respond = () => ({ kind: "fail", code: 3, httpStatus: 400, message: "no" });
    await assert.rejects(sendWithSdk(telemetry, "traces", sink, { protocol: "grpc" }), { code: 3 });
    await assert.rejects(sendWithSdk(telemetry, "traces", sink, { protocol: "http/json" }), { code: 400 });
  });
});
