import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import protobuf from "protobufjs";
import { type Batch, SIGNALS, type Signal } from "./batch.ts";
import { itemsOf, summarize } from "./count.ts";
import { FieldReader } from "./fields.ts";
import { mergeBatches, type SplitOptions, splitBatch } from "./split.ts";
import { damaged, payloads, protoDecode } from "./testing/arbitrary.ts";
import { buildPayload } from "./testing/payload.ts";
import { validateOtlp } from "./validate.ts";

type Tree = Readonly<Record<string, unknown>>;

const RESOURCES = ["resource_spans", "resource_metrics", "resource_logs"];
const SCOPES = ["scope_spans", "scope_metrics", "scope_logs"];
const ITEMS = ["spans", "metrics", "log_records"];
const DATA = ["gauge", "sum", "histogram", "exponential_histogram", "summary"];

/** A message's own fields, and each of its parts. */
function apart(message: Tree, names: readonly string[]): { own: Tree; parts: readonly Tree[] } {
  const own = Object.entries(message).filter(([name]) => !names.includes(name));
  const parts = names.flatMap((name) => (message[name] ?? []) as Tree[]);
  return { own: Object.fromEntries(own), parts };
}

/** Every item as a protobuf library reads it, with all that stands around it. */
function itemsIn(signal: Signal, bytes: Uint8Array): unknown[] {
  return apart(protoDecode(signal, bytes) as Tree, RESOURCES).parts.flatMap((resource) => {
    const { own: resourceOwn, parts: scopes } = apart(resource, SCOPES);
    return scopes.flatMap((scope) => {
      const { own: scopeOwn, parts: items } = apart(scope, ITEMS);
      if (signal !== "metrics") return items.map((item) => [resourceOwn, scopeOwn, item]);
      return items.flatMap((metric) => {
        const { own: metricOwn } = apart(metric, DATA);
        const kind = DATA.find((name) => metric[name] !== undefined);
        if (kind === undefined) return [];
        const { own: dataOwn, parts: points } = apart(metric[kind] as Tree, ["data_points"]);
        return points.map((point) => [resourceOwn, scopeOwn, metricOwn, kind, dataOwn, point]);
      });
    });
  });
}

function split(signal: Signal, bytes: Uint8Array, options: SplitOptions): readonly Batch[] {
  return [...splitBatch({ signal, bytes }, options)];
}

const tag = (number: number, wireType = 2): number => ((number << 3) | wireType) >>> 0;

/** Fields of a message: of a number its bytes. */
function message(...fields: (readonly [number: number, content: Uint8Array | string])[]): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const [number, content] of fields) {
    writer.uint32(tag(number));
    if (typeof content === "string") writer.string(content);
    else writer.bytes(content);
  }
  return new Uint8Array(writer.finish());
}

/** The content of each field of a number. */
function fieldsOf(bytes: Uint8Array, number: number): Uint8Array[] {
  const reader = new FieldReader(bytes);
  const found: Uint8Array[] = [];
  while (reader.next()) if (reader.number === number) found.push(bytes.subarray(reader.start, reader.end));
  return found;
}

