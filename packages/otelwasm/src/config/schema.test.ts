// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the Collector's variables
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import { parseConfig } from "./load.ts";
import { applySchema } from "./schema.ts";
import { byteSize, duration, endpoint, httpUrl, parseHostPort, positiveDuration } from "./values.ts";

const ENV = { TOKEN: "0123", NUM: "5", FLAG: "true", JSON: '{"a": 1}', HALF: "1e3", NAME: "plain" };

function apply<T>(schema: z.ZodType<T>, yaml: string): T | readonly string[] {
  const result = applySchema(schema, parseConfig(yaml, "t", { env: ENV }), ["receivers", "otlp"]);
  return result.ok ? result.value : result.issues;
}

describe("an expanded variable", () => {
  const schema = z.strictObject({
    text: z.string().default("none"),
    number: z.number().default(1),
    flag: z.boolean().optional(),
    any: z.unknown().optional(),
    headers: z.record(z.string(), z.string()).optional(),
    list: z.array(z.string()).optional(),
    either: z.union([z.string(), z.strictObject({ a: z.string() })]).optional(),
    choice: z.enum(["0123", "x"]).optional(),
    wait: duration().default(7),
    upper: z
      .string()
      .transform((text) => text.toUpperCase())
      .optional(),
  });

  test("keeps its text in string fields and its value elsewhere", () => {
    const yaml = `
text: \${env:TOKEN}
number: \${env:NUM}
flag: \${env:FLAG}
any: { a: '\${env:TOKEN}', b: ['\${env:FLAG}'] }
headers: { x: '\${env:TOKEN}', y: '\${env:FLAG}', z: '\${env:JSON}' }
list: ['\${env:NUM}', b, '\${env:HALF}']
either: \${env:TOKEN}
choice: \${env:TOKEN}
upper: \${env:HALF}
wait: \${env:ZERO:-0}
`;
    assert.deepEqual(apply(schema, yaml), {
      text: "0123",
      number: 5,
      flag: true,
      any: { a: 83, b: [true] },
      headers: { x: "0123", y: "true", z: '{"a": 1}' },
      list: ["5", "b", "1e3"],
      either: "0123",
      choice: "0123",
      wait: 0,
      upper: "1E3",
    });
  });

  test("that is a map may be a section, with strings inside", () => {
    assert.deepEqual(apply(schema, "either: \"${yaml:{a: '${env:TOKEN}'}}\""), {
      text: "none",
      number: 1,
      either: { a: "0123" },
      wait: 7,
    });
  });

  test("that is not set is an empty text, and the default elsewhere", () => {
    const result = apply(schema, "text: ${env:UNSET}\nnumber: ${env:UNSET}\nflag: ${env:UNSET}\nwait: ${env:UNSET}");
    assert.deepEqual(result, { text: "", number: 1, wait: 7 });
  });

  test("a number that was written as one is no string", () => {
    assert.deepEqual(apply(schema, "text: 5"), [
      "receivers::otlp::text: must be a string, not the number 5; put it in quotes",
    ]);
  });
});

describe("a key without a value", () => {
  const schema = z.strictObject({
    protocols: z.strictObject({
      grpc: z.strictObject({ endpoint: z.string().default("localhost:4317") }).optional(),
      http: z.strictObject({ endpoint: z.string().default("localhost:4318") }).optional(),
    }),
    headers: z.record(z.string(), z.string()).default({}),
    size: z.number().default(3),
    needed: z.string(),
  });

  test("is an empty section, or the default", () => {
    assert.deepEqual(apply(schema, "protocols:\n  grpc:\nheaders:\nsize:\nneeded: x"), {
      protocols: { grpc: { endpoint: "localhost:4317" } },
      headers: {},
      size: 3,
      needed: "x",
    });
  });

  test("does not do for a value that is required", () => {
    assert.deepEqual(apply(schema, "protocols:\nneeded:"), ["receivers::otlp::needed: is required"]);
  });

  test("the whole configuration may be absent", () => {
    const optional = z.strictObject({ a: z.number().default(1) });
    assert.deepEqual(applySchema(optional, undefined, []), { ok: true, value: { a: 1 } });
    assert.deepEqual(applySchema(optional, null, []), { ok: true, value: { a: 1 } });
  });
});

