/** Queues and retries of the exporters, against a destination that comes and goes: clients are told what became of their data, and when. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { callGrpc, postHttp } from "./clients.ts";
import { OUTPUTS, type Running, startCollector, throughConfig } from "./collector.ts";
import { everyField } from "./payload.ts";
import { decode, items, requestType } from "./proto.ts";
import { type Answer, accept, gate, startSink } from "./sink.ts";

const logs = everyField("logs", { unknownFields: false });
const SOON = { initial_interval: "10ms", max_interval: "20ms" };
const busy: Answer = { kind: "fail", code: 14, httpStatus: 503, message: "busy" };
const wrong: Answer = { kind: "fail", code: 3, httpStatus: 400, message: "bad data" };

/** Both kinds of clients at once. @returns their gRPC codes */
async function send(collector: Running): Promise<number[]> {
  const [grpc, http] = await Promise.all([callGrpc(collector, "logs", logs), postHttp(collector, "logs", logs)]);
  return [grpc.code, http.status];
}

for (const output of OUTPUTS)
  describe(`${output}: queue and retry`, () => {
    const through = (sink: Awaited<ReturnType<typeof startSink>>, queue: object = {}, retry: object = SOON) =>
      startCollector(
        throughConfig(
          output,
          sink,
          {},
          { signals: ["logs"], exporter: { retry_on_failure: retry, sending_queue: queue } },
        ),
      );

    test("what a destination refuses for now is sent again, byte for byte, and then the clients are told", async () => {
      await using sink = await startSink();
      await using collector = await through(sink);
      let answers = 0;
      sink.respond = () => (++answers <= 4 ? busy : accept);
      assert.deepEqual(await send(collector), [0, 200]);
      assert.equal(sink.requests.length, 6);
      for (const { raw } of sink.requests) assert.deepEqual(raw, sink.requests[0]!.raw);
    });

    test("what it refuses for good is told at once", async () => {
      await using sink = await startSink();
      await using collector = await through(sink);
      sink.respond = () => wrong;
      assert.deepEqual(await send(collector), [3, 400]);
      assert.equal(sink.requests.length, 2);
    });

    test("a destination that is down, and comes back", async () => {
      const gone = await startSink();
      await using collector = await through(gone);
      // Not before the collector listens: it could be given the port.
      await gone.close();
      const clients = send(collector);
      await using sink = await startSink(gone);
      assert.deepEqual(await clients, [0, 200]);
      assert.equal(sink.requests.length, 2);
    });

    test("a queue that is full refuses for now", async () => {
      await using sink = await startSink();
      await using collector = await through(sink, { queue_size: 1 });
      const held = gate();
      sink.respond = () => held.answer;
      const first = callGrpc(collector, "logs", logs);
      await sink.waitForRequests(1);
      const second = await callGrpc(collector, "logs", logs);
      assert.deepEqual([second.code, second.message], [14, "sending queue is full"]);
      assert.equal((await postHttp(collector, "logs", logs)).status, 503);
      held.open();
      assert.equal((await first).code, 0);
    });

    test("a shutdown does not wait for better times: who waits is told, for now", async () => {
      await using sink = await startSink();
      await using collector = await through(
        sink,
        {},
        { initial_interval: "1h", max_interval: "1h", max_elapsed_time: 0 },
      );
      sink.respond = () => busy;
      const clients = send(collector);
      await sink.waitForRequests(2);
      await collector.shutdown();
      assert.deepEqual(await clients, [14, 503]);
      assert.ok(sink.requests.length <= 4, "at most one more attempt each");
    });

    test("wait_for_result: false: the clients go, and a shutdown delivers what they left", async () => {
      await using sink = await startSink();
      await using collector = await through(sink, { wait_for_result: false, num_consumers: 1 });
      const held = gate();
      sink.respond = () => held.answer;
      for (let i = 0; i < 3; i++) assert.deepEqual(await send(collector), [0, 200]);
      const end = collector.shutdown();
      held.open();
      await end;
      assert.equal(sink.requests.length, 6);
    });

    test("batch: what comes within its time goes in one request; what is refused for good then is sent piece by piece", async () => {
      await using sink = await startSink();
      const each = items("logs", decode(requestType.logs, logs)).length;
      await using collector = await through(sink, { batch: { flush_timeout: "1h", min_size: 2 * each } });
      const sizes = (): number[] => sink.requests.map((request) => request.items);
      assert.deepEqual(await send(collector), [0, 200]);
      assert.deepEqual(sizes(), [2 * each]);
      sink.respond = () => wrong;
      assert.deepEqual(await send(collector), [3, 400]);
      assert.deepEqual(sizes(), [2 * each, 2 * each, each, each]);
    });
  });
