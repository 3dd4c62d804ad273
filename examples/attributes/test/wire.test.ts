/** Bytes that no protobuf library writes, but that every one has to read; and bytes that none can. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import protobuf from "protobufjs";
import { PluginError } from "../../../packages/otelwasm/src/plugin/errors.ts";
import { instantiateBinary } from "../../../packages/sdk/test/harness.ts";
import { buildAttributesPlugin } from "../build.ts";
import { batchOf, SIGNALS } from "./batches.ts";
import { decode, encode, startPlugin, types } from "./plugin.ts";
import { type ActionConfig, type Attribute, reference } from "./reference.ts";

const { Writer } = protobuf;
type Bytes = Uint8Array;

function field(number: number, content: Bytes | string): Bytes {
  const writer = Writer.create().uint32((number << 3) | 2);
  return (typeof content === "string" ? writer.string(content) : writer.bytes(content)).finish();
}

function concat(...parts: Bytes[]): Bytes {
  return new Uint8Array(Buffer.concat(parts));
}

const unknown = (name: string): Bytes =>
  concat(
    field(1000, name),
    Writer.create()
      .uint32((1001 << 3) | 0)
      .uint32(7)
      .finish(),
    Writer.create()
      .uint32((1002 << 3) | 1)
      .fixed64(8)
      .finish(),
    Writer.create()
      .uint32((1003 << 3) | 5)
      .fixed32(9)
      .finish(),
    // A group with a field in it.
    Writer.create()
      .uint32((1004 << 3) | 3)
      .uint32(8)
      .uint32(1)
      .uint32((1004 << 3) | 4)
      .finish(),
  );

/** One log record with these bytes. */
function logs(record: Bytes): Bytes {
  return field(1, field(2, field(2, record)));
}

async function push(actions: ActionConfig[], bytes: Bytes): Promise<Bytes> {
  await using plugin = await startPlugin({ actions });
  return (await plugin.push("logs", bytes)) ?? bytes;
}

const text = (value: string): Bytes => field(1, value);
const attribute = (key: string, value: Bytes): Bytes => field(6, concat(field(1, key), field(2, value)));

describe("unknown fields stay", () => {
  const entry = (value: Bytes): Bytes =>
    field(6, concat(unknown("before"), field(1, "a"), field(2, concat(unknown("value"), value)), unknown("after")));

  test("around and in an attribute whose value changes", async () => {
    const record = (value: Bytes): Bytes => concat(unknown("record"), entry(value), unknown("end"));
    const actual = await push([{ key: "a", value: "new", action: "update" }], logs(record(text("old"))));
    for (const name of ["record", "before", "value", "after", "end"])
      assert.equal(Buffer.from(actual).indexOf(unknown(name)) >= 0, true, name);
    const expected = [{ key: "a", value: { stringValue: "new" } }];
    assert.deepEqual(attributesOf(actual), expected);
  });

  test("in every message when an attribute is added, and nothing else changes", async () => {
    const record = concat(unknown("r1"), attribute("x", text("y")), unknown("r2"));
    const batch = (content: Bytes): Bytes =>
      concat(
        unknown("batch"),
        field(1, concat(unknown("resource logs"), field(2, concat(unknown("scope logs"), field(2, content))))),
        unknown("end"),
      );
    const actual = await push([{ key: "a", value: "new", action: "insert" }], batch(record));
    assert.deepEqual(Buffer.from(actual), Buffer.from(batch(concat(record, attribute("a", text("new"))))));
  });

  test("when another attribute is deleted", async () => {
    const actual = await push(
      [{ key: "a", action: "delete" }],
      logs(concat(unknown("1"), attribute("a", text("x")), unknown("2"), attribute("a", text("y")), unknown("3"))),
    );
    assert.deepEqual(
      Buffer.from(actual),
      Buffer.from(logs(concat(unknown("1"), unknown("2"), attribute("a", text("y")), unknown("3")))),
    );
  });
});

function attributesOf(bytes: Bytes): Attribute[] {
  const batch = decode("logs", bytes) as {
    resourceLogs: { scopeLogs: { logRecords: { attributes?: Attribute[] }[] }[] }[];
  };
  return batch.resourceLogs[0]?.scopeLogs[0]?.logRecords[0]?.attributes ?? [];
}

