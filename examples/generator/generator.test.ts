/** The plugin alone in a small host, and in a collector: what it makes up holds together. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { NO_METRICS, runProgram } from "../../e2e/process.ts";
import { decode, items, type Plain, requestType, type Signal } from "../../e2e/proto.ts";
import { EPOCH, type Guest, instantiateBinary } from "../../packages/sdk/test/harness.ts";
import { buildGeneratorPlugin } from "./build.ts";

let binary: Buffer;
before(async () => {
  binary = readFileSync(await buildGeneratorPlugin());
});

/** The payloads of one run; the shutdown comes when they are all there and the guest rests. */
function run(signal: Signal, config: object): Uint8Array[] {
  let waits = 0;
  const guest = instantiateBinary(binary, JSON.stringify(config), {
    shutdownRequested: () => waits >= 100,
    onWait: () => {
      waits++;
    },
  });
  assert.deepEqual(guest.start(), { status: 0, reason: "", result: undefined });
  const { reason, batches } = guest.receive(signal);
  assert.equal(reason, "");
  assert.equal(guest.shutdown().status, 0);
  return batches;
}

const decoded = (signal: Signal, config: object): Plain[] =>
  run(signal, config).map((batch) => decode(requestType[signal], batch));

const texts = (value: unknown): string => (typeof value === "string" ? value : "");
const list = (value: unknown): Plain[] => (Array.isArray(value) ? value : []);

function attribute(item: Plain, key: string): string | undefined {
  const value = list(item.attributes).find((each) => each.key === key)?.value;
  return typeof value === "object" && !Array.isArray(value) ? String(Object.values(value)[0]) : undefined;
}

/** Spans with the service that they are of. */
function spansOf(batches: readonly Plain[]): (Plain & { service: string })[] {
  return batches.flatMap((batch) =>
    list(batch.resourceSpans).flatMap((resource) => {
      const service = attribute(resource.resource as Plain, "service.name") ?? "";
      return items("traces", { resourceSpans: [resource] }).map((span) => ({ ...span, service }));
    }),
  );
}

const count = <T>(values: readonly T[]): Map<T, number> =>
  values.reduce((counts, value) => counts.set(value, (counts.get(value) ?? 0) + 1), new Map<T, number>());

test("traces: visits through five services, with parents, kinds and times that fit", () => {
  const spans = spansOf(decoded("traces", { items: 500, batches: 4, error_rate: 0.2 }));
  assert.ok(spans.length >= 2000);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  assert.equal(byId.size, spans.length, "ids are unique");
  assert.deepEqual([...count(spans.map(({ service }) => service)).keys()].sort(), [
    "cart",
    "checkout",
    "frontend",
    "payment",
    "shipping",
  ]);
  assert.deepEqual([...count(spans.map(({ kind }) => kind)).keys()].sort(), [2, 3, 4, 5]);
  for (const span of spans) {
    assert.match(texts(span.traceId), /^[0-9a-f]{32}$/);
    assert.ok(BigInt(texts(span.endTimeUnixNano)) > BigInt(texts(span.startTimeUnixNano)), String(span.name));
    if (span.parentSpanId === undefined) {
      assert.deepEqual([span.service, span.kind], ["frontend", 2]);
      continue;
    }
    const parent = byId.get(span.parentSpanId) ?? assert.fail("no such parent");
    assert.equal(parent.traceId, span.traceId);
    assert.ok(BigInt(texts(span.startTimeUnixNano)) >= BigInt(texts(parent.startTimeUnixNano)));
    // What a queue's consumer does is not waited for.
    if (span.kind !== 5)
      assert.ok(
        BigInt(texts(span.endTimeUnixNano)) <= BigInt(texts(parent.endTimeUnixNano)),
        `${span.name} in ${parent.name}`,
      );
    // A call arrives at the service that was called.
    if (span.kind === 2) assert.deepEqual([parent.kind, attribute(parent, "server.address")], [3, span.service]);
    else if (span.kind !== 5) assert.equal(span.service, parent.service);
  }
});

test("traces: errors have a status, a type, and where something was thrown an exception", () => {
  const spans = spansOf(decoded("traces", { items: 1000, batches: 3, error_rate: 0.25 }));
  const failed = spans.filter((span) => (span.status as Plain | undefined)?.code === 2);
  for (const span of failed) assert.ok(attribute(span, "error.type") !== undefined, String(span.name));
  const traces = new Set(spans.map(({ traceId }) => traceId)).size;
  const share = new Set(failed.map(({ traceId }) => traceId)).size / traces;
  assert.ok(share > 0.2 && share < 0.3, `${share} of ${traces}`);
  const exceptions = failed.flatMap((span) => list(span.events));
  assert.deepEqual([...count(exceptions.map((event) => event.name)).keys()], ["exception"]);
  assert.deepEqual([...count(exceptions.map((event) => attribute(event, "exception.type"))).keys()].sort(), [
    "CardDeclined",
    "timeout",
  ]);
  const fine = spansOf(decoded("traces", { items: 300, batches: 1, error_rate: 0 }));
  assert.equal(
    fine.some((span) => span.status !== undefined || span.events !== undefined),
    false,
  );
});

test("the same seed gives the same bytes; another one, other ids", () => {
  for (const signal of ["traces", "metrics", "logs"] as const) {
    const config = { seed: 7, items: 50, batches: 3 };
    const first = run(signal, config);
    assert.equal(first.length, 3);
    assert.deepEqual(run(signal, config), first);
    assert.notDeepEqual(run(signal, { ...config, seed: 8 }), first);
    assert.notDeepEqual(first[0], first[1]);
  }
});

