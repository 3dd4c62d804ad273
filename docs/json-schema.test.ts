// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the Collector's variables
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Ajv } from "ajv";
import { configJsonSchema, validateConfig } from "otelwasm";
import { parse } from "yaml";

const root = join(import.meta.dirname, "..");
const valid = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(configJsonSchema());

function problemsOf(text: string): string[] {
  return valid(parse(text, { merge: true }))
    ? []
    : (valid.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}

const SKIP = /node_modules|\/build\/|\/dist\//;

describe("every configuration of this repository", () => {
  for (const path of globSync("**/config.yaml", { cwd: root }).filter((each) => !SKIP.test(each))) {
    // A template's words in braces are no YAML of their own.
    const text = readFileSync(join(root, path), "utf8").replaceAll("{{signal}}", "logs").replaceAll("{{name}}", "word");
    test(path, () => assert.deepEqual(problemsOf(text), []));
  }
  for (const path of globSync("**/*.md", { cwd: root }).filter((each) => !SKIP.test(each))) {
    const blocks = [...readFileSync(join(root, path), "utf8").matchAll(/^( *)```yaml\n([\s\S]*?)^\1```/gm)].map(
      (match) => match[2]!,
    );
    for (const [index, block] of blocks.entries()) {
      if (!/^(?:receivers|processors|exporters|connectors|extensions|service):/m.test(block)) continue;
      test(`${path}, block ${index + 1}`, () => assert.deepEqual(problemsOf(block), []));
    }
  }
});

const PIPELINE = `
service: { pipelines: { logs/a: { receivers: [otlp/x], exporters: [debug] } } }`;
const otlp = (http: string) => `
receivers: { otlp/x: { protocols: { http: ${http} } } }
exporters: { debug: }${PIPELINE}`;

describe("what can be used passes, what cannot does not", () => {
  const usable = [
    otlp(""),
    otlp("{ endpoint: 'localhost:0', max_request_body_size: 5MiB }"),
    otlp("{ max_request_body_size: 5000 }"),
    otlp("{ max_request_body_size: '${env:UNSET_SIZE:-5}' }"),
    otlp("{ endpoint: '${env:UNSET_HOST:-localhost}:4318' }"),
    otlp('"${yaml:endpoint: localhost:1}"'),
    otlp("").replace("debug: }", "debug: { verbosity: Detailed } }"),
    `${otlp("")}\nprocessors:\nextensions: { health_check: }`,
    otlp("").replace(
      "exporters: { debug: }",
      "exporters: { debug: , otlphttp/a: { endpoint: 'http://a', timeout: 1m30s, headers: { a: b } } }",
    ),
    otlp("").replace("service: {", "service: { telemetry: { logs: { level: INFO }, metrics: { level: none } },"),
  ];
  for (const text of usable) {
    test(text.trim(), async () => {
      assert.deepEqual(await validateConfig(text), []);
      assert.deepEqual(problemsOf(text), []);
    });
  }
  const unusable = [
    otlp("{ endpont: 'localhost:0' }"),
    otlp("{ max_request_body_size: 5 potatoes }"),
    otlp("[]"),
    otlp("").replace("debug: }", "debug: { verbosity: some } }"),
    otlp("").replace("otlp/x: {", "oltp/x: {"),
    otlp("").replace("exporters: { debug: }", "exporters: { debug: , otlp_http/a: { timeout: 5 } }"),
    otlp("").replace("logs/a", "log"),
    otlp("").replace("exporters: [debug]", "exporter: [debug]"),
    otlp("").replace("service: {", "service: { telemetry: { logs: { level: loud } },"),
    otlp("").replace("service: {", "service: { telemetry: { logs: { initial_fields: 5 } },"),
    `${otlp("")}\nrecievers: {}`,
  ];
  for (const text of unusable) {
    test(text.trim(), async () => {
      assert.notDeepEqual(await validateConfig(text), []);
      assert.notDeepEqual(problemsOf(text), []);
    });
  }
});

test("defaults are written as they would stand there", () => {
  const defaultOf = (name: string, key: string) => {
    const { anyOf } = (configJsonSchema().definitions as Record<string, { anyOf: { properties: object }[] }>)[name]!;
    return (Reflect.get(anyOf[0]!.properties, key) as { default?: unknown }).default;
  };
  assert.equal(defaultOf("exporter.otlp_http", "timeout"), "30s");
  assert.equal(defaultOf("extension.health_check", "endpoint"), "localhost:13133");
  assert.equal(defaultOf("exporter.debug", "verbosity"), "basic");
});
