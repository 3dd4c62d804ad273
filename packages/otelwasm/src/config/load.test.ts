// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the Collector's variables
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { ConfigError } from "../component/errors.ts";
import { expand } from "./expand.ts";
import { Expanded, plain } from "./expanded.ts";
import { loadConfig, parseConfig } from "./load.ts";

let folder = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "otelwasm-config-"));
});
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function issuesOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof ConfigError, `not a ConfigError: ${error}`);
    return error.issues;
  }
  assert.fail("nothing was thrown");
}

/** The value and the text of `key: <yaml>` after expansion. */
function expanded(
  yaml: string,
  env: Record<string, string> = {},
): { value: unknown; text: unknown; warnings: string[] } {
  const warnings: string[] = [];
  const node = parseConfig(`key: ${yaml}`, "test.yaml", { env, warn: (message) => warnings.push(message) }).key;
  return { value: plain(node), text: node instanceof Expanded ? node.text : undefined, warnings };
}

describe("expansion", () => {
  const env = {
    HOST: "example.org",
    PORT: "4318",
    TOKEN: "0123",
    FLAG: "true",
    EMPTY: "",
    LIST: "[a, 1]",
    MAP: "{a: {b: 1}}",
    NAME: "HOST",
    NESTED: "http://${env:HOST}",
    DOLLARS: "pa$$word",
    QUOTED: '"x y"',
    BROKEN: "[a: {",
    COLON: "a: b",
    COMMENT: "pass #word ",
    LINES: "-----BEGIN\nabc\n",
    INSIDE: "{a: '${env:HOST}'}",
    LONG: "12345678901234567890",
    SELF: "${env:SELF}",
  };
  const cases: readonly (readonly [yaml: string, value: unknown, text?: string])[] = [
    ["${env:HOST}", "example.org"],
    ["${HOST}", "example.org"],
    ["'${env:HOST}'", "example.org"],
    ["${env:PORT}", 4318, "4318"],
    ["${env:TOKEN}", 83, "0123"],
    ["${env:FLAG}", true, "true"],
    ["${env:EMPTY}", null, ""],
    ["${env:LIST}", ["a", 1], "[a, 1]"],
    ["${env:MAP}", { a: { b: 1 } }, "{a: {b: 1}}"],
    ["${env:COLON}", { a: "b" }, "a: b"],
    ["${env:QUOTED}", '"x y"'],
    ["${env:COMMENT}", "pass #word "],
    ["${env:LINES}", "-----BEGIN\nabc\n"],
    ["${env:INSIDE}", { a: "example.org" }, "{a: 'example.org'}"],
    ["${env:BROKEN}", "[a: {"],
    ["http://${env:HOST}:${PORT}/${env:TOKEN}", "http://example.org:4318/0123"],
    ["${PORT}${PORT}", "43184318"],
    ["${env:NESTED}", "http://example.org"],
    ["${env:${env:NAME}}", "example.org"],
    ["${env:DOLLARS}", "pa$$word"],
    ["$$", "$"],
    ["$${env:HOST}", "${env:HOST}"],
    ["$$${env:HOST}", "$example.org"],
    ["$$$${env:HOST}", "$${env:HOST}"],
    ["a$b", "a$b"],
    ["a$", "a$"],
    ["${env:HOST", "${env:HOST"],
    ["${env:UNSET:-5}", 5, "5"],
    ["${UNSET:-5}", 5, "5"],
    ["${env:UNSET:-}", null, ""],
    ["${env:UNSET:-a:-b}", "a:-b"],
    ["${env:UNSET:-http://x:1/}", "http://x:1/"],
    ["${env:UNSET:-${env:HOST}}", "example.org"],
    ["${env:UNSET:-${env:ALSO:-${PORT}}}", 4318, "4318"],
    ["${env:HOST:-other}", "example.org"],
    ["${env:EMPTY:-other}", null, ""],
    ["x${env:EMPTY}y", "xy"],
    ["'${yaml:[1, ${env:PORT}]}'", [1, 4318]],
    ["${yaml:01}", 1, "01"],
    ["'${yaml:a: ${env:HOST}}'", { a: "example.org" }],
    ["5", 5],
    ["[ '${env:HOST}', { a: '${env:PORT}' } ]", ["example.org", { a: 4318 }]],
  ];
  for (const [yaml, value, text] of cases) {
    test(`${yaml} is ${JSON.stringify(value)}`, () => {
      const result = expanded(yaml, env);
      assert.deepEqual(result.value, value);
      if (text !== undefined) assert.equal(result.text, text);
      assert.deepEqual(result.warnings, []);
    });
  }

  test("any text comes through if its dollars are doubled", () => {
    const warn = () => assert.fail("no variable was meant");
    const readFile = () => assert.fail("no file was meant");
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("$", "{", "}", ":", "-", "a", "env:") }), (text) => {
        assert.equal(expand(text.replaceAll("$", "$$$$"), { env: {}, warn, readFile }), text);
      }),
      { numRuns: 500 },
    );
  });

  test("a file: a secret without its last line feed, a certificate with all others", () => {
    const [secret, certificate] = [
      file("secret", "s3 #cret\n"),
      file("tls.pem", "-----BEGIN X-----\nabc\n-----END X-----\n"),
    ];
    assert.equal(expanded(`\${file:${secret}}`).value, "s3 #cret");
    assert.equal(expanded(`\${file:${certificate}}`).value, "-----BEGIN X-----\nabc\n-----END X-----");
  });

  test("a variable that is not set is a warning and an empty value", () => {
    const result = expanded("${env:UNSET}");
    assert.equal(result.value, null);
    assert.equal(result.text, "");
    assert.equal(result.warnings.length, 1);
    assert.match(result.warnings[0]!, /"UNSET", which is not set/);
  });

  test("the default of a variable that is set is not looked at", () => {
    assert.deepEqual(expanded("${env:HOST:-${env:UNSET}}", env).warnings, []);
  });

  test("a file's text is a value, without the last line feed", () => {
    assert.equal(expanded(`"\${file:${file("token", "s3cret\n")}}"`).value, "s3cret");
    assert.deepEqual(expanded(`"\${file:${file("part.yaml", "a: 1\nb: [2]\n")}}"`).value, { a: 1, b: [2] });
    assert.equal(expanded(`"\${file:${folder}/\${env:N}}"`, { N: "token" }).value, "s3cret");
  });

  test("every failed expansion is named with its path", () => {
    const issues = issuesOf(() =>
      parseConfig(
        "a:\n  b: ${file:/does/not/exist}\n  c: [x, '${vault:x}']\nd: ${env:SELF}\ne: ${env:NOT A NAME}\n",
        "t",
        {
          env,
        },
      ),
    );
    assert.equal(issues.length, 4);
    assert.match(issues[0]!, /^a::b: cannot read the file "\/does\/not\/exist": ENOENT/);
    assert.match(issues[1]!, /^a::c::1: \$\{vault:x\}: unknown scheme "vault"; known: env, file, yaml$/);
    assert.match(issues[2]!, /^d: too many nested expansions/);
    assert.match(issues[3]!, /^e: environment variable "NOT A NAME" has an invalid name/);
  });
});

