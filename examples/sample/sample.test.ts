/** The decision against a reference in JavaScript, its proportion and consistency, and what is written into what is kept. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { items, type Plain, requestType } from "../../e2e/proto.ts";
import { batch } from "../../packages/sdk/test/arbitrary.ts";
import { decodeReference } from "../../packages/sdk/test/reference.ts";
import {
  anyValue,
  attribute,
  documentedConfigs,
  type Fields,
  prune,
  pruneWith,
  refusesOrTakes,
  type StartedPlugin,
  startPlugin,
  throughCollector,
} from "../testing.ts";
import { buildSamplePlugin } from "./build.ts";

const path = await buildSamplePlugin();
const start = (config: object): Promise<StartedPlugin> => startPlugin(path, config, ["traces", "logs"]);

/** Reproducible ids without a pattern. */
function traceId(index: number): Buffer {
  return createHash("sha256").update(String(index)).digest().subarray(0, 16);
}

const COUNT = 100_000;
const CHUNK = 5_000;

function traces(spans: object[]): object {
  return { resourceSpans: [{ scopeSpans: [{ spans }] }] };
}

function logs(logRecords: object[]): object {
  return { resourceLogs: [{ scopeLogs: [{ logRecords }] }] };
}

async function keptIds(signal: "traces" | "logs", config: object): Promise<Set<string>> {
  await using plugin = await start(config);
  const kept = new Set<string>();
  for (let from = 0; from < COUNT; from += CHUNK) {
    const each = Array.from({ length: CHUNK }, (_, i) => ({ traceId: traceId(from + i) }));
    const { message } = await plugin.push(signal, signal === "traces" ? traces(each) : logs(each));
    for (const item of items(signal, message)) kept.add(String(item.traceId));
  }
  return kept;
}

/** The Collector's decision for a `hash_seed`. */
function hashDecision(id: Uint8Array, seed: number, percentage: number): boolean {
  let hash = 0x811c9dc5;
  for (const byte of [seed & 255, (seed >>> 8) & 255, (seed >>> 16) & 255, seed >>> 24, ...id])
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return (hash & 0x3fff) < Math.trunc(Math.fround(percentage * Math.fround(163.84)));
}

for (const seed of [0, 22]) {
  test(`the part that is asked for is kept, and what is kept at 10 % is kept at 20 % (hash_seed ${seed})`, async () => {
    const config = (sampling_percentage: number): object => ({ sampling_percentage, hash_seed: seed });
    const ten = await keptIds("traces", config(10));
    const twenty = await keptIds("traces", config(20));
    // Four standard deviations of a binomial distribution.
    assert.ok(Math.abs(ten.size - COUNT * 0.1) < 4 * Math.sqrt(COUNT * 0.1 * 0.9), `kept ${ten.size}`);
    assert.ok(Math.abs(twenty.size - COUNT * 0.2) < 4 * Math.sqrt(COUNT * 0.2 * 0.8), `kept ${twenty.size}`);
    assert.ok([...ten].every((id) => twenty.has(id)));
    assert.deepEqual(await keptIds("logs", config(10)), ten);
    const decide = (id: Buffer): boolean =>
      seed === 0 ? id.readBigUInt64BE(8) % (1n << 56n) >= 0xe666_0000_0000_00n : hashDecision(id, seed, 10);
    const expected = Array.from({ length: COUNT }, (_, i) => traceId(i)).filter(decide);
    assert.deepEqual(ten, new Set(expected.map((id) => id.toString("hex"))));
  });
}

test("decimals, nothing and everything", async () => {
  const kept = await keptIds("traces", { sampling_percentage: 0.25 });
  assert.ok(Math.abs(kept.size - 250) < 4 * Math.sqrt(250), `kept ${kept.size}`);
  await using none = await start({ sampling_percentage: 0 });
  assert.deepEqual((await none.push("traces", traces([{ traceId: traceId(1) }]))).bytes.length, 0);
  await using all = await start({ sampling_percentage: 100 });
  assert.equal((await all.push("traces", traces([{ traceId: traceId(1) }, {}]))).changed, false);
});

const HIGH = Buffer.from("000000000000000000ffffffffffffff", "hex");
const LOW = Buffer.from("ffffffffffffffffff00000000000001", "hex");

