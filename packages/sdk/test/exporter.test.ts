import assert from "node:assert/strict";
import { test } from "node:test";
import { instantiate } from "./harness.ts";
import { LogsData, MetricsData, TracesData } from "./otlp.ts";

const spans = (count: number): Uint8Array =>
  TracesData.encode({
    resourceSpans: [{ scopeSpans: [{ spans: Array.from({ length: count }, () => ({})) }] }],
  }).finish();

test("an exporter gets every signal, answers with a status, and has no result", async () => {
  const guest = await instantiate("exporter");
  assert.equal(guest.exports.get_supported_telemetry!(), 7);
  assert.equal(guest.start().status, 0);
  const done = { status: 0, reason: "", result: undefined };
  assert.deepEqual(guest.consume("traces", spans(3)), done);
  assert.deepEqual(guest.consume("traces", new Uint8Array(0)), done);
  assert.deepEqual(guest.consume("traces", spans(4)), done);
  assert.deepEqual(guest.consume("metrics", MetricsData.encode({ resourceMetrics: [{}] }).finish()), done);
  const body = { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: "hello" } }] }] }] };
  assert.deepEqual(guest.consume("logs", LogsData.encode(body).finish()), done);
  assert.equal(guest.shutdown().status, 0);
  assert.deepEqual(
    guest.logs.map(({ message }) => message),
    ["hello", "7 spans"],
  );
});

test("Status.invalid says that the batch is at fault", async () => {
  const guest = await instantiate("exporter", '{"refuse":"metrics"}');
  guest.start();
  assert.deepEqual(guest.consume("metrics", new Uint8Array(0)), {
    status: 2,
    reason: "no metrics today",
    result: undefined,
  });
});

test("an export that ran into malformed bytes is an invalid argument, not a success", async () => {
  const guest = await instantiate("exporter");
  guest.start();
  const { status, reason } = guest.consume("traces", Uint8Array.of(0x0a, 9, 0x12));
  assert.equal(status, 2);
  assert.match(reason, /malformed OTLP at byte/);
});
