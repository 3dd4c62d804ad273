/** Pipelines that lead into others: the examples of the Collector's documentation of `forward`. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { buildAttributesPlugin } from "../examples/attributes/build.ts";
import { callGrpc, postHttp } from "./clients.ts";
import { anyPort, exporter, type Running, startCollector } from "./collector.ts";
import { everyField } from "./payload.ts";
import { decodeStatus, requestType } from "./proto.ts";
import { gate, type Sink, startSink } from "./sink.ts";
import { wireTree, withoutAttribute } from "./wire.ts";

const bytes = everyField("logs", { unknownFields: true });
const sent = wireTree(requestType.logs, bytes);

let plugin: string;
let first: Sink;
let second: Sink;
before(async () => {
  [plugin, first, second] = await Promise.all([buildAttributesPlugin(), startSink(), startSink()]);
});
beforeEach(() => {
  first.clear();
  second.clear();
});
after(() => Promise.all([first?.close(), second?.close()]));

const inserts = (key: string) => ({
  path: plugin,
  plugin_config: { actions: [{ key, value: "yes", action: "insert" }] },
});

describe("distinct streams that are annotated, then merged", () => {
  let collector: Running;
  before(async () => {
    collector = await startCollector({
      receivers: {
        "otlp/blue": { protocols: { grpc: anyPort.protocols.grpc } },
        "otlp/green": { protocols: { http: anyPort.protocols.http } },
      },
      processors: {
        "wasm/blue": inserts("blue"),
        "wasm/green": inserts("green"),
        "wasm/both": inserts("both"),
        batch: {},
      },
      connectors: { forward: {} },
      exporters: { otlp_grpc: exporter("otlp_grpc", first) },
      service: {
        pipelines: {
          logs: { receivers: ["forward"], processors: ["wasm/both", "batch"], exporters: ["otlp_grpc"] },
          "logs/blue": { receivers: ["otlp/blue"], processors: ["wasm/blue"], exporters: ["forward"] },
          "logs/green": { receivers: ["otlp/green"], processors: ["wasm/green"], exporters: ["forward"] },
        },
      },
    });
  });
  after(() => collector?.shutdown());

  test("each goes through its own pipeline, then through the one that they share", async () => {
    assert.equal((await callGrpc(collector, "logs", bytes)).code, 0);
    assert.equal((await postHttp(collector, "logs", bytes)).status, 200);
    assert.equal(first.requests.length, 2);
    for (const [index, key] of ["blue", "green"].entries()) {
      const received = wireTree(requestType.logs, first.requests[index]!.raw);
      const withoutBoth = withoutAttribute(requestType.logs, received, "both");
      assert.notDeepEqual(withoutBoth, received);
      assert.notDeepEqual(withoutBoth, sent);
      assert.deepEqual(withoutAttribute(requestType.logs, withoutBoth, key), sent);
    }
  });

  test("what the destination says is what the client hears", async () => {
    first.respond = () => ({ kind: "fail", code: 14, httpStatus: 503, message: "the sink is busy" });
    const answer = await postHttp(collector, "logs", bytes);
    assert.equal(answer.status, 503);
    assert.match(decodeStatus(answer.body).message, /the sink is busy/);
    first.respond = () => ({ kind: "fail", code: 3, httpStatus: 400, message: "never" });
    assert.equal((await callGrpc(collector, "logs", bytes)).code, 3);
  });
});

test("one stream that several pipelines get; a shutdown waits for what is on its way through all of them", async () => {
  const collector = await startCollector({
    receivers: { otlp: anyPort },
    processors: { "wasm/all": inserts("all"), "wasm/green": inserts("green") },
    connectors: { forward: null, "forward/again": null },
    exporters: { "otlp_http/blue": exporter("otlp_http", first), "otlp_http/green": exporter("otlp_http", second) },
    service: {
      pipelines: {
        logs: { receivers: ["otlp"], processors: ["wasm/all"], exporters: ["forward"] },
        "logs/blue": { receivers: ["forward"], exporters: ["otlp_http/blue"] },
        "logs/green": { receivers: ["forward"], exporters: ["forward/again"] },
        "logs/greener": { receivers: ["forward/again"], processors: ["wasm/green"], exporters: ["otlp_http/green"] },
      },
    },
  });
  const held = gate();
  second.respond = () => held.answer;
  const answer = postHttp(collector, "logs", bytes);
  await Promise.all([first.waitForRequests(1), second.waitForRequests(1)]);
  const stopped = collector.shutdown();
  held.open();
  assert.equal((await answer).status, 200);
  await stopped;
  const [blue, green] = [first, second].map(({ requests }) => wireTree(requestType.logs, requests[0]!.raw));
  assert.deepEqual(withoutAttribute(requestType.logs, blue!, "all"), sent);
  assert.deepEqual(withoutAttribute(requestType.logs, green!, "green"), blue);
});