async function traceState(plugin: StartedPlugin, span: object): Promise<unknown> {
  const { message } = await plugin.push("traces", traces([span]));
  const [kept] = items("traces", message);
  return kept === undefined ? "dropped" : kept.traceState;
}

test("the threshold goes into the tracestate, in front and beside what others put there", async () => {
  await using plugin = await start({ sampling_percentage: 50 });
  const state = (text: string, id = HIGH): Promise<unknown> => traceState(plugin, { traceId: id, traceState: text });
  assert.equal(await state(""), "ot=th:8");
  assert.equal(await state("a=1, b=2"), "ot=th:8,a=1,b=2");
  assert.equal(await state("a=1,ot=x:y;th:4;z:0,b=2"), "ot=th:8;x:y;z:0,a=1,b=2");
  // Sampled to a smaller part already: nothing changes.
  assert.equal(await state("a=1,ot=th:c"), "a=1,ot=th:c");
  // Explicit randomness counts before the id's.
  assert.equal(await state("ot=rv:ffffffffffffff", LOW), "ot=rv:ffffffffffffff;th:8");
  assert.equal(await state("ot=rv:00000000000000"), "dropped");
  assert.equal(await state("ot=rv:7"), "ot=th:8");
  // A threshold that the randomness does not reach is not true.
  assert.equal(await state("ot=th:c;rv:90000000000000"), "ot=rv:90000000000000");
  const many = Array.from({ length: 40 }, (_, i) => `k${i}=1`);
  assert.equal(await state(many.join(",")), `ot=th:8,${many.slice(0, 31).join(",")}`);
  for (const odd of ["ot=", "ot", "=", ",,", "ot=;;", "ot=th:,x", "OT=th:8", "ot=th:zz"])
    assert.match(String(await state(odd)), /^ot=th:8/);
});

test("thresholds have the precision that is asked for", async () => {
  const written = async (config: object): Promise<unknown> => {
    await using plugin = await start(config);
    return traceState(plugin, { traceId: HIGH });
  };
  assert.equal(await written({ sampling_percentage: 10 }), "ot=th:e666");
  assert.equal(await written({ sampling_percentage: 1 }), "ot=th:fd70a");
  assert.equal(await written({ sampling_percentage: 10, sampling_precision: 14 }), "ot=th:e6666666666666");
  assert.equal(await written({ sampling_percentage: 10, write_threshold: false }), undefined);
  assert.match(String(await written({ sampling_percentage: 90, hash_seed: 3 })), /^ot=rv:[0-9a-f]{14};th:199c$/);
});

test("a second sampler agrees with the first, whatever it hashes", async () => {
  await using first = await start({ sampling_percentage: 50, hash_seed: 7 });
  await using second = await start({ sampling_percentage: 25 });
  await using alone = await start({ sampling_percentage: 25, hash_seed: 7 });
  const spans = Array.from({ length: 2_000 }, (_, i) => ({ traceId: traceId(i) }));
  const after = items(
    "traces",
    (await second.push("traces", (await first.push("traces", traces(spans))).bytes)).message,
  );
  const direct = items("traces", (await alone.push("traces", traces(spans))).message);
  const ids = (spansKept: Plain[]): unknown[] => spansKept.map(({ traceId: id }) => id);
  assert.ok(direct.length > 400);
  assert.deepEqual(ids(after), ids(direct));
});

test("logs without a trace id are kept by an attribute, or as fail_open says", async () => {
  const record = (id: string): object => ({ attributes: [attribute("order.id", id)] });
  const records = Array.from({ length: 1_000 }, (_, i) => record(`order-${i}`));
  await using closed = await start({ sampling_percentage: 30 });
  assert.equal((await closed.push("logs", logs(records))).bytes.length, 0);
  await using open = await start({ sampling_percentage: 30, fail_open: true });
  const passed = await open.push(
    "logs",
    logs([...records, { traceId: Buffer.alloc(16) }, { traceId: LOW.subarray(8) }]),
  );
  assert.equal(passed.changed, false);
  await using byAttribute = await start({ sampling_percentage: 30, from_attribute: "order.id" });
  const { message } = await byAttribute.push("logs", logs([...records, ...records, {}]));
  const kept = items("logs", message).map((item) => (item.attributes as Plain[])[0]);
  assert.ok(Math.abs(kept.length / 2 - 300) < 60, `kept ${kept.length / 2}`);
  assert.deepEqual(kept.slice(0, kept.length / 2), kept.slice(kept.length / 2), "the same decision for the same value");
  for (const value of [17, true, Buffer.from("17"), 1.5, [1], { a: 1 }])
    await byAttribute.push("logs", logs([{ attributes: [attribute("order.id", value)] }]));
});

