import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { batchOf, SIGNALS } from "./batches.ts";
import { encode, process, startPlugin } from "./plugin.ts";
import { type ActionConfig, type AnyValue, type Attribute, itemsOf, reference } from "./reference.ts";

const text = (stringValue: string): AnyValue => ({ stringValue });
const int = (intValue: number | string): AnyValue => ({ intValue: String(intValue) });
const double = (doubleValue: number): AnyValue => ({ doubleValue });
const bool = (boolValue: boolean): AnyValue => ({ boolValue });
const bytes = (value: string): AnyValue => ({ bytesValue: Buffer.from(value).toString("base64") });
const array = (...values: AnyValue[]): AnyValue => ({ arrayValue: values.length > 0 ? { values } : {} });
const map = (...entries: [string, AnyValue][]): AnyValue => ({ kvlistValue: { values: list(...entries) } });
const sha256 = (content: string | Buffer): AnyValue => text(createHash("sha256").update(content).digest("hex"));

function list(...entries: [string, AnyValue][]): Attribute[] {
  return entries.map(([key, value]) => ({ key, value }));
}

function le64(write: (buffer: Buffer) => void): Buffer {
  const buffer = Buffer.alloc(8);
  write(buffer);
  return buffer;
}

interface Case {
  name: string;
  actions: ActionConfig[];
  before: Attribute[];
  after: Attribute[];
}