test("logs tell of the same visits as the traces, with severities", () => {
  const config = { seed: 3, items: 400, batches: 2, error_rate: 0.3 };
  const records = decoded("logs", config).flatMap((batch) => items("logs", batch));
  assert.ok(records.length >= 800);
  const spans = new Map(
    spansOf(decoded("traces", { ...config, batches: 8 })).map((span) => [span.spanId, span.traceId]),
  );
  for (const record of records) assert.equal(spans.get(record.spanId), record.traceId);
  assert.deepEqual([...count(records.map(({ severityText }) => severityText)).keys()].sort(), [
    "DEBUG",
    "ERROR",
    "INFO",
    "WARN",
  ]);
  const bodies = records.map(({ body }) => texts((body as Plain).stringValue));
  for (const pattern of [
    /^charged \d+\.\d\d EUR to card [\d ]+$/,
    /^card [\d ]+ declined/,
    /@example\.com taken$/,
    /sold out$/,
  ])
    assert.ok(
      bodies.some((body) => pattern.test(body)),
      String(pattern),
    );
});

test("metrics are cumulative, and what they count adds up", () => {
  const batches = decoded("metrics", { items: 200, batches: 3, error_rate: 0.1 });
  const named = (batch: Plain, name: string): Plain[] =>
    list(batch.resourceMetrics)
      .flatMap((resource) => list(resource.scopeMetrics).flatMap((scope) => list(scope.metrics)))
      .filter((metric) => metric.name === name);
  const totals = batches.map((batch) => {
    const histograms = named(batch, "http.server.request.duration").flatMap((metric) => {
      const histogram = metric.histogram as Plain;
      assert.equal(histogram.aggregationTemporality, 2);
      return list(histogram.dataPoints);
    });
    for (const point of histograms) {
      const counts = point.bucketCounts as string[];
      assert.equal(counts.length, (point.explicitBounds as number[]).length + 1);
      assert.equal(
        counts.reduce((sum, each) => sum + Number(each), 0),
        Number(point.count),
      );
      assert.ok(Number(point.min) <= Number(point.max) && Number(point.sum) >= Number(point.max));
      assert.equal(point.startTimeUnixNano, String(EPOCH));
    }
    const visits = histograms.filter((point) =>
      ["/products/{id}", "/cart", "/checkout"].includes(attribute(point, "http.route") ?? ""),
    );
    const [orders] = named(batch, "shop.orders");
    const sum = orders?.sum as Plain;
    assert.equal(sum.isMonotonic, true);
    return {
      visits: visits.reduce((total, point) => total + Number(point.count), 0),
      checkouts: visits
        .filter((point) => attribute(point, "http.route") === "/checkout")
        .reduce((total, point) => total + Number(point.count), 0),
      orders: list(sum.dataPoints).reduce((total, point) => total + Number(point.asInt), 0),
    };
  });
  assert.deepEqual(
    totals.map(({ visits }) => visits),
    [200, 400, 600],
  );
  for (const { checkouts, orders } of totals) assert.equal(orders, checkouts);
  assert.ok(totals[0]!.orders > 0 && totals[2]!.orders > totals[0]!.orders);
});

test("batches come at the configured rate", () => {
  const times: bigint[] = [];
  let passed = 0n;
  const guest: Guest = instantiateBinary(binary, JSON.stringify({ rate: 4, items: 10 }), {
    onResult: () => times.push(passed),
    onWait: (nanoseconds) => {
      passed += nanoseconds;
    },
    shutdownRequested: () => times.length >= 5,
  });
  guest.start();
  guest.receive("logs");
  assert.deepEqual(times, [0n, 250_000_000n, 500_000_000n, 750_000_000n, 1_000_000_000n]);
});

test("memory stays where it is, however many batches there are", () => {
  let batches = 0;
  let early = 0;
  const guest: Guest = instantiateBinary(binary, JSON.stringify({ rate: 0, items: 20 }), {
    onResult: () => {
      if (++batches === 500) early = guest.memory.buffer.byteLength;
    },
    shutdownRequested: () => batches >= 10_000,
  });
  guest.start();
  guest.receive("traces");
  assert.equal(batches, 10_000);
  assert.ok(early > 0);
  assert.equal(guest.memory.buffer.byteLength, early);
});

test("a configuration that makes no sense is refused with the key's name", () => {
  for (const [config, reason] of [
    [{ rate: -1 }, /rate must not be negative/],
    [{ items: 0 }, /items must be at least 1/],
    [{ error_rate: 2 }, /error_rate must be between 0 and 1/],
    [{ sead: 1 }, /sead/],
  ] as const) {
    const { status, reason: given } = instantiateBinary(binary, JSON.stringify(config)).start();
    assert.equal(status, 1);
    assert.match(given, reason);
  }
});

test("the README's collector prints all three signals, and stops though the receivers sleep", async () => {
  const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
  const command = /npx otelwasm (--config) (\S+)/.exec(readme) ?? assert.fail("no command");
  // After its first batch each receiver sleeps for 17 minutes; one that is not woken is ended by force, which is an error.
  const slowly = ["--set", "receivers.wasm/shop.plugin_config.rate=0.001"];
  const args = ["packages/otelwasm/bin/otelwasm.js", command[1]!, command[2]!, ...slowly, ...NO_METRICS] as const;
  await using program = runProgram(args);
  await program.waitFor(/exception\.|POST \/checkout|GET \/products/);
  await program.waitFor(/http\.server\.request\.duration/);
  await program.waitFor(/shown to|one more|taken/);
  program.child.kill("SIGTERM");
  assert.equal(await program.exit, 0, program.output);
});