test("a log's threshold and randomness are attributes", async () => {
  await using plugin = await start({ sampling_percentage: 50 });
  const kept = async (record: object): Promise<unknown> => {
    const { message } = await plugin.push("logs", logs([record]));
    return items("logs", message).map(({ attributes }) => attributes);
  };
  const threshold = { key: "sampling.threshold", value: anyValue("8") };
  assert.deepEqual(await kept({ traceId: HIGH }), [[threshold]]);
  const randomness = attribute("sampling.randomness", "80000000000000");
  assert.deepEqual(await kept({ traceId: LOW, attributes: [randomness] }), [[randomness, threshold]]);
  assert.deepEqual(await kept({ traceId: HIGH, attributes: [attribute("sampling.randomness", "0".repeat(14))] }), []);
  const stronger = attribute("sampling.threshold", "c");
  assert.deepEqual(await kept({ traceId: HIGH, attributes: [stronger] }), [[stronger]]);
});

test("what is wrong with the configuration is named", async () => {
  const refused = (config: object, reason: RegExp): Promise<void> => assert.rejects(start(config), reason);
  await refused({}, /plugin_config: sampling_percentage is required/);
  await refused({ sampling_percentage: 101 }, /sampling_percentage must be from 0 to 100, but is 101/);
  await refused({ sampling_percentage: -1 }, /sampling_percentage must be from 0 to 100/);
  await refused({ sampling_percentage: "10" }, /sampling_percentage must be a number, but is a string/);
  await refused({ sampling_percentage: 10, sampling_precision: 15 }, /sampling_precision must be from 1 to 14/);
  await refused({ sampling_percentage: 10, hash_seed: -1 }, /hash_seed is out of range: -1/);
  await refused({ sampling_percentage: 10, seed: 1 }, /seed is not a known key/);
});

test("whatever the bytes are: what is kept is as it came, unknown fields included", async () => {
  await using plugin = await start({ sampling_percentage: 50, write_threshold: false, fail_open: true });
  await fc.assert(
    fc.asyncProperty(batch(requestType.traces), async (bytes) => {
      const before = decodeReference(requestType.traces, bytes);
      const { bytes: result } = await plugin.push("traces", bytes);
      assert.deepEqual(decodeReference(requestType.traces, result), sampled(before));
    }),
    { numRuns: 300 },
  );
});

/** The reference: ids of 16 bytes decide, others stay. What is empty goes. */
function sampled(message: Fields): Fields {
  const keep = (span: Fields): boolean => {
    const id = String(span.traceId ?? "");
    return id.length !== 32 || /^0*$/.test(id) || BigInt(`0x${id.slice(18)}`) >= 1n << 55n;
  };
  return pruneWith(message, "resourceSpans", "scopeSpans", (resource) =>
    pruneWith(resource, "scopeSpans", "spans", (scope) => prune(scope, "spans", keep)),
  );
}

test("bytes that are not OTLP are refused for good, and never trap", async () => {
  await using plugin = await start({ sampling_percentage: 50, from_attribute: "a" });
  const signals = fc.constantFrom("traces" as const, "logs" as const);
  await fc.assert(
    fc.asyncProperty(signals, fc.uint8Array({ maxLength: 200 }), (signal, bytes) =>
      refusesOrTakes(plugin, signal, bytes),
    ),
    { numRuns: 1000 },
  );
});

test("what the documentation shows works", async () => {
  const folder = new URL("./", import.meta.url);
  for (const config of await documentedConfigs(folder)) await (await start(config as object))[Symbol.asyncDispose]();
  const arrived = await throughCollector("sample", "traces", traces([{ traceId: HIGH }, { traceId: LOW }]));
  assert.deepEqual(items("traces", arrived), [{ traceId: HIGH.toString("hex"), traceState: "ot=th:c" }]);
});
