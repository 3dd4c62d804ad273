import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Signal } from "../../../packages/otelwasm/src/telemetry/batch.ts";
import { decode, encode, type Plain, startPlugin } from "./plugin.ts";
import { itemsOf } from "./reference.ts";

const actions = [{ key: "hit", value: true, action: "upsert" }];
type Options = Record<string, unknown>;

/** @returns for each item, in order, whether the actions were applied to it */
async function hits(config: Options, signal: Signal, batch: Plain): Promise<boolean[]> {
  await using plugin = await startPlugin({ actions, ...config });
  const bytes = encode(signal, batch);
  const result = decode(signal, (await plugin.push(signal, bytes)) ?? bytes);
  return itemsOf(signal, result).map((item) => item.attributes?.some(({ key }) => key === "hit") ?? false);
}

const text = (key: string, stringValue: string): Plain => ({ key, value: { stringValue } });
const service = (name: string): Plain => ({ attributes: [text("service.name", name), text("env", "prod")] });

const SPANS: Plain = {
  resourceSpans: [
    {
      resource: service("svcA"),
      scopeSpans: [
        {
          scope: { name: "mongo", version: "3.8.0" },
          spans: [
            { name: "login", kind: 2, attributes: [text("env", "dev"), { key: "n", value: { intValue: "12" } }] },
          ],
        },
        {
          scope: { name: "other" },
          spans: [{ name: "op", kind: 3, attributes: [{ key: "n", value: { doubleValue: 12 } }] }],
        },
      ],
    },
    {
      resource: service("auth-1"),
      scopeSpans: [{ spans: [{ name: "login-2", kind: 1, attributes: [{ key: "t", value: { boolValue: true } }] }] }],
    },
    {
      scopeSpans: [
        {
          scope: { name: "mongo" },
          spans: [
            {
              name: "op",
              attributes: [{ key: "l", value: { arrayValue: { values: [{ intValue: "1" }, { stringValue: "x" }] } } }],
            },
            { kind: 42 },
          ],
        },
      ],
    },
  ],
};

