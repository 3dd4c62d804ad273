/** The plugin alone in a small host, and in a collector as the README starts it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { postHttp } from "../../e2e/clients.ts";
import { NO_METRICS, runProgram } from "../../e2e/process.ts";
import { encode, requestType } from "../../e2e/proto.ts";
import { type Guest, instantiateBinary } from "../../packages/sdk/test/harness.ts";
import { buildStdoutPlugin } from "./build.ts";

const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");

async function started(config: object = {}): Promise<Guest> {
  const guest = instantiateBinary(readFileSync(await buildStdoutPlugin()), JSON.stringify(config));
  assert.equal(guest.start().status, 0);
  return guest;
}

function printed(guest: Guest): string[] {
  assert.ok(guest.logs.every(({ level }) => level === 2));
  return guest.logs.splice(0).map(({ message }) => message);
}

const str = (key: string, stringValue: string): object => ({ key, value: { stringValue } });
const resource = { attributes: [str("service.name", "shop")] };
const time = (milliseconds: number): string => String(1_780_000_000_000_000_000n + BigInt(milliseconds) * 1_000_000n);
const id = (byte: number, size: number): Buffer => Buffer.alloc(size, byte);

test("spans with their kinds, errors, events and links", async () => {
  const guest = await started();
  const span = {
    traceId: id(1, 16),
    spanId: id(2, 8),
    parentSpanId: id(3, 8),
    name: "POST /orders",
    kind: 2,
    startTimeUnixNano: time(0),
    endTimeUnixNano: String(1_780_000_000_012_345_678n),
    attributes: [str("http.route", "/orders"), { key: "retry", value: { boolValue: true } }],
    status: { code: 2, message: 'no "stock"' },
    events: [{ timeUnixNano: time(12), name: "exception", attributes: [str("exception.message", "line 1\nline 2")] }],
    links: [{ traceId: id(4, 16), spanId: id(5, 8) }],
  };
  const batch = {
    resourceSpans: [{ resource, scopeSpans: [{ spans: [span, { name: "GET", status: { code: 1 } }] }] }],
  };
  assert.equal(guest.consume("traces", encode(requestType.traces, batch)).status, 0);
  assert.deepEqual(printed(guest), [
    `span shop 2026-05-28T20:26:40.000Z "POST /orders" server 12.345ms ERROR "no \\"stock\\"" trace=${"01".repeat(16)} span=${"02".repeat(8)} parent=${"03".repeat(8)} http.route=/orders retry=true`,
    `span shop 2026-05-28T20:26:40.012Z event exception span=${"02".repeat(8)} exception.message="line 1\\nline 2"`,
    `span shop link trace=${"04".repeat(16)} to=${"05".repeat(8)} span=${"02".repeat(8)}`,
    "span shop - GET unspecified 0ms OK",
  ]);
});

test("every kind of metric", async () => {
  const guest = await started();
  const at = { timeUnixNano: time(0) };
  const histogram = {
    ...at,
    count: 4,
    sum: 1.5,
    min: 0.1,
    max: 0.9,
    explicitBounds: [0.25, 0.5],
    bucketCounts: [1, 0, 3],
  };
  const exponential = { ...at, count: 3, scale: 2, sum: 6, zeroCount: 1 };
  const summary = { ...at, count: 9, sum: 4.5, quantileValues: [{ quantile: 0.99, value: 0.75 }] };
  const metrics = [
    { name: "temperature", unit: "Cel", gauge: { dataPoints: [{ ...at, asDouble: 21 }] } },
    {
      name: "orders",
      sum: {
        isMonotonic: true,
        aggregationTemporality: 2,
        dataPoints: [{ ...at, asInt: -3, attributes: [str("a", "")] }],
      },
    },
    { name: "latency", unit: "s", histogram: { aggregationTemporality: 1, dataPoints: [histogram] } },
    { name: "sizes", exponentialHistogram: { dataPoints: [exponential] } },
    { name: "old", summary: { dataPoints: [summary] } },
    { name: "nothing" },
  ];
  const batch = { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] };
  assert.equal(guest.consume("metrics", encode(requestType.metrics, batch)).status, 0);
  const front = "metric unknown_service 2026-05-28T20:26:40.000Z";
  assert.deepEqual(printed(guest), [
    `${front} temperature (Cel) gauge 21`,
    `${front} orders cumulative monotonic sum -3 a=""`,
    `${front} latency (s) delta histogram count=4 sum=1.5 min=0.1 max=0.9 (-inf..0.25]=1 (0.5..inf]=3`,
    `${front} sizes exponential histogram count=3 scale=2 sum=6 zero=1`,
    `${front} old summary count=9 sum=4.5 p99=0.75`,
    "metric unknown_service nothing without data",
  ]);
});

test("log records with any body", async () => {
  const guest = await started();
  const list = { arrayValue: { values: [{ intValue: 1 }, { stringValue: "two words" }, {}] } };
  const body = {
    kvlistValue: {
      values: [
        { key: "list", value: list },
        { key: "raw", value: { bytesValue: id(255, 2) } },
      ],
    },
  };
  const records = [
    { observedTimeUnixNano: time(1), severityNumber: 18, body, traceId: id(6, 16), spanId: id(7, 8) },
    { severityText: "fatal error", eventName: "crash", attributes: [{ key: "code", value: { doubleValue: 2.5 } }] },
    {},
  ];
  const batch = { resourceLogs: [{ resource, scopeLogs: [{ logRecords: records }] }] };
  assert.equal(guest.consume("logs", encode(requestType.logs, batch)).status, 0);
  assert.deepEqual(printed(guest), [
    `log shop 2026-05-28T20:26:40.001Z ERROR2 {list:[1,"two words",null],raw:0xffff} trace=${"06".repeat(16)} span=${"07".repeat(8)}`,
    'log shop - "fatal error" event=crash code=2.5',
    "log shop - UNSPECIFIED",
  ]);
});

test("attributes can be left out, and large batches are cut", async () => {
  const guest = await started({ attributes: false, max_lines: 3 });
  const logRecords = Array.from({ length: 10 }, (_, i) => ({ body: { intValue: i }, attributes: [str("a", "b")] }));
  for (let i = 0; i < 2; ++i)
    guest.consume("logs", encode(requestType.logs, { resourceLogs: [{ scopeLogs: [{ logRecords }] }] }));
  const once = [0, 1, 2].map((i) => `log unknown_service - UNSPECIFIED ${i}`);
  assert.deepEqual(printed(guest), [...once, "... and 7 more", ...once, "... and 7 more"]);
});

test("the README's collector prints what the README's curl sends", async () => {
  await buildStdoutPlugin();
  const anyPorts = { STDOUT_GRPC_ENDPOINT: "127.0.0.1:0", STDOUT_HTTP_ENDPOINT: "127.0.0.1:0" };
  const command = /npx otelwasm (--config) (\S+)/.exec(readme) ?? assert.fail("no command");
  await using program = runProgram(["packages/otelwasm/bin/otelwasm.js", command[1]!, command[2]!, ...NO_METRICS], {
    env: anyPorts,
  });
  const [, address] = await program.waitFor(/"?http"?[^\n]*?(http:\/\/127\.0\.0\.1:\d+)/);
  const [, body] = /-d '([^']+)'/.exec(readme) ?? assert.fail("no curl");
  const answer = await postHttp({ httpUrl: address! }, "logs", body!, { contentType: "application/json" });
  assert.equal(answer.status, 200);
  const [, line] = /```\n(log shop .*)\n```/.exec(readme) ?? assert.fail("no line");
  await program.waitFor(new RegExp(line!.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll('"', '\\\\?"')));
  program.child.kill("SIGTERM");
  assert.equal(await program.exit, 0, program.output);
});
