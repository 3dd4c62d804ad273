import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SIGNALS, type Signal } from "./batch.ts";
import { itemsOf, summarize } from "./count.ts";
import { payloads, protoDecode } from "./testing/arbitrary.ts";
import { buildPayload } from "./testing/payload.ts";

type Tree = Readonly<Record<string, unknown>>;

function list(value: unknown, ...names: string[]): Tree[] {
  const found = names.map((name) => (value as Tree)[name]).find((inner) => inner !== undefined);
  return (found ?? []) as Tree[];
}

/** What the protobuf library's objects hold. */
function reference(signal: Signal, bytes: Uint8Array): { resources: number; metrics: number; items: number } {
  const resources = list(protoDecode(signal, bytes), "resource_spans", "resource_metrics", "resource_logs");
  const scopes = resources.flatMap((resource) => list(resource, "scope_spans", "scope_metrics", "scope_logs"));
  const inScope = scopes.flatMap((scope) => list(scope, "spans", "metrics", "log_records"));
  if (signal !== "metrics") return { resources: resources.length, metrics: 0, items: inScope.length };
  const points = inScope.flatMap((metric) =>
    ["gauge", "sum", "histogram", "exponential_histogram", "summary"].flatMap((kind) =>
      metric[kind] === undefined ? [] : list(metric[kind], "data_points"),
    ),
  );
  return { resources: resources.length, metrics: inScope.length, items: points.length };
}

for (const signal of SIGNALS) {
  test(`${signal}: counts what a protobuf library counts`, () => {
    let counted = 0;
    fc.assert(
      fc.property(payloads(signal), (bytes) => {
        const expected = reference(signal, bytes);
        counted += expected.items;
        assert.deepEqual(summarize({ signal, bytes }), expected);
      }),
      { numRuns: 300 },
    );
    assert.ok(counted > 300, `only ${counted} items were generated`);
  });

  test(`${signal}: any bytes give a number`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const items = itemsOf({ signal, bytes });
        assert.ok(Number.isSafeInteger(items) && items >= 0 && items <= bytes.length);
      }),
    );
  });

  test(`${signal}: a built payload has the items that were asked for`, () => {
    for (const items of [0, 1, 9, 10, 11, 123]) {
      const bytes = buildPayload(signal, items);
      assert.equal(itemsOf({ signal, bytes }), items);
      assert.deepEqual(reference(signal, bytes), summarize({ signal, bytes }));
    }
  });
}

test("of a metric with two kinds of data the last one counts", () => {
  const metric = (hex: string): Uint8Array =>
    Uint8Array.from(Buffer.from(`0a${n(hex, 4)}12${n(hex, 2)}12${n(hex, 0)}${hex}`, "hex"));
  const n = (hex: string, more: number): string => (hex.length / 2 + more).toString(16).padStart(2, "0");
  // A gauge with two points, then a sum with one; then the other way round; then one gauge in two parts.
  assert.equal(itemsOf({ signal: "metrics", bytes: metric("2a040a000a003a020a00") }), 1);
  assert.equal(itemsOf({ signal: "metrics", bytes: metric("3a020a002a040a000a00") }), 2);
  assert.equal(itemsOf({ signal: "metrics", bytes: metric("2a040a000a002a020a00") }), 3);
});