describe("spans", () => {
  const table: [name: string, properties: Options, expected: number[]][] = [
    ["services", { match_type: "strict", services: ["svcA", "x"] }, [1, 1, 0, 0, 0]],
    ["services by regexp", { match_type: "regexp", services: ["auth.*"] }, [0, 0, 1, 0, 0]],
    ["a service without a name", { match_type: "strict", services: ["<nil-service-name>"] }, [0, 0, 0, 1, 1]],
    ["span_names", { match_type: "strict", span_names: ["login", "nothing"] }, [1, 0, 0, 0, 0]],
    ["span_names by regexp are not anchored", { match_type: "regexp", span_names: ["og"] }, [1, 0, 1, 0, 0]],
    ["an empty span name", { match_type: "strict", span_names: [""] }, [0, 0, 0, 0, 1]],
    ["span_kinds", { match_type: "strict", span_kinds: ["SPAN_KIND_CLIENT", "SPAN_KIND_SERVER"] }, [1, 1, 0, 0, 0]],
    ["span_kinds by regexp", { match_type: "regexp", span_kinds: ["INTERNAL|UNSPECIFIED"] }, [0, 0, 1, 1, 0]],
    ["libraries", { match_type: "strict", libraries: [{ name: "mongo" }] }, [1, 0, 0, 1, 1]],
    [
      "libraries with a version",
      { match_type: "strict", libraries: [{ name: "mongo", version: "3.8.0" }] },
      [1, 0, 0, 0, 0],
    ],
    [
      "libraries without a version",
      { match_type: "strict", libraries: [{ name: "mongo", version: "" }] },
      [0, 0, 0, 1, 1],
    ],
    ["libraries by regexp", { match_type: "regexp", libraries: [{ name: "^m", version: "^3" }] }, [1, 0, 0, 0, 0]],
    ["a key", { match_type: "strict", attributes: [{ key: "n" }] }, [1, 1, 0, 0, 0]],
    ["an integer is not a double", { match_type: "strict", attributes: [{ key: "n", value: 12 }] }, [1, 0, 0, 0, 0]],
    ["nor text", { match_type: "strict", attributes: [{ key: "n", value: "12" }] }, [0, 0, 0, 0, 0]],
    [
      "a regexp sees any scalar as text",
      { match_type: "regexp", attributes: [{ key: "n", value: "^12$" }] },
      [1, 1, 0, 0, 0],
    ],
    ["a boolean as text", { match_type: "regexp", attributes: [{ key: "t", value: "tru." }] }, [0, 0, 1, 0, 0]],
    [
      "but no array",
      {
        match_type: "regexp",
        attributes: [
          { key: "l", value: "" },
          { key: "l", value: "x" },
        ],
      },
      [0, 0, 0, 0, 0],
    ],
    [
      "arrays are compared deeply",
      { match_type: "strict", attributes: [{ key: "l", value: [1, "x"] }] },
      [0, 0, 0, 1, 0],
    ],
    ["and differ deeply", { match_type: "strict", attributes: [{ key: "l", value: [1, "y"] }] }, [0, 0, 0, 0, 0]],
    [
      "all attributes have to match",
      { match_type: "strict", attributes: [{ key: "n" }, { key: "env", value: "dev" }] },
      [1, 0, 0, 0, 0],
    ],
    [
      "resources",
      { match_type: "strict", resources: [{ key: "env", value: "prod" }, { key: "service.name" }] },
      [1, 1, 1, 0, 0],
    ],
    [
      "all properties have to match",
      { match_type: "regexp", services: ["svc"], span_names: ["op"], attributes: [{ key: "n" }] },
      [0, 1, 0, 0, 0],
    ],
    [
      "the settings of the Collector's cache are accepted",
      { match_type: "regexp", regexp: { cacheenabled: true, cachemaxnumentries: 5 }, services: ["svc"] },
      [1, 1, 0, 0, 0],
    ],
  ];
  for (const [name, properties, expected] of table) {
    test(name, async () => {
      const included = expected.map((hit) => hit === 1);
      assert.deepEqual(await hits({ include: properties }, "traces", SPANS), included);
      assert.deepEqual(
        await hits({ exclude: properties }, "traces", SPANS),
        included.map((hit) => !hit),
      );
    });
  }

  test("exclude takes from what include matches", async () => {
    const include = { match_type: "regexp", services: ["svc", "auth"] };
    const exclude = { match_type: "strict", span_names: ["login"], attributes: [{ key: "env" }] };
    assert.deepEqual(await hits({ include, exclude }, "traces", SPANS), [false, true, true, false, false]);
  });
});

const LOGS: Plain = {
  resourceLogs: [
    {
      resource: service("svcA"),
      scopeLogs: [
        {
          scope: { name: "lib", version: "1" },
          logRecords: [
            {
              severityNumber: 9,
              severityText: "INFO",
              body: { stringValue: "AUTH failed in 12 ms" },
              attributes: [text("a", "1")],
            },
            { severityNumber: 17, severityText: "ERROR", body: { intValue: "12" } },
            {
              body: {
                kvlistValue: {
                  values: [
                    { key: "b", value: { doubleValue: 1.5 } },
                    { key: "a", value: { boolValue: true } },
                  ],
                },
              },
            },
            { severityNumber: 5, severityText: "debug" },
          ],
        },
      ],
    },
  ],
};

