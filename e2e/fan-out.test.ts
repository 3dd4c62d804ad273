/** Several pipelines and exporters behind one receiver. */
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
const KEY = "only in one pipeline";

describe("one receiver, two pipelines, three exporters", () => {
  let first: Sink;
  let second: Sink;
  let changed: Sink;
  let collector: Running;

  before(async () => {
    [first, second, changed] = await Promise.all([startSink(), startSink(), startSink()]);
    const plugin_config = { actions: [{ key: KEY, value: "yes", action: "insert" }] };
    collector = await startCollector({
      receivers: { otlp: anyPort },
      processors: { wasm: { path: await buildAttributesPlugin(), plugin_config } },
      exporters: {
        "otlp_grpc/first": exporter("otlp_grpc", first),
        "otlp_http/second": exporter("otlp_http", second),
        "otlp_grpc/changed": exporter("otlp_grpc", changed),
      },
      service: {
        pipelines: {
          "logs/untouched": { receivers: ["otlp"], exporters: ["otlp_grpc/first", "otlp_http/second"] },
          "logs/changed": { receivers: ["otlp"], processors: ["wasm"], exporters: ["otlp_grpc/changed"] },
        },
      },
    });
  });
  beforeEach(() => {
    for (const sink of [first, second, changed]) sink.clear();
  });
  after(async () => {
    await collector?.shutdown();
    await Promise.all([first?.close(), second?.close(), changed?.close()]);
  });

  test("each exporter gets the batch once, and only its own pipeline's change", async () => {
    assert.equal((await callGrpc(collector, "logs", bytes)).code, 0);
    for (const sink of [first, second]) {
      assert.deepEqual(
        sink.requests.map(({ raw }) => Buffer.from(raw)),
        [Buffer.from(bytes)],
      );
    }
    assert.equal(changed.requests.length, 1);
    const received = wireTree(requestType.logs, changed.requests[0]!.raw);
    assert.notDeepEqual(received, sent);
    assert.deepEqual(withoutAttribute(requestType.logs, received, KEY), sent);
  });

  test("one exporter's failure is the client's failure, and the others have the batch all the same", async () => {
    second.respond = () => ({ kind: "fail", code: 14, httpStatus: 503, message: "second is busy" });
    const answer = await postHttp(collector, "logs", bytes);
    assert.equal(answer.status, 503);
    assert.match(decodeStatus(answer.body).message, /second is busy/);
    await Promise.all([first.waitForRequests(1), changed.waitForRequests(1)]);
  });

  test("a permanent failure beside a retryable one is permanent", async () => {
    first.respond = () => ({ kind: "fail", code: 3, httpStatus: 400, message: "first says never" });
    second.respond = () => ({ kind: "fail", code: 14, httpStatus: 503, message: "second is busy" });
    const answer = await callGrpc(collector, "logs", bytes);
    assert.equal(answer.code, 3);
    assert.match(answer.message, /first says never/);
    assert.match(answer.message, /second is busy/);
  });

  test("the answer waits for the slowest", async () => {
    const held = gate();
    changed.respond = () => held.answer;
    let answered = false;
    const request = postHttp(collector, "logs", bytes).then((answer) => {
      answered = true;
      return answer;
    });
    await Promise.all([first.waitForRequests(1), second.waitForRequests(1), changed.waitForRequests(1)]);
    assert.equal(answered, false);
    held.open();
    assert.equal((await request).status, 200);
  });
});