describe("unusual, but right", () => {
  const long = (...bytes: number[]): Bytes => Uint8Array.from(bytes);
  const table: [name: string, record: Bytes][] = [
    ["value in front of the key", field(6, concat(field(2, text("1")), field(1, "a")))],
    ["the key twice: the last one counts", field(6, concat(field(1, "z"), field(1, "a"), field(2, text("1"))))],
    [
      "the value twice: they are merged, and its last member counts",
      field(6, concat(field(1, "a"), field(2, Writer.create().uint32(0x18).uint32(5).finish()), field(2, text("1")))),
    ],
    [
      "lengths and tags longer than necessary",
      concat(long(0xb2, 0x80, 0x00, 0x8b, 0x00, 0x8a, 0x00, 0x81, 0x00, 0x61, 0x12, 0x83, 0x00), text("1")),
    ],
    [
      "another member of the value in front",
      field(6, concat(field(1, "a"), field(2, concat(Writer.create().uint32(0x10).uint32(1).finish(), text("1"))))),
    ],
    ["no value", field(6, field(1, "a"))],
    ["no key", field(6, field(2, text("1")))],
    ["nothing in it", field(6, new Uint8Array())],
  ];
  const actions: [string, ActionConfig[]][] = [
    ["update", [{ key: "a", value: "new", action: "update" }]],
    ["upsert", [{ key: "a", value: 5, action: "upsert" }]],
    ["copy", [{ key: "b", from_attribute: "a", action: "insert" }]],
    ["hash", [{ key: "a", action: "hash" }]],
    ["hash of every key", [{ pattern: "^", action: "hash" }]],
    ["delete", [{ key: "a", action: "delete" }]],
    ["convert", [{ key: "a", action: "convert", converted_type: "int" }]],
  ];
  for (const [name, record] of table) {
    for (const [action, configured] of actions) {
      test(`${name}: ${action}`, async () => {
        const bytes = logs(concat(attribute("first", text("x")), record, attribute("last", text("y"))));
        // Without what the library makes of it (defaults), the plugin and the reference have to agree.
        const expected = types.logs.create(reference("logs", decode("logs", bytes), configured));
        const actual = decode("logs", await push(configured, bytes));
        assert.deepEqual(withKeys(actual), withKeys(types.logs.toObject(expected)));
      });
    }
  }

  /** A `KeyValue` without a key has an empty one. */
  function withKeys(batch: unknown): unknown {
    return JSON.parse(JSON.stringify(batch), (name, value) =>
      name === "attributes" ? (value as Partial<Attribute>[]).map((each) => ({ key: "", value: {}, ...each })) : value,
    );
  }
});

const EVERYTHING: ActionConfig[] = [
  { key: "a", value: "x", action: "upsert" },
  { key: "n", value: 1, action: "insert" },
  { key: "b", action: "hash" },
  { key: "m", action: "convert", converted_type: "string" },
  { key: "copy", from_attribute: "m", action: "upsert" },
  { key: "c", pattern: "(?<d>\\w+)", action: "extract" },
  { pattern: "^x", action: "delete" },
];
const LIST: Attribute[] = [
  { key: "a", value: { intValue: "5" } },
  { key: "b", value: { stringValue: "secret" } },
  {
    key: "m",
    value: {
      kvlistValue: {
        values: [{ key: "k", value: { arrayValue: { values: [{ bytesValue: "AAEC" }, { doubleValue: 0.5 }] } } }],
      },
    },
  },
  { key: "c", value: { stringValue: "word and more".repeat(20) } },
  { key: "xyz", value: { boolValue: true } },
];

describe("bytes that are made to be expensive", () => {
  /** Size of the guest's memory after a batch, in bytes: what grows with the square of the batch does not fit. */
  async function memoryAfter(actions: ActionConfig[], record: Bytes): Promise<number> {
    const guest = instantiateBinary(readFileSync(await buildAttributesPlugin()), JSON.stringify({ actions }));
    assert.equal(guest.start().status, 0);
    assert.equal(guest.consume("logs", logs(record)).status, 0);
    return guest.memory.buffer.byteLength;
  }
  const many = (part: Bytes, times: number): Bytes => concat(...Array.from({ length: times }, () => part));
  const twenty = 20 << 20;

  test("one array in a hundred thousand places", async () => {
    const value = many(field(5, field(1, text("x"))), 100_000);
    assert.ok(
      (await memoryAfter([{ key: "a", action: "convert", converted_type: "string" }], attribute("a", value))) < twenty,
    );
  });

  test("one value in a hundred thousand places", async () => {
    const entry = concat(field(1, "a"), many(field(2, text("x")), 100_000));
    assert.ok((await memoryAfter([{ key: "a", action: "hash" }], field(6, entry))) < twenty);
  });

  test("one key a hundred thousand times, removed one after another", async () => {
    const record = many(attribute("a", text("x")), 100_000);
    const actions = [{ key: "a", pattern: "^a$", action: "delete" }];
    assert.ok((await memoryAfter(actions, record)) < 2 * twenty);
    assert.deepEqual(attributesOf(await push(actions, logs(record))), []);
  });

  test("a hundred thousand keys in one map, with the same beginnings", async () => {
    const entries = concat(
      ...Array.from({ length: 100_000 }, (_, i) =>
        field(1, concat(field(1, `same beginning ${i % 50_000}`), field(2, text("x")))),
      ),
    );
    assert.ok(
      (await memoryAfter(
        [{ key: "a", action: "convert", converted_type: "string" }],
        attribute("a", field(6, entries)),
      )) <
        3 * twenty,
    );
  });
});