describe("log records", () => {
  const table: [name: string, properties: Options, expected: number[]][] = [
    ["log_bodies", { match_type: "strict", log_bodies: ["12", "x"] }, [0, 1, 0, 0]],
    ["log_bodies by regexp", { match_type: "regexp", log_bodies: ["AUTH.*\\d+ ms"] }, [1, 0, 0, 0]],
    ["a map as JSON", { match_type: "strict", log_bodies: ['{"a":true,"b":1.5}'] }, [0, 0, 1, 0]],
    ["no body is empty text", { match_type: "regexp", log_bodies: ["^$"] }, [0, 0, 0, 1]],
    ["log_severity_texts", { match_type: "strict", log_severity_texts: ["INFO", "debug"] }, [1, 0, 0, 1]],
    ["log_severity_texts by regexp", { match_type: "regexp", log_severity_texts: ["(?i)DEBUG|error"] }, [0, 1, 0, 1]],
    ["log_severity_number", { log_severity_number: { min: 9 } }, [1, 1, 0, 0]],
    [
      "log_severity_number, undefined ones too",
      { log_severity_number: { min: 10, match_undefined: true } },
      [0, 1, 1, 0],
    ],
    ["attributes", { match_type: "strict", attributes: [{ key: "a", value: "1" }] }, [1, 0, 0, 0]],
    ["resources", { match_type: "strict", resources: [{ key: "env", value: "dev" }] }, [0, 0, 0, 0]],
    ["libraries", { match_type: "strict", libraries: [{ name: "lib", version: "1" }] }, [1, 1, 1, 1]],
  ];
  for (const [name, properties, expected] of table) {
    test(name, async () => {
      const included = expected.map((hit) => hit === 1);
      assert.deepEqual(await hits({ include: properties }, "logs", LOGS), included);
      assert.deepEqual(
        await hits({ exclude: properties }, "logs", LOGS),
        included.map((hit) => !hit),
      );
    });
  }
});

const METRICS: Plain = {
  resourceMetrics: [
    {
      resource: service("svcA"),
      scopeMetrics: [
        {
          metrics: [
            { name: "http.requests", sum: { dataPoints: [{}, {}] } },
            { name: "cpu", gauge: { dataPoints: [{}] } },
          ],
        },
      ],
    },
    {
      resource: { attributes: [text("env", "dev")] },
      scopeMetrics: [{ metrics: [{ name: "cpu", summary: { dataPoints: [{}] } }] }],
    },
  ],
};

describe("metrics", () => {
  const table: [name: string, properties: Options, expected: number[]][] = [
    ["metric_names", { match_type: "strict", metric_names: ["cpu", "x"] }, [0, 0, 1, 1]],
    ["metric_names by regexp", { match_type: "regexp", metric_names: ["^http\\."] }, [1, 1, 0, 0]],
    ["resources", { match_type: "strict", resources: [{ key: "env", value: "dev" }] }, [0, 0, 0, 1]],
    ["both", { match_type: "strict", metric_names: ["cpu"], resources: [{ key: "env", value: "prod" }] }, [0, 0, 1, 0]],
  ];
  for (const [name, properties, expected] of table) {
    test(name, async () => {
      const included = expected.map((hit) => hit === 1);
      assert.deepEqual(await hits({ include: properties }, "metrics", METRICS), included);
      assert.deepEqual(
        await hits({ exclude: properties }, "metrics", METRICS),
        included.map((hit) => !hit),
      );
    });
  }
});

test("properties that a signal does not have: the batch is refused, with the property's path", async () => {
  const refused = async (properties: Options, signal: Signal, batch: Plain, reason: RegExp): Promise<void> => {
    await using plugin = await startPlugin({ actions, include: { match_type: "strict", ...properties } });
    await assert.rejects(plugin.push(signal, encode(signal, batch)), reason);
  };
  await refused({ services: ["a"] }, "logs", LOGS, /include\.services: does not apply to log records/);
  await refused({ span_names: ["a"] }, "metrics", METRICS, /include\.span_names: does not apply to metrics/);
  await refused({ attributes: [{ key: "a" }] }, "metrics", METRICS, /include\.attributes: does not apply to metrics/);
  await refused({ log_bodies: ["a"] }, "traces", SPANS, /include\.log_bodies: does not apply to spans/);
  await refused({ metric_names: ["a"] }, "logs", LOGS, /include\.metric_names: does not apply to log records/);
});