for (const signal of SIGNALS) {
  describe(`${signal}: a payload that is split`, () => {
    test("by items: the same items, with what was around them, so many in each part", () => {
      let several = 0;
      fc.assert(
        fc.property(
          payloads(signal),
          fc.integer({ min: 1, max: 9 }),
          fc.integer({ min: 1, max: 9 }),
          (bytes, max, n) => {
            const first = Math.min(n, max);
            const parts = split(signal, bytes, { sizer: "items", max, first });
            const total = itemsOf({ signal, bytes });
            const expected = total <= first ? [total] : [first];
            for (let left = total - first; left > 0; left -= max) expected.push(Math.min(max, left));
            assert.deepEqual(
              parts.map((part) => part.items),
              expected,
            );
            assert.deepEqual(
              parts.map((part) => summarize(part).items),
              expected,
            );
            for (const part of parts) assert.equal(validateOtlp(signal, part.bytes), undefined);
            const merged = mergeBatches(parts);
            assert.equal(merged.items, total);
            assert.deepEqual(itemsIn(signal, merged.bytes), itemsIn(signal, bytes));
            if (parts.length > 1) several++;
          },
        ),
        { numRuns: 300 },
      );
      assert.ok(several > 50, `only ${several} were split`);
    });

    test("by bytes: the same items, with what was around them, so large each part", () => {
      let several = 0;
      fc.assert(
        fc.property(
          payloads(signal),
          fc.integer({ min: 1, max: 3000 }),
          fc.integer({ min: 0, max: 3000 }),
          (bytes, max, n) => {
            const first = Math.min(n, max);
            const parts = split(signal, bytes, { sizer: "bytes", max, first });
            for (const [index, part] of parts.entries()) {
              assert.equal(validateOtlp(signal, part.bytes), undefined);
              const { items } = summarize(part);
              const { length } = part.bytes;
              // What does not get smaller is alone.
              if (length > max)
                assert.ok(items <= 1 || isWhole(signal, part.bytes, max), `${length} > ${max}, ${items} items`);
              if (index === 0 && length > first)
                assert.ok(length > max || items <= 1 || isWhole(signal, part.bytes, first));
            }
            assert.deepEqual(itemsIn(signal, mergeBatches(parts).bytes), itemsIn(signal, bytes));
            if (parts.length > 1) several++;
          },
        ),
        { numRuns: 300 },
      );
      assert.ok(several > 50, `only ${several} were split`);
    });

    test("whatever the bytes are: it comes to an end, and nothing is lost", () => {
      const anything = fc.oneof(damaged(signal), fc.uint8Array({ maxLength: 200 }));
      fc.assert(
        fc.property(
          anything,
          fc.constantFrom("items", "bytes"),
          fc.integer({ min: 1, max: 50 }),
          (bytes, sizer, max) => {
            const total = itemsOf({ signal, bytes });
            const parts = split(signal, bytes, { sizer, max });
            assert.ok(parts.length <= Math.max(1, bytes.length));
            // What can be counted stands before the malformed place; behind it nothing can be told.
            if (validateOtlp(signal, bytes) === undefined)
              assert.equal(
                parts.reduce((sum, part) => sum + summarize(part).items, 0),
                total,
              );
            for (const part of parts) assert.ok(part.bytes.length <= bytes.length + 64);
          },
        ),
        { numRuns: 400 },
      );
    });

    test("fields that nobody knows are repeated, at every depth; parts have buffers of their own", () => {
      const item = (n: number) => message([1, "ab"], [700, `item ${n}`]);
      const three = [1, 2, 3].map(item);
      const inScope =
        signal === "metrics"
          ? [
              message(
                [1, "name"],
                [7, message([900, "data"], ...three.map((each) => [1, each] as const))],
                [800, "metric"],
              ),
            ]
          : three;
      const scope = message(
        [1, message([1, "scope"])],
        ...inScope.map((each) => [2, each] as const),
        [3, "url"],
        [600, "x"],
      );
      const resource = message([500, "before"], [1, message()], [2, scope], [3, "schema"], [501, "behind"]);
      const bytes = message([400, "top"], [1, resource]);
      const parts = split(signal, bytes, { sizer: "items", max: 1 });
      assert.equal(parts.length, 3);
      for (const [index, part] of parts.entries()) {
        const one = (from: Uint8Array, number: number): Uint8Array => {
          const found = fieldsOf(from, number);
          assert.equal(found.length, 1, `field ${number}`);
          return found[0]!;
        };
        const text = (from: Uint8Array, number: number) => Buffer.from(one(from, number)).toString();
        assert.equal(text(part.bytes, 400), "top");
        const ownResource = one(part.bytes, 1);
        assert.deepEqual(
          [500, 3, 501].map((number) => text(ownResource, number)),
          ["before", "schema", "behind"],
        );
        const ownScope = one(ownResource, 2);
        assert.deepEqual(
          [3, 600].map((number) => text(ownScope, number)),
          ["url", "x"],
        );
        let ownItem = one(ownScope, 2);
        if (signal === "metrics") {
          assert.deepEqual(
            [1, 800].map((number) => text(ownItem, number)),
            ["name", "metric"],
          );
          assert.equal(text(one(ownItem, 7), 900), "data");
          ownItem = one(one(ownItem, 7), 1);
        }
        assert.deepEqual(ownItem, item(index + 1));
        assert.equal(part.bytes.buffer.byteLength, part.bytes.length);
        assert.notEqual(part.bytes.buffer, bytes.buffer);
      }
    });

    test("one that fits is given back as it is", () => {
      const batch: Batch = { signal, bytes: buildPayload(signal, 10) };
      for (const options of [
        { sizer: "items", max: 10 },
        { sizer: "bytes", max: batch.bytes.length },
      ] as const) {
        const [only, ...others] = splitBatch(batch, options);
        assert.equal(only, batch);
        assert.equal(others.length, 0);
      }
    });

    test("what would be repeated, and is large, is not: a request must not become much more than it was", () => {
      const header = message([1, "h".repeat(100_000)]);
      const items = Array.from(
        { length: 2000 },
        () => [2, signal === "metrics" ? message([5, message([1, message()])]) : message()] as const,
      );
      const one = message([1, header], [2, message(...items)]);
      const bytes = message([1, one], [1, message([2, message(...items)])]);
      for (const options of [
        { sizer: "items", max: 1 },
        { sizer: "bytes", max: 110_000 },
        { sizer: "bytes", max: 100 },
      ] as const) {
        const parts = split(signal, bytes, options);
        const size = parts.reduce((sum, part) => sum + part.bytes.length, 0);
        assert.ok(size < 4 * bytes.length, `${size} bytes of ${bytes.length}`);
        assert.deepEqual(
          parts.reduce((sum, part) => sum + summarize(part).items, 0),
          4000,
        );
      }
      const top = message([400, "t".repeat(100_000)], [1, message([2, message(...items)])]);
      assert.equal(split(signal, top, { sizer: "items", max: 1 }).length, 1);
    });
  });
}