const A = list(["a", text("1")], ["b", int(2)]);
const CASES: Case[] = [
  {
    name: "insert adds a key that is not there",
    actions: [{ key: "c", value: "x", action: "insert" }],
    before: A,
    after: [...A, ...list(["c", text("x")])],
  },
  {
    name: "insert into nothing",
    actions: [{ key: "c", value: "x", action: "insert" }],
    before: [],
    after: list(["c", text("x")]),
  },
  {
    name: "insert leaves a key alone that is there",
    actions: [{ key: "a", value: "x", action: "insert" }],
    before: A,
    after: A,
  },
  {
    name: "values of every type",
    actions: [
      { key: "i", value: 2245, action: "insert" },
      { key: "n", value: -7, action: "insert" },
      { key: "d", value: 1.5, action: "insert" },
      { key: "t", value: true, action: "insert" },
      { key: "f", value: false, action: "insert" },
      { key: "l", value: [1, "two", [3.5]], action: "insert" },
      { key: "m", value: { k: "v", n: { deep: true } }, action: "insert" },
      { key: "e", value: "", action: "insert" },
    ],
    before: [],
    after: list(
      ["i", int(2245)],
      ["n", int(-7)],
      ["d", double(1.5)],
      ["t", bool(true)],
      ["f", bool(false)],
      ["l", array(int(1), text("two"), array(double(3.5)))],
      ["m", map(["k", text("v")], ["n", map(["deep", bool(true)])])],
      ["e", text("")],
    ),
  },
  {
    name: "update changes in place",
    actions: [{ key: "a", value: 5, action: "update" }],
    before: A,
    after: list(["a", int(5)], ["b", int(2)]),
  },
  { name: "update adds nothing", actions: [{ key: "c", value: 5, action: "update" }], before: A, after: A },
  {
    name: "upsert does either",
    actions: [
      { key: "a", value: "x", action: "upsert" },
      { key: "c", value: "y", action: "upsert" },
    ],
    before: A,
    after: list(["a", text("x")], ["b", int(2)], ["c", text("y")]),
  },
  {
    name: "from_attribute copies any value",
    actions: [{ key: "copy", from_attribute: "m", action: "insert" }],
    before: list(["m", map(["k", array(bytes("\0\xff"), {})])]),
    after: list(["m", map(["k", array(bytes("\0\xff"), {})])], ["copy", map(["k", array(bytes("\0\xff"), {})])]),
  },
  {
    name: "from_attribute without that attribute does nothing",
    actions: [
      { key: "x", from_attribute: "none", action: "insert" },
      { key: "a", from_attribute: "none", action: "update" },
      { key: "y", from_attribute: "none", action: "upsert" },
    ],
    before: A,
    after: A,
  },
  {
    name: "default_value stands in for a missing attribute",
    actions: [
      { key: "x", from_attribute: "none", default_value: "d", action: "insert" },
      { key: "y", from_attribute: "a", default_value: "d", action: "insert" },
      { key: "z", default_value: 3, action: "upsert" },
    ],
    before: A,
    after: [...A, ...list(["x", text("d")], ["y", text("1")], ["z", int(3)])],
  },
  { name: "delete", actions: [{ key: "a", action: "delete" }], before: A, after: list(["b", int(2)]) },
  { name: "delete of everything", actions: [{ pattern: ".", action: "delete" }], before: A, after: [] },
  {
    name: "delete by key and by pattern",
    actions: [{ key: "b", pattern: "^http\\.", action: "delete" }],
    before: list(["a", text("1")], ["http.url", text("u")], ["b", int(2)], ["xhttp.", int(1)], ["http.", int(1)]),
    after: list(["a", text("1")], ["xhttp.", int(1)]),
  },
  {
    name: "hash of every type",
    actions: [{ pattern: "^.$", action: "hash" }],
    before: list(
      ["s", text("secret")],
      ["e", text("")],
      ["t", bool(true)],
      ["f", bool(false)],
      ["i", int(-5)],
      ["d", double(1.5)],
      ["b", bytes("x")],
      ["l", array(int(1))],
      ["n", {}],
    ),
    after: list(
      ["s", sha256("secret")],
      ["e", sha256("")],
      ["t", sha256(Buffer.of(1))],
      ["f", sha256(Buffer.of(0))],
      ["i", sha256(le64((buffer) => buffer.writeBigInt64LE(-5n)))],
      ["d", sha256(le64((buffer) => buffer.writeDoubleLE(1.5)))],
      ["b", text("")],
      ["l", text("")],
      ["n", text("")],
    ),
  },
  {
    name: "a key that its pattern matches too is hashed twice, as by the Collector",
    actions: [{ key: "a", pattern: "a", action: "hash" }],
    before: list(["a", text("x")]),
    after: list(["a", sha256(createHash("sha256").update("x").digest("hex"))]),
  },
  {
    name: "extract makes and overwrites attributes",
    actions: [
      {
        key: "http.url",
        pattern: "^(?<http_protocol>.*):\\/\\/(?<http_domain>.*)\\/(?<http_path>.*)(?:\\?|&)(?<http_query_params>.*)",
        action: "extract",
      },
    ],
    before: list(
      ["http_path", int(1)],
      ["http.url", text("http://example.com/path?queryParam1=value1,queryParam2=value2")],
    ),
    after: list(
      ["http_path", text("path")],
      ["http.url", text("http://example.com/path?queryParam1=value1,queryParam2=value2")],
      ["http_protocol", text("http")],
      ["http_domain", text("example.com")],
      ["http_query_params", text("queryParam1=value1,queryParam2=value2")],
    ),
  },
  {
    name: "extract: a group that takes no part gives empty text; the key itself may be a target",
    actions: [{ key: "key", pattern: "(?<key>é+)(?<opt>Z)?", action: "extract" }],
    before: list(["key", text("xéé!")]),
    after: list(["key", text("éé")], ["opt", text("")]),
  },
  {
    name: "extract needs text and a match",
    actions: [
      { key: "b", pattern: "(?<x>.)", action: "extract" },
      { key: "a", pattern: "(?<x>no)", action: "extract" },
    ],
    before: A,
    after: A,
  },
  {
    name: "convert to int",
    actions: [..."abcdefghi"].map((key) => ({ key, action: "convert", converted_type: "int" })),
    before: list(
      ["a", text("-12")],
      ["b", text("1.5")],
      ["c", double(-2.9)],
      ["d", bool(true)],
      ["e", int(4)],
      ["f", array()],
      ["g", text("9223372036854775808")],
      ["h", text("+007")],
      ["i", text(" 1")],
    ),
    after: list(
      ["a", int(-12)],
      ["b", text("1.5")],
      ["c", int(-2)],
      ["d", int(1)],
      ["e", int(4)],
      ["f", array()],
      ["g", text("9223372036854775808")],
      ["h", int(7)],
      ["i", text(" 1")],
    ),
  },
  {
    name: "convert to double",
    actions: [..."abcdefg"].map((key) => ({ key, action: "convert", converted_type: "double" })),
    before: list(
      ["a", text("1.5e3")],
      ["b", int(7)],
      ["c", bool(false)],
      ["d", text("x")],
      ["e", double(2)],
      ["f", text("0.1")],
      ["g", text("1e400")],
    ),
    after: list(
      ["a", double(1500)],
      ["b", double(7)],
      ["c", double(0)],
      ["d", text("x")],
      ["e", double(2)],
      ["f", double(0.1)],
      ["g", text("1e400")],
    ),
  },
  {
    name: "convert to string",
    actions: [..."abcdefghi"].map((key) => ({ key, action: "convert", converted_type: "string" })),
    before: list(
      ["a", int("-9223372036854775808")],
      ["b", double(1e21)],
      ["c", double(0.1)],
      ["d", bool(true)],
      ["e", bytes("\0\xfe<")],
      ["f", {}],
      ["g", text("same")],
      ["h", map(["z", array(int(1), double(2.5), text('q"\\\n\u0001<&>é\u2028'), {})], ["a", bool(false)])],
      ["i", array()],
    ),
    after: list(
      ["a", text("-9223372036854775808")],
      ["b", text("1e+21")],
      ["c", text("0.1")],
      ["d", text("true")],
      ["e", text(Buffer.from("\0\xfe<").toString("base64"))],
      ["f", text("")],
      ["g", text("same")],
      ["h", text('{"a":false,"z":[1,2.5,"q\\"\\\\\\n\\u0001<&>é\\u2028",null]}')],
      ["i", text("[]")],
    ),
  },
  {
    name: "actions see what those before them did",
    actions: [
      { key: "operation", value: "default", action: "insert" },
      { key: "svc.operation", from_attribute: "operation", action: "upsert" },
      { key: "operation", action: "delete" },
      { key: "operation", value: "again", action: "insert" },
      { key: "tmp", value: 1, action: "upsert" },
      { key: "tmp", action: "convert", converted_type: "string" },
      { key: "tmp", action: "hash" },
      { key: "gone", value: 1, action: "insert" },
      { key: "gone", action: "delete" },
    ],
    before: list(["timeout", int(10)], ["operation", text("subtract")]),
    after: list(
      ["timeout", int(10)],
      ["svc.operation", text("subtract")],
      ["operation", text("again")],
      ["tmp", sha256("1")],
    ),
  },
  {
    name: "of a key that occurs twice, the first one counts; when it is deleted, the second",
    actions: [
      { key: "a", value: "x", action: "update" },
      { key: "b", action: "delete" },
      { key: "b", value: "y", action: "update" },
    ],
    before: list(["a", text("1")], ["b", text("2")], ["a", text("3")], ["b", text("4")]),
    after: list(["a", text("x")], ["a", text("3")], ["b", text("y")]),
  },
  {
    name: "keys and values of any length",
    actions: [
      { key: "k".repeat(300), value: "v".repeat(20_000), action: "upsert" },
      { key: "long", action: "hash" },
      { key: "new".repeat(100), from_attribute: "long", action: "insert" },
    ],
    before: list(
      ["k".repeat(300), text("w".repeat(200))],
      ["long", text("x".repeat(70_000))],
      ["k".repeat(299), int(1)],
    ),
    after: list(
      ["k".repeat(300), text("v".repeat(20_000))],
      ["long", sha256("x".repeat(70_000))],
      ["k".repeat(299), int(1)],
      ["new".repeat(100), sha256("x".repeat(70_000))],
    ),
  },
];

