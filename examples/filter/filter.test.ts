/** Each criterion by an example, and all of them against a reference in JavaScript. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { items, type Plain, requestType, SIGNALS, type Signal } from "../../e2e/proto.ts";
import { batch } from "../../packages/sdk/test/arbitrary.ts";
import { decodeReference } from "../../packages/sdk/test/reference.ts";
import {
  attribute,
  documentedConfigs,
  type Fields,
  list,
  refusesOrTakes,
  type StartedPlugin,
  startPlugin,
  throughCollector,
} from "../testing.ts";
import { buildFilterPlugin } from "./build.ts";
import { expected, KINDS, STATUSES } from "./reference.ts";

const path = await buildFilterPlugin();
const start = (config: object): Promise<StartedPlugin> => startPlugin(path, config, SIGNALS);

const resource = (service: string, more: object = {}): object => ({
  attributes: [
    attribute("service.name", service),
    ...Object.entries(more).map(([key, value]) => attribute(key, value)),
  ],
});
const attributes = (object: object): object[] => Object.entries(object).map(([key, value]) => attribute(key, value));

async function remaining(signal: Signal, config: object, message: object): Promise<unknown[]> {
  await using plugin = await start(config);
  const pushed = await plugin.push(signal, message);
  return items(signal, pushed.message).map(
    ({ name, body, attributes: own }) =>
      name ??
      (body as Plain | undefined)?.stringValue ??
      (own as Plain[] | undefined)?.map(({ value }) => Object.values(value as Plain)[0]),
  );
}

const TRACES = {
  resourceSpans: [
    {
      resource: resource("cart", { "k8s.replicas": 3 }),
      scopeSpans: [
        {
          scope: { name: "http" },
          spans: [
            { name: "GET /health", kind: 2 },
            { name: "GET /health!", kind: 2, status: { code: 2 } },
            {
              name: "GET /cart",
              kind: 2,
              status: { code: 1 },
              attributes: attributes({ "http.status_code": 200, ok: true, load: 0.5 }),
            },
          ],
        },
        {
          scope: { name: "db" },
          spans: [{ name: "SELECT", kind: 3, attributes: attributes({ "db.system": "redis" }) }],
        },
      ],
    },
    { resource: resource("checkout"), scopeSpans: [{ spans: [{ name: "POST /order" }, {}] }] },
  ],
};
const ALL_SPANS = ["GET /health", "GET /health!", "GET /cart", "SELECT", "POST /order", undefined];

test("spans: every criterion", async () => {
  const dropped = async (...span: object[]): Promise<unknown[]> => {
    const left = await remaining("traces", { traces: { span } }, TRACES);
    return ALL_SPANS.filter((name) => !left.includes(name));
  };
  assert.deepEqual(await dropped({ name: "/health" }), ["GET /health", "GET /health!"]);
  assert.deepEqual(await dropped({ name: "GET /health", match_type: "strict" }), ["GET /health"]);
  assert.deepEqual(await dropped({ name: "^$" }), [undefined]);
  assert.deepEqual(await dropped({ name: "", match_type: "strict" }), [undefined]);
  assert.deepEqual(await dropped({ service: "^check" }), ["POST /order", undefined]);
  assert.deepEqual(await dropped({ scope: "db" }), ["SELECT"]);
  assert.deepEqual(await dropped({ scope: "^$" }), ["POST /order", undefined]);
  assert.deepEqual(
    await dropped({ resource_attributes: [{ key: "k8s.replicas", value: "^3$" }], kind: "server" }),
    ALL_SPANS.slice(0, 3),
  );
  assert.deepEqual(await dropped({ kind: "CLIENT" }), ["SELECT"]);
  assert.deepEqual(await dropped({ kind: "unspecified" }), ["POST /order", undefined]);
  assert.deepEqual(await dropped({ status: "error" }), ["GET /health!"]);
  assert.deepEqual(await dropped({ status: "unset", service: "cart" }), ["GET /health", "SELECT"]);
  assert.deepEqual(await dropped({ attributes: [{ key: "db.system" }] }), ["SELECT"]);
  const strict = (key: string, value: string): Promise<unknown[]> =>
    dropped({ match_type: "strict", attributes: [{ key, value }] });
  assert.deepEqual(await strict("http.status_code", "200"), ["GET /cart"]);
  assert.deepEqual(await strict("ok", "true"), ["GET /cart"]);
  assert.deepEqual(await strict("load", "0.5"), ["GET /cart"]);
  assert.deepEqual(await strict("load", "0"), []);
  assert.deepEqual(await dropped({ name: "health", unless: { status: "error" } }), ["GET /health"]);
  assert.deepEqual(await dropped({ kind: "client" }, { service: "checkout" }), ["SELECT", "POST /order", undefined]);
});

test("log records: every criterion", async () => {
  const message = {
    resourceLogs: [
      {
        resource: resource("shop"),
        scopeLogs: [
          {
            logRecords: [
              { body: { stringValue: "trace" }, severityNumber: 1 },
              { body: { stringValue: "debug4" }, severityNumber: 8 },
              { body: { stringValue: "info" }, severityNumber: 9, eventName: "order.taken" },
              { body: { stringValue: "fatal4" }, severityNumber: 24, attributes: attributes({ level: "x" }) },
              { body: { stringValue: "none" } },
            ],
          },
        ],
      },
    ],
  };
  const left = (condition: object): Promise<unknown[]> =>
    remaining("logs", { logs: { log_record: [condition] } }, message);
  assert.deepEqual(await left({ severity_max: "debug" }), ["info", "fatal4", "none"]);
  assert.deepEqual(await left({ severity_max: "DEBUG3" }), ["debug4", "info", "fatal4", "none"]);
  assert.deepEqual(await left({ severity_min: "INFO" }), ["trace", "debug4", "none"]);
  assert.deepEqual(await left({ severity_min: "DEBUG4", severity_max: "INFO" }), ["trace", "fatal4", "none"]);
  assert.deepEqual(await left({ severity_max: "TRACE", severity_undefined: true }), ["debug4", "info", "fatal4"]);
  assert.deepEqual(await left({ severity_undefined: true }), ["trace", "debug4", "info", "fatal4"]);
  assert.deepEqual(await left({ body: "4$" }), ["trace", "info", "none"]);
  assert.deepEqual(await left({ event_name: "^order\\." }), ["trace", "debug4", "fatal4", "none"]);
  assert.deepEqual(await left({ attributes: [{ key: "level" }] }), ["trace", "debug4", "info", "none"]);
});

test("metrics and data points: every criterion", async () => {
  const points = [{ attributes: attributes({ state: "idle" }) }, { attributes: attributes({ state: "used" }) }];
  const message = {
    resourceMetrics: [
      {
        resource: resource("host"),
        scopeMetrics: [
          {
            metrics: [
              { name: "gauge", gauge: { dataPoints: points } },
              { name: "sum", sum: { dataPoints: points, isMonotonic: true } },
              { name: "histogram", histogram: { dataPoints: points } },
              { name: "exponential", exponentialHistogram: { dataPoints: points } },
              { name: "summary", summary: { dataPoints: [points[0]] } },
            ],
          },
          { metrics: [{ name: "none" }, { name: "empty", gauge: {} }] },
        ],
      },
    ],
  };
  const left = async (metrics: object): Promise<unknown[]> => {
    await using plugin = await start({ metrics });
    const pushed = await plugin.push("metrics", message);
    return list(pushed.message, "resourceMetrics").flatMap((r) =>
      list(r, "scopeMetrics").flatMap((s) =>
        list(s, "metrics").map((metric) => {
          const count = items("metrics", {
            resourceMetrics: [{ scopeMetrics: [{ metrics: [metric as Plain] }] }],
          }).length;
          return `${metric.name} ${count}`;
        }),
      ),
    );
  };
  const all = ["gauge 2", "sum 2", "histogram 2", "exponential 2", "summary 1", "none 0", "empty 0"];
  assert.deepEqual(await left({ metric: [{ name: "^x" }] }), all);
  assert.deepEqual(await left({ metric: [{ name: "gram$" }, { type: "gauge" }] }), [
    "sum 2",
    "exponential 2",
    "summary 1",
    "none 0",
  ]);
  const idle = [{ key: "state", value: "idle" }];
  // As the Collector: with conditions for data points, metrics that came without any go too.
  assert.deepEqual(await left({ datapoint: [{ attributes: idle }] }), [
    "gauge 1",
    "sum 1",
    "histogram 1",
    "exponential 1",
    "none 0",
  ]);
  const sums = { datapoint: [{ attributes: idle, type: "sum" }, { name: "^gauge$" }] };
  assert.deepEqual(await left(sums), ["sum 1", "histogram 2", "exponential 2", "summary 1", "none 0"]);
  assert.deepEqual(await left({ datapoint: [{ service: "host", unless: { attributes: idle } }] }), [
    "gauge 1",
    "sum 1",
    "histogram 1",
    "exponential 1",
    "summary 1",
    "none 0",
  ]);
});

test("what is empty goes, and where nothing is left there are no bytes", async () => {
  await using plugin = await start({ traces: { span: [{ service: "." }] }, logs: { log_record: [{ body: "." }] } });
  assert.equal((await plugin.push("traces", TRACES)).bytes.length, 0);
  const untouched = await plugin.push("metrics", { resourceMetrics: [{ scopeMetrics: [{}] }] });
  assert.equal(untouched.changed, false, "no conditions for metrics");
  await using scopes = await start({ traces: { span: [{ scope: "db" }] } });
  const { message } = await scopes.push("traces", TRACES);
  assert.deepEqual(
    list(message, "resourceSpans").map((each) => list(each, "scopeSpans").length),
    [1, 1],
  );
  await using none = await start({ traces: { span: [{ name: "nobody" }] } });
  assert.equal((await none.push("traces", TRACES)).changed, false);
});

test("what is wrong with the configuration is named", async () => {
  const refused = (config: object, reason: RegExp): Promise<void> => assert.rejects(start(config), reason);
  const span = (condition: unknown, reason: RegExp): Promise<void> =>
    refused({ traces: { span: [{ name: "a" }, condition] } }, reason);
  await span({ name: "(" }, /plugin_config: traces\.span\[1\]\.name is not a regular expression: "\(": .*offset/);
  await span({ attributes: [{ key: "a", value: "[" }] }, /traces\.span\[1\]\.attributes\[0\]\.value is not a regular/);
  await span({ attributes: [{ value: "a" }] }, /traces\.span\[1\]\.attributes\[0\]\.key is required/);
  await span({ attributes: [{ key: "a", value: 200 }] }, /attributes\[0\]\.value must be a string, but is a number/);
  await span({}, /traces\.span\[1\] has no criterion/);
  await span({ name: "a", unless: {} }, /traces\.span\[1\]\.unless has no criterion/);
  await span({ kind: "servr" }, /traces\.span\[1\]\.kind is "servr"; known are: unspecified, internal/);
  await span({ severity_min: "INFO" }, /traces\.span\[1\]\.severity_min is not a known key/);
  await span({ name: "a", match_type: "glob" }, /traces\.span\[1\]\.match_type is "glob"; known are: regexp, strict/);
  await span("a", /traces\.span\[1\] must be a map, but is a string/);
  await refused(
    { logs: { log_record: [{ severity_min: "WARNING" }] } },
    /logs\.log_record\[0\]\.severity_min is "WARNING"/,
  );
  await refused({ logs: { log_record: [{ severity_min: "WARN", severity_max: "INFO" }] } }, /is above severity_max/);
  await refused({ metrics: { metric: [{ type: "counter" }] } }, /metrics\.metric\[0\]\.type is "counter"/);
  await refused({ traces: { spans: [] } }, /traces\.spans is not a known key; known are: span/);
});

// A small world, so that conditions hold about as often as not.
const word = fc.constantFrom("a", "b", "ab", "");
const value = fc.oneof(word, fc.constantFrom(1, 2, true, 0.5));
const someAttributes = fc.dictionary(fc.constantFrom("k", "l", "service.name"), value, { maxKeys: 2 }).map(attributes);
const wantedAttributes = fc.array(
  fc.record(
    { key: fc.constantFrom("k", "l"), value: fc.constantFrom("a", "1", "true", "0.5") },
    { requiredKeys: ["key"] },
  ),
  { minLength: 1, maxLength: 2 },
);
const common = {
  match_type: fc.constantFrom("regexp", "strict"),
  service: word,
  scope: word,
  resource_attributes: wantedAttributes,
};
/** Conditions with these criteria or some of them, one at least. */
function condition(criteria: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Fields> {
  const plain = fc
    .record({ ...common, ...criteria }, { requiredKeys: [] })
    .filter((each) => Object.keys(each).some((key) => key !== "match_type"));
  return fc
    .tuple(plain, fc.option(plain))
    .map(([each, unless]) => (unless === null ? each : { ...each, unless }) as Fields);
}

const spanCondition = condition({
  name: word,
  attributes: wantedAttributes,
  kind: fc.constantFrom(...KINDS),
  status: fc.constantFrom(...STATUSES),
});
const logCondition = condition({
  body: word,
  attributes: wantedAttributes,
  severity_min: fc.constantFrom("TRACE", "DEBUG"),
  severity_max: fc.constantFrom("DEBUG", "INFO"),
  severity_undefined: fc.boolean(),
}).filter((each) =>
  [each, each.unless ?? {}].every((part) => Object.keys(part).some((key) => !/^match|undefined/.test(key))),
);

function message(outer: string, inner: string, item: string, of: fc.Arbitrary<object>): fc.Arbitrary<Fields> {
  const scope = fc.record({ scope: fc.record({ name: word }), [item]: fc.array(of, { maxLength: 3 }) });
  const one = fc.record({
    resource: fc.record({ attributes: someAttributes }),
    [inner]: fc.array(scope, { maxLength: 2 }),
  });
  return fc.record({ [outer]: fc.array(one, { maxLength: 2 }) }) as fc.Arbitrary<Fields>;
}

test("spans: what remains is what the reference says", async () => {
  const span = fc.record(
    { name: word, kind: fc.nat(2), status: fc.record({ code: fc.nat(2) }), attributes: someAttributes },
    { requiredKeys: [] },
  );
  const names = ["resourceSpans", "scopeSpans", "spans"] as const;
  await fc.assert(
    fc.asyncProperty(
      fc.array(spanCondition, { minLength: 1, maxLength: 2 }),
      fc.array(message(...names, span), { minLength: 5, maxLength: 10 }),
      async (span, batches) => {
        await using plugin = await start({ traces: { span } });
        for (const each of batches) {
          const bytes = requestType.traces.encode(requestType.traces.fromObject(each)).finish();
          const before = decodeReference(requestType.traces, bytes);
          const result = await plugin.push("traces", bytes);
          assert.deepEqual(decodeReference(requestType.traces, result.bytes), expected(names, span, before));
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("log records: what remains is what the reference says", async () => {
  const record = fc.record(
    { body: value.map((each) => attribute("", each).value), severityNumber: fc.nat(12), attributes: someAttributes },
    { requiredKeys: [] },
  );
  const names = ["resourceLogs", "scopeLogs", "logRecords"] as const;
  await fc.assert(
    fc.asyncProperty(
      fc.array(logCondition, { minLength: 1, maxLength: 2 }),
      fc.array(message(...names, record), { minLength: 5, maxLength: 10 }),
      async (log_record, batches) => {
        await using plugin = await start({ logs: { log_record } });
        for (const each of batches) {
          const bytes = requestType.logs.encode(requestType.logs.fromObject(each)).finish();
          const before = decodeReference(requestType.logs, bytes);
          const result = await plugin.push("logs", bytes);
          assert.deepEqual(decodeReference(requestType.logs, result.bytes), expected(names, log_record, before));
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("whatever the bytes are: what is kept is as it came, unknown fields included", async () => {
  await using plugin = await start({
    traces: { span: [{ kind: "internal" }] },
    logs: { log_record: [{ severity_min: "TRACE" }] },
  });
  const kinds = ["resourceSpans", "scopeSpans", "spans"] as const;
  await fc.assert(
    fc.asyncProperty(batch(requestType.traces), async (bytes) => {
      const { bytes: result } = await plugin.push("traces", bytes);
      assert.deepEqual(
        decodeReference(requestType.traces, result),
        expected(kinds, [{ kind: "internal" }], decodeReference(requestType.traces, bytes)),
      );
    }),
    { numRuns: 300 },
  );
});

test("bytes that are not OTLP are refused for good, and never trap", async () => {
  const name = { name: "a" };
  await using plugin = await start({
    traces: { span: [name] },
    metrics: { metric: [name], datapoint: [{ attributes: [{ key: "a" }] }] },
    logs: { log_record: [{ body: "a" }] },
  });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...SIGNALS), fc.uint8Array({ maxLength: 200 }), (signal, bytes) =>
      refusesOrTakes(plugin, signal, bytes),
    ),
    { numRuns: 1000 },
  );
});

test("what the documentation shows works", async () => {
  const folder = new URL("./", import.meta.url);
  for (const config of await documentedConfigs(folder)) await (await start(config as object))[Symbol.asyncDispose]();
  const arrived = await throughCollector("filter", "traces", TRACES);
  assert.deepEqual(
    items("traces", arrived).map(({ name }) => name),
    ALL_SPANS.slice(1),
  );
});