/** Whether all of the payload's one resource, scope or metric is what stays whole because of its own fields. */
function isWhole(signal: Signal, bytes: Uint8Array, max: number): boolean {
  // An item that is split off has all headers around it; if these and a length are more than half of the limit, nothing was split off.
  const parts = [...splitBatch({ signal, bytes }, { sizer: "items", max: 1 })];
  return parts.some((part) => part.bytes.length > max / 2);
}

describe("metrics", () => {
  const point = message([1, "p"]);
  const payloadOf = (...metrics: Uint8Array[]) =>
    message([1, message([2, message(...metrics.map((each) => [2, each] as const))])]);

  test("one that has its data in several pieces stays whole, and empty ones go along", () => {
    const points = (count: number) => message(...Array.from({ length: count }, () => [1, point] as const));
    const inPieces = message([1, "pieces"], [5, points(2)], [5, points(1)]);
    const replaced = message([1, "replaced"], [5, points(4)], [7, points(1)]);
    const bytes = payloadOf(message([1, "empty"]), inPieces, message([1, "last"], [9, points(2)]), replaced);
    const parts = split("metrics", bytes, { sizer: "items", max: 2 });
    assert.deepEqual(
      parts.map((part) => part.items),
      [3, 2, 1],
    );
    assert.deepEqual(itemsIn("metrics", mergeBatches(parts).bytes), itemsIn("metrics", bytes));
  });
});

describe("merging", () => {
  test("is concatenation; a single one is given back as it is", () => {
    const one: Batch = { signal: "logs", bytes: buildPayload("logs", 3), items: 3 };
    const two: Batch = { signal: "logs", bytes: buildPayload("logs", 4) };
    assert.equal(mergeBatches([one]), one);
    const merged = mergeBatches([one, two, one]);
    assert.deepEqual(Buffer.from(merged.bytes), Buffer.concat([one.bytes, two.bytes, one.bytes]));
    assert.equal(merged.items, undefined);
    assert.equal(itemsOf(merged), 10);
    assert.equal(merged.bytes.buffer.byteLength, merged.bytes.length);
    assert.throws(() => mergeBatches([]), RangeError);
  });
});