for (const signal of SIGNALS) {
  describe(signal, () => {
    for (const { name, actions, before, after } of CASES) {
      test(name, async () => {
        const batch = batchOf(signal, [before, [], before]);
        const items = itemsOf(signal, batch).length;
        const result = await process({ actions }, signal, batch);
        const lists = itemsOf(signal, result).map((item) => item.attributes ?? []);
        assert.equal(lists.length, items);
        assert.deepEqual(lists[0], after);
        // And nothing else has changed.
        assert.deepEqual(result, reference(signal, batch, actions));
      });
    }

    test("a batch with nothing to do is answered without a result", async () => {
      await using plugin = await startPlugin({
        actions: [
          { key: "none", action: "delete" },
          { key: "none", value: 1, action: "update" },
          { key: "a", value: 1, action: "insert" },
          { key: "gone", value: 1, action: "insert" },
          { pattern: "^gone$", action: "delete" },
          { key: "a", action: "convert", converted_type: "string" },
        ],
      });
      const bytes = encode(signal, batchOf(signal, [A, A]));
      assert.equal(await plugin.push(signal, bytes), undefined);
      assert.equal(await plugin.push(signal, new Uint8Array()), undefined);
    });

    test("action words may be in capitals", async () => {
      const result = await process(
        { actions: [{ key: "c", value: 1, action: "INSERT" }] },
        signal,
        batchOf(signal, [A]),
      );
      assert.deepEqual(itemsOf(signal, result)[0]?.attributes, [...A, ...list(["c", int(1)])]);
    });
  });
}