describe("damaged bytes are refused for good or give a result that can be decoded, and the next batch is as if nothing had been", () => {
  for (const signal of SIGNALS) {
    test(signal, async () => {
      const whole = encode(signal, batchOf(signal, [LIST, LIST]));
      const actions = EVERYTHING;
      await using plugin = await startPlugin({
        actions,
        include:
          signal === "metrics"
            ? { match_type: "regexp", metric_names: [""] }
            : { match_type: "regexp", attributes: [{ key: "b", value: "." }] },
      });
      const expected = Buffer.from((await plugin.push(signal, whole)) ?? []);
      assert.ok(expected.length > 0);
      let refused = 0;
      const attempt = async (bytes: Bytes): Promise<void> => {
        try {
          const result = await plugin.push(signal, bytes);
          // What a library can read before, it can read afterwards.
          if (result !== undefined && readable(signal, bytes)) types[signal].decode(result);
        } catch (error) {
          if (!(error instanceof PluginError && error.permanent && error.reason.startsWith("malformed OTLP")))
            throw error;
          refused++;
        }
      };
      for (let size = 0; size < whole.length; size += 3) await attempt(whole.subarray(0, size));
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
          async (changes) => {
            const bytes = whole.slice();
            for (const [at, value] of changes) bytes[at] = value;
            await attempt(bytes);
          },
        ),
        { numRuns: 1500 },
      );
      await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), attempt), { numRuns: 300 });
      assert.ok(refused > 0);
      assert.deepEqual(Buffer.from((await plugin.push(signal, whole)) ?? []), expected);
    });
  }

  function readable(signal: (typeof SIGNALS)[number], bytes: Bytes): boolean {
    try {
      types[signal].decode(bytes);
      return true;
    } catch {
      return false;
    }
  }
});

test("any attributes, any actions, any signal: as the reference does it", async () => {
  const key = fc.constantFrom("a", "b", "c", "http.url", "k".repeat(140), "");
  const scalar = fc.oneof(
    fc.string().map((stringValue) => ({ stringValue })),
    fc.constantFrom("12", "-3", "x1.5", "7.25", "y".repeat(200)).map((stringValue) => ({ stringValue })),
    fc.boolean().map((boolValue) => ({ boolValue })),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => ({ intValue: String(value) })),
    fc
      .double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 })
      .filter((value) => !Object.is(value, -0))
      .map((doubleValue) => ({ doubleValue })),
    fc.uint8Array({ maxLength: 5 }).map((bytes) => ({ bytesValue: Buffer.from(bytes).toString("base64") })),
    fc.constant({}),
  );
  const value = fc.oneof(
    scalar,
    fc.array(scalar, { minLength: 1, maxLength: 3 }).map((values) => ({ arrayValue: { values } })),
    fc
      .uniqueArray(fc.tuple(key, scalar), { selector: ([name]) => name, minLength: 1, maxLength: 3 })
      .map((entries) => ({
        kvlistValue: { values: entries.map(([name, each]) => ({ key: name, value: each })) },
      })),
  );
  const attributes = fc.array(fc.record({ key, value }), { maxLength: 6 });
  const named = key.filter((name) => name !== "");
  const raw = fc.oneof(fc.string({ maxLength: 4 }), fc.integer(), fc.boolean(), fc.constantFrom(1.5, ["x", 2]));
  const verb = fc.constantFrom("insert", "update", "upsert");
  const action: fc.Arbitrary<ActionConfig> = fc.oneof(
    fc.record({ key: named, action: verb, value: raw }),
    fc.record({ key: named, action: verb, from_attribute: named }),
    fc.record({ key: named, action: verb, from_attribute: named, default_value: raw }),
    fc.record({ key: named, action: fc.constantFrom("delete", "hash") }),
    fc.record({ pattern: fc.constantFrom("^[ab]$", "http", "k{3}"), action: fc.constantFrom("delete", "hash") }),
    fc.record({
      key: named,
      action: fc.constant("convert"),
      converted_type: fc.constantFrom("int", "double", "string"),
    }),
    fc.record({
      key: named,
      action: fc.constant("extract"),
      pattern: fc.constantFrom("^(?<a>\\w)(?<n>\\d*)", "(?<c>[0-9]+)(?<b>x)?"),
    }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...SIGNALS),
      fc.array(attributes, { maxLength: 3 }),
      fc.array(action, { minLength: 1, maxLength: 5 }),
      async (signal, lists, actions) => {
        // As the library would have it: what it leaves out is not there.
        const bytes = encode(signal, batchOf(signal, lists));
        const before = decode(signal, bytes);
        await using plugin = await startPlugin({ actions });
        const after = decode(signal, (await plugin.push(signal, bytes)) ?? bytes);
        assert.deepEqual(after, reference(signal, before, actions));
      },
    ),
    { numRuns: 400 },
  );
});