describe("messages", () => {
  const schema = z.strictObject({
    protocols: z
      .strictObject({ grpc: z.strictObject({ endpoint: z.string() }).optional(), http: z.looseObject({}).optional() })
      .optional(),
    verbosity: z.enum(["basic", "normal", "detailed"]).optional(),
    items: z.array(z.strictObject({ key: z.string(), action: z.enum(["insert", "delete"]) })).optional(),
    size: z.int().min(1).max(10).optional(),
    ratio: z.number().positive().optional(),
    either: z.union([z.string(), z.strictObject({ path: z.string(), name: z.string().optional() })]).optional(),
    kind: z
      .discriminatedUnion("type", [
        z.strictObject({ type: z.literal("a") }),
        z.strictObject({ type: z.literal("b"), x: z.number() }),
      ])
      .optional(),
    flag: z.boolean().optional(),
    names: z.array(z.string()).min(1).optional(),
  });
  const cases: readonly (readonly [yaml: string, ...issues: string[]])[] = [
    ["protocols: {htp: {}}", 'receivers::otlp::protocols::htp: unknown key; did you mean "http"?'],
    ["protocols: {thrift_compact: {}}", "receivers::otlp::protocols::thrift_compact: unknown key; known: grpc, http"],
    [
      "protocols: {grpc: {endpiont: x, endpoint: y}}",
      'receivers::otlp::protocols::grpc::endpiont: unknown key; did you mean "endpoint"?',
    ],
    ["protocols: {grpc: {}}", "receivers::otlp::protocols::grpc::endpoint: is required"],
    ["protocols: [grpc]", "receivers::otlp::protocols: must be a map, not a list"],
    ["verbosity: loud", 'receivers::otlp::verbosity: must be one of "basic", "normal", "detailed", not "loud"'],
    [
      "items: [{key: a, action: insert}, {kye: b}]",
      "receivers::otlp::items::1::key: is required",
      'receivers::otlp::items::1::action: is required: one of "insert", "delete"',
      'receivers::otlp::items::1::kye: unknown key; did you mean "key"?',
    ],
    ["size: 0", "receivers::otlp::size: must be at least 1"],
    ["size: 11", "receivers::otlp::size: must be at most 10"],
    ["size: 1.5", "receivers::otlp::size: must be an integer, not the number 1.5"],
    ["size: big", "receivers::otlp::size: must be a number, not a string"],
    ["ratio: 0", "receivers::otlp::ratio: must be more than 0"],
    ["either: 5", "receivers::otlp::either: must be a string or a map, not the number 5; put it in quotes"],
    [
      "either: {pth: x}",
      "receivers::otlp::either::path: is required",
      'receivers::otlp::either::pth: unknown key; did you mean "path"?',
    ],
    ["kind: {type: b}", "receivers::otlp::kind::x: is required"],
    ["flag: 'yes'", "receivers::otlp::flag: must be true or false, not a string"],
    ["names: []", "receivers::otlp::names: must be at least 1 entries"],
    [
      "a: 1\nb: 2",
      "receivers::otlp::a: unknown key; known: protocols, verbosity, items, size, ratio, either, kind, flag, names",
      "receivers::otlp::b: unknown key; known: protocols, verbosity, items, size, ratio, either, kind, flag, names",
    ],
  ];
  for (const [yaml, ...issues] of cases) {
    test(yaml, () => assert.deepEqual(apply(schema, yaml), issues));
  }

  test("a schema's own words stay, and a refinement's path", () => {
    const own = z
      .strictObject({ a: z.string({ error: "say it" }).optional(), min: z.number(), max: z.number() })
      .refine((value) => value.min <= value.max, { path: ["min"], message: "must not be above max" });
    assert.deepEqual(apply(own, "a: 5\nmin: 1\nmax: 2"), ["receivers::otlp::a: say it"]);
    assert.deepEqual(apply(own, "min: 3\nmax: 2"), ["receivers::otlp::min: must not be above max"]);
  });

  test("a discriminator that nobody knows", () => {
    const [issue] = apply(schema, "kind: {type: c}") as readonly string[];
    assert.match(issue!, /^receivers::otlp::kind::type: .*'a' \| 'b'/);
  });
});

describe("primitives", () => {
  const schema = z.strictObject({
    d: duration().optional(),
    p: positiveDuration().optional(),
    b: byteSize().optional(),
    e: endpoint().optional(),
    u: httpUrl().optional(),
  });
  const good: readonly (readonly [string, unknown])[] = [
    ["d: 1m30s", { d: 90_000 }],
    ["d: 0", { d: 0 }],
    ["p: 1ms", { p: 1 }],
    ["b: 1024", { b: 1024 }],
    ["b: 1.5KiB", { b: 1536 }],
    ["b: 20 MiB", { b: 20_971_520 }],
    ["e: localhost:4317", { e: { host: "localhost", port: 4317 } }],
    ["e: '[::1]:0'", { e: { host: "::1", port: 0 } }],
    ["e: ':4318'", { e: { host: "", port: 4318 } }],
    ["u: http://localhost:4318/x", { u: new URL("http://localhost:4318/x") }],
  ];
  for (const [yaml, value] of good) {
    test(yaml, () => assert.deepEqual(apply(schema, yaml), value));
  }
  const bad: readonly (readonly [string, string])[] = [
    ["d: 5", 'receivers::otlp::d: needs a unit, for example "5s" or "5ms"'],
    ["d: '5'", 'receivers::otlp::d: "5" needs a unit, for example "200ms", "5s" or "1m30s"'],
    ["d: soon", 'receivers::otlp::d: "soon" is not a duration, for example "200ms", "5s" or "1m30s"'],
    ["d: -5s", "receivers::otlp::d: must not be negative"],
    ["p: 0s", "receivers::otlp::p: must be more than 0"],
    ["d: [1]", "receivers::otlp::d: must be a string, not a list"],
    ["b: lots", 'receivers::otlp::b: "lots" is not a size, for example 1048576 or "1MiB"'],
    ["b: -1", "receivers::otlp::b: must be at least 0"],
    [
      "e: localhost",
      'receivers::otlp::e: "localhost" is not host:port, for example "localhost:4317" or "0.0.0.0:4317"',
    ],
    [
      "u: localhost:4318",
      'receivers::otlp::u: "localhost:4318" is not an http:// or https:// URL, for example "http://localhost:4318"',
    ],
  ];
  for (const [yaml, issue] of bad) {
    test(yaml, () => assert.deepEqual(apply(schema, yaml), [issue]));
  }

  test("a required duration that is missing says so", () => {
    assert.deepEqual(apply(z.strictObject({ d: duration() }), "{}"), ["receivers::otlp::d: is required"]);
  });

  test("parseHostPort refuses what is not host:port", () => {
    for (const text of ["", "a", "a:", "a:b", "a:65536", "::1:80", "http://a:80", "[::1]", "a b:80", "a:80/x"]) {
      assert.equal(parseHostPort(text), undefined, text);
    }
  });
});
