import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { needs } from "../conformance/needs.ts";
import { postHttp, sendWithSdk } from "./clients.ts";
import { startCollector } from "./collector.ts";
import { Deliveries, template } from "./deliveries.ts";
import { LogLines } from "./log-lines.ts";
import { decode, items, type Plain, requestType, SIGNALS, type Signal } from "./proto.ts";
import { accept, startSink } from "./sink.ts";
import { makeTelemetry } from "./telemetry.ts";
import { addressesIn, toolchainConfig, toolchains } from "./toolchains.ts";

describe("a collector of plugins in Go and Rust", needs("go", "rust"), () => {
  test("takes what the SDK's exporters send, changes it, and hands it on: all signals", async () => {
    await using sink = await startSink();
    const logger = new LogLines();
    await using _collector = await startCollector(await toolchainConfig(sink), { logger });
    const addresses = addressesIn(await logger.waitFor(/listening for/, SIGNALS.length));
    const telemetry = await makeTelemetry();
    for (const signal of SIGNALS) {
      const httpUrl = `http://${addresses[signal]}`;
      await sendWithSdk(telemetry, signal, { grpcUrl: httpUrl, httpUrl }, { protocol: "http/protobuf" });
      const arrived = sink.requests.at(-1)!;
      assert.equal(arrived.signal, signal);
      const all = items(signal, arrived.message);
      assert.ok(all.length > 0);
      for (const { attributes } of all)
        assert.deepEqual((attributes as Plain[]).at(-1), { key: "guest.mark", value: { stringValue: "seen" } });
    }
    assert.equal(sink.requests.length, SIGNALS.length);
  });

  test("what the destination refuses for now is tried again before the client is answered; what it refuses for good is counted", async () => {
    await using sink = await startSink();
    const logger = new LogLines();
    const collector = await startCollector(await toolchainConfig(sink), { logger });
    const addresses = addressesIn(await logger.waitFor(/listening for/, SIGNALS.length));
    const post = (signal: Signal, id: number) =>
      postHttp({ httpUrl: `http://${addresses[signal]}` }, signal, template(signal)(id));
    const failure = (httpStatus: number) => ({ kind: "fail", code: 14, httpStatus, message: "no" }) as const;
    sink.respond = () => (sink.requests.length < 3 ? failure(503) : accept);
    assert.equal((await post("logs", 1)).status, 200);
    assert.equal(sink.requests.length, 3);
    const [first, , last] = sink.requests;
    assert.equal(Buffer.compare(first!.raw, last!.raw), 0, "the same bytes");
    sink.respond = () => failure(400);
    await post("logs", 2);
    await collector.shutdown();
    assert.match(logger.matching(/Batches that the plugin could not deal with/).join("\n"), /refused=1/);
  });

  // Minutes, and figures, by `e2e/toolchains.ts`.
  test("under load for a time, and stopped in the midst of it: nothing that was acknowledged is lost, memory is flat, the ports are free", async () => {
    const result = await toolchains({ seconds: 20 });
    assert.deepEqual(result.problems, [], JSON.stringify(result));
    assert.ok(result.acknowledged > 0 && result.refused > 0, JSON.stringify(result));
  });
});

test("the books notice what is lost, doubled, torn, unanswered, or refused before the stop", () => {
  const problemsAfter = (stopped: boolean, change: (books: Deliveries, receive: (id: number) => void) => void) => {
    const books = new Deliveries();
    const ids = SIGNALS.map((signal) => books.sent(signal));
    const marked = (id: number): Plain => {
      const signal = SIGNALS[id]!;
      const message = decode(requestType[signal], template(signal)(id));
      for (const item of items(signal, message))
        item.attributes = [{ key: "guest.mark", value: { stringValue: "seen" } }];
      return message;
    };
    const receive = (id: number): void => books.received(SIGNALS[id]!, marked(id));
    for (const id of ids.slice(0, 2)) books.acknowledged(id);
    receive(ids[0]!);
    change(books, receive);
    return books.problems({ stopped }).join("; ");
  };
  assert.equal(
    problemsAfter(false, (_, receive) => receive(1)),
    "",
  );
  assert.equal(
    problemsAfter(false, () => undefined),
    "1 acknowledged requests are not at the sink",
  );
  assert.equal(
    problemsAfter(true, (_, receive) => receive(1)),
    "1 requests were never answered",
  );
  assert.equal(
    problemsAfter(false, (books, receive) => {
      receive(1);
      receive(1);
      books.refused(2, "busy");
    }),
    "1 acknowledged requests came more than once; 1 requests were refused before the stop; busy",
  );
  assert.match(
    problemsAfter(false, (books) => books.received("metrics", decode(requestType.metrics, template("metrics")(1)))),
    /1 acknowledged requests are not at the sink; metrics: 1 resources, 0 marked items, id 1/,
  );
});
