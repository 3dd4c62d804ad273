// What the examples' processors cost, in bytes of input per second: each alone in a host of a few lines, with the two copies that any host makes.
//
//   node --conditions=otelwasm-source benchmarks/examples.ts
import { readFile } from "node:fs/promises";
import { encode, requestType } from "../e2e/proto.ts";
import { buildFilterPlugin } from "../examples/filter/build.ts";
import { buildRedactPlugin } from "../examples/redact/build.ts";
import { buildSamplePlugin } from "../examples/sample/build.ts";
import type { Signal } from "../packages/otelwasm/src/telemetry/batch.ts";
import { buildPayload } from "../packages/otelwasm/src/telemetry/testing/payload.ts";
import { instantiateBinary } from "../packages/sdk/test/harness.ts";

const RECORDS = 1000;
const WARM_UP_MS = 300;
const ROUND_MS = 200;
const ROUNDS = 5;

/** Every record has a card number and an e-mail address in its body. */
function secretLogs(): Uint8Array {
  const attributes = Array.from({ length: 8 }, (_, i) => ({
    key: `attribute.${i}`,
    value: { stringValue: "/api/cart/items" },
  }));
  const body = { stringValue: "payment with 4111 1111 1111 1111 by jane.doe@example.com took 120 ms" };
  const logRecords = Array.from({ length: RECORDS }, () => ({ body, attributes, severityNumber: 9 }));
  return encode(requestType.logs, { resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
}

/** The best of several rounds: what the machine's other work takes away is not the guest's. */
function rate(bytes: number, run: () => void): number {
  const round = (milliseconds: number): number => {
    const start = performance.now();
    let count = 0;
    let now = start;
    for (; now - start < milliseconds; now = performance.now(), count++) run();
    return (bytes * count) / (now - start) / 1000;
  };
  round(WARM_UP_MS);
  return Math.max(...Array.from({ length: ROUNDS }, () => round(ROUND_MS)));
}

async function measure(path: string, work: string, config: object, signal: Signal, batch: Uint8Array): Promise<void> {
  const guest = instantiateBinary(await readFile(path), JSON.stringify(config));
  const { status, reason } = guest.start();
  if (status !== 0) throw new Error(reason);
  const { result } = guest.consume(signal, batch);
  const output = result === undefined ? "untouched" : `${result.length} B`;
  const megabytes = rate(batch.length, () => guest.consume(signal, batch));
  console.log(
    `${work.padEnd(44)} ${signal.padEnd(7)} ${String(batch.length).padStart(7)} B -> ${output.padEnd(9)} ${megabytes.toFixed(0).padStart(5)} MB/s`,
  );
}

const redact = await buildRedactPlugin();
const filter = await buildFilterPlugin();
const sample = await buildSamplePlugin();
const [logs, traces, metrics] = [
  buildPayload("logs", RECORDS),
  buildPayload("traces", RECORDS),
  buildPayload("metrics", RECORDS),
];
const keys = { blocked_key_patterns: ["(?i)password|secret"], allowed_keys: ["http.route"] };

await measure(redact, "redact: nothing to hide", {}, "logs", logs);
await measure(redact, "redact: nothing to hide", {}, "traces", traces);
await measure(redact, "redact: nothing to hide", {}, "metrics", metrics);
await measure(redact, "redact: nothing to hide, blocked keys", keys, "logs", logs);
await measure(redact, "redact: nothing to hide, a pattern", { patterns: ["ORD-\\d{6}"] }, "logs", logs);
await measure(redact, "redact: two secrets in each body", {}, "logs", secretLogs());
await measure(redact, "redact: two secrets in each body, hashed", { hash: "sha256" }, "logs", secretLogs());
await measure(
  filter,
  "filter: by severity, none dropped",
  { logs: { log_record: [{ severity_max: "TRACE" }] } },
  "logs",
  logs,
);
await measure(filter, "filter: by name, none dropped", { traces: { span: [{ name: "^health" }] } }, "traces", traces);
await measure(
  filter,
  "filter: by attribute, some dropped",
  { traces: { span: [{ attributes: [{ key: "http.method", value: "^GET$" }] }] } },
  "traces",
  traces,
);
await measure(sample, "sample: 10 %", { sampling_percentage: 10 }, "traces", traces);
await measure(sample, "sample: 10 %", { sampling_percentage: 10 }, "logs", logs);