describe("reading", () => {
  test("a syntax error says file, line and column, and shows the line", () => {
    const path = file("bad.yaml", "receivers:\n  otlp: [1, 2\nexporters: {}\n");
    const [issue] = issuesOf(() => loadConfig([path]));
    assert.ok(issue!.startsWith(`${path}:3:1: `), issue!);
    assert.match(issue!, /exporters: \{\}/);
  });

  test("a key given twice is an error with its place", () => {
    const path = file("twice.yaml", "receivers: {}\nreceivers: {}\n");
    assert.match(issuesOf(() => loadConfig([path]))[0]!, /twice\.yaml:2:1: Map keys must be unique/);
  });

  test("an alias without an anchor, an unknown tag, two documents", () => {
    assert.match(issuesOf(() => parseConfig("a: *b", "t"))[0]!, /^t.*b/);
    assert.match(issuesOf(() => parseConfig("a: !secret b", "t"))[0]!, /^t:1:4: .*secret/);
    assert.match(issuesOf(() => parseConfig("a: 1\n---\nb: 1", "t"))[0]!, /^t:2:1: .*multiple documents/);
  });

  test("anchors and merge keys work", () => {
    assert.deepEqual(parseConfig("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}"), { x: { a: 1, b: 2 }, y: { a: 1, b: 3 } });
  });

  test("a file that is missing, a folder, a list", () => {
    mkdirSync(join(folder, "sub"));
    const issues = issuesOf(() =>
      loadConfig([join(folder, "none.yaml"), join(folder, "sub"), file("list.yaml", "- a")]),
    );
    assert.equal(issues.length, 3);
    assert.match(issues[0]!, /none\.yaml": no such file$/);
    assert.match(issues[1]!, /sub": it is a directory$/);
    assert.match(issues[2]!, /list\.yaml: a configuration is a map .* not a list$/);
  });

  test("an empty file is an empty configuration", () => {
    assert.deepEqual(loadConfig([file("empty.yaml", "# nothing\n")]), {});
  });
});

describe("merging", () => {
  test("maps merge, lists and scalars are replaced, in the order given", () => {
    const a = file("a.yaml", "x: {k: 1, l: [1, 2], m: {a: 1}}\nz: {q: 1}");
    const b = file("b.yaml", "x: {k: 2, l: [3], m: {b: 2}}\nz: null");
    assert.deepEqual(loadConfig([a, b]), { x: { k: 2, l: [3], m: { a: 1, b: 2 } }, z: null });
    assert.deepEqual(loadConfig([b, a]), { x: { k: 1, l: [1, 2], m: { b: 2, a: 1 } }, z: { q: 1 } });
  });

  test("--set goes over all of it, with a YAML value", () => {
    const a = file("set.yaml", "processors: {batch: {timeout: 1s, size: 1}}");
    const sets = [
      "processors.batch.timeout=2s",
      "processors.batch.keys=[a, b]",
      "processors.attributes/x.on=true",
      "a=b=c",
      "e=",
      " f.g = 5 ",
      "exporters::otlp/a.b::x=1",
    ];
    assert.deepEqual(loadConfig([a], sets), {
      processors: { batch: { timeout: "2s", size: 1, keys: ["a", "b"] }, "attributes/x": { on: true } },
      a: "b=c",
      e: null,
      f: { g: 5 },
      exporters: { "otlp/a.b": { x: 1 } },
    });
  });

  test("--set without a key or a value is an error", () => {
    for (const set of ["abc", "=1", "a..b=1", ".a=1"]) {
      assert.match(issuesOf(() => loadConfig([], [set]))[0]!, /expected key=value/);
    }
  });

  test("what is replaced is not expanded", () => {
    const a = file("unused.yaml", "x: ${file:/does/not/exist}");
    assert.deepEqual(loadConfig([a, "yaml:x: 1"]), { x: 1 });
  });

  test("configurations from a variable, and from the command line with :: in keys", () => {
    const sources = ["env:CONF", "yaml:exporters::debug::verbosity: detailed"];
    assert.deepEqual(loadConfig([file("flat.yaml", "a::b: 1\na: {c::d: 2}")]), { a: { b: 1, "c::d": 2 } });
    assert.deepEqual(loadConfig(sources, [], { env: { CONF: "exporters: {debug: {a: 1}}" } }), {
      exporters: { debug: { a: 1, verbosity: "detailed" } },
    });
    assert.match(issuesOf(() => loadConfig(["env:NONE"], [], { env: {} }))[0]!, /variable is not set/);
  });

  test("a key named __proto__ stays a key", () => {
    const config = loadConfig(["yaml:{a: {__proto__: {x: 1}}}", "yaml:{a: {__proto__: {y: 2}}}"]);
    const a = config.a as object;
    assert.ok(Object.hasOwn(a, "__proto__"));
    assert.equal(Object.getPrototypeOf(a), Object.prototype);
  });
});
