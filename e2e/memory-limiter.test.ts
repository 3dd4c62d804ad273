/** `memory_limiter` in a real process, whose destination does not answer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as after } from "node:timers/promises";
import { validateConfig } from "otelwasm";
import { callGrpc, postHttp } from "./clients.ts";
import { anyPort, exporter } from "./collector.ts";
import { runOtelwasm } from "./process.ts";
import { decodeStatus, encode, requestType } from "./proto.ts";
import { gate, startSink } from "./sink.ts";

const LIMIT_MIB = 150;
const SPIKE_MIB = 30;
const REFUSAL = "data refused due to high memory usage";
/** One record that says so much. */
const megabyte = encode(requestType.logs, {
  resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: "m".repeat(2 ** 20) } }] }] }],
});

const config = (endpoint: object, limits: object, metrics: object = { level: "none" }): object => ({
  receivers: { otlp: anyPort },
  processors: { memory_limiter: { check_interval: "50ms", ...limits } },
  exporters: { otlp_http: { ...endpoint, timeout: "120s", compression: "none" } },
  service: {
    telemetry: { metrics },
    pipelines: { logs: { receivers: ["otlp"], processors: ["memory_limiter"], exporters: ["otlp_http"] } },
  },
});

test("refuses when a sink hangs, with when to try again; nothing that was taken is lost, and it goes on when the sink does", async () => {
  await using sink = await startSink();
  const held = gate();
  sink.respond = () => held.answer;
  const prometheus = { host: "127.0.0.1", port: 0, without_scope_info: true };
  await using program = runOtelwasm(
    config(
      exporter("otlp_http", sink),
      { limit_mib: LIMIT_MIB, spike_limit_mib: SPIKE_MIB },
      { readers: [{ pull: { exporter: { prometheus } } }] },
    ),
  );
  const [, grpcUrl] = await program.waitFor(/Listening for grpc on (http:\/\/\S+)/);
  const [, httpUrl] = await program.waitFor(/Listening for http on (http:\/\/\S+)/);
  const [, page] = await program.waitFor(/(http:\/\/127\.0\.0\.1:\d+\/metrics)/);
  const target = { grpcUrl: grpcUrl!, httpUrl: httpUrl! };

  // Each waits for the sink, so what is in use grows by one with each that is taken. It may be garbage that reaches the limit first; then some more are taken.
  const taken: Promise<number>[] = [];
  const refused = { http: 0, grpc: 0 };
  while ((refused.http === 0 || refused.grpc === 0) && taken.length < LIMIT_MIB) {
    const here = sink.waitForRequests(taken.length + 1).then(() => undefined);
    here.catch(() => {});
    if (refused.http === 0) {
      const answer = postHttp(target, "logs", megabyte);
      const first = await Promise.race([answer, here]);
      if (first === undefined) taken.push(answer.then(({ status }) => status));
      else {
        refused.http++;
        assert.equal(first.status, 503);
        assert.equal(first.headers["retry-after"], "1");
        assert.equal(decodeStatus(first.body).message, REFUSAL);
      }
    } else {
      const answer = callGrpc(target, "logs", megabyte, { timeoutMs: 60_000 });
      const first = await Promise.race([answer, here]);
      if (first === undefined) taken.push(answer.then(({ code }) => (code === 0 ? 200 : code)));
      else {
        refused.grpc++;
        assert.deepEqual([first.code, first.message, first.details?.retryDelayMs], [14, REFUSAL, 50]);
      }
    }
  }
  assert.deepEqual(refused, { http: 1, grpc: 1 }, `${taken.length} MiB were taken, with a limit of ${LIMIT_MIB} MiB`);
  assert.ok(taken.length > 10, `${taken.length} were taken`);
  await program.waitFor(/Memory usage is above soft limit\. Refusing data\./);
  const metrics = await (await fetch(page!)).text();
  const counted = (what: string, count: number) =>
    new RegExp(`^otelcol_processor_${what}_log_records_total{processor="memory_limiter"} ${count}$`, "m");
  assert.match(metrics, counted("accepted", taken.length));
  assert.match(metrics, counted("refused", 2));

  held.open();
  for (const answer of taken) assert.equal(await answer, 200);
  await program.waitFor(/Memory usage back within limits\. Resuming normal operation\./);
  // As its clients do: once more, if it is refused again.
  for (;;) {
    const answer = await callGrpc(target, "logs", megabyte);
    if (answer.code === 0) break;
    assert.equal(answer.code, 14);
    await after(answer.details?.retryDelayMs ?? assert.fail("no delay"));
  }
  assert.equal(sink.requests.length, taken.length + 1);
  program.child.kill("SIGTERM");
  assert.equal(await program.exit, 0);
});

test("the examples of the Collector's documentation", async () => {
  const endpoint = { endpoint: "http://localhost:4318" };
  for (const limits of [
    { check_interval: "1s", limit_mib: 4000, spike_limit_mib: 800 },
    { check_interval: "1s", limit_percentage: 80, spike_limit_percentage: 15 },
  ])
    assert.deepEqual(await validateConfig(config(endpoint, limits)), []);
  assert.deepEqual(await validateConfig(config(endpoint, { check_interval: "0s" })), [
    "processors::memory_limiter: 'check_interval' must be greater than zero",
  ]);
});
