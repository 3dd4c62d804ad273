import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SIGNALS, type Signal } from "./batch.ts";
import { decodeSlots } from "./decode.ts";
import { decodeJson, encodeJson, OtlpJsonError } from "./json.ts";
import { messageText } from "./json-text.ts";
import { rootOf } from "./schema.ts";
import { damaged, payloads, protoDecode, protoType } from "./testing/arbitrary.ts";
import { buildPayload } from "./testing/payload.ts";
import { validateOtlp } from "./validate.ts";

/** A payload from the protobuf library's own objects. */
function encode(signal: Signal, message: Record<string, unknown>): Uint8Array {
  const type = protoType(signal);
  return type.encode(type.fromObject(message)).finish();
}

/** A log record, as JSON and back. */
const logText = (record: string): string => `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${record}]}]}]}`;
function logRecord(record: string): unknown {
  const decoded = protoDecode("logs", decodeJson("logs", logText(record)));
  return (decoded as { resource_logs: { scope_logs: { log_records: unknown[] }[] }[] }).resource_logs[0]?.scope_logs[0]
    ?.log_records[0];
}

for (const signal of SIGNALS) {
  test(`${signal}: JSON and back is the same message, without unknown fields`, () => {
    fc.assert(
      fc.property(payloads(signal), (bytes) => {
        const text = encodeJson(signal, bytes);
        assert.equal(text.includes("\n"), false);
        const back = decodeJson(signal, text);
        assert.equal(validateOtlp(signal, back), undefined);
        assert.deepEqual(protoDecode(signal, back), protoDecode(signal, bytes));
        // Nothing is left to lose: the second time gives the same text.
        assert.equal(encodeJson(signal, back), text);
      }),
      { numRuns: 300 },
    );
  });

  test(`${signal}: the two ways to write JSON write the same`, () => {
    fc.assert(
      fc.property(payloads(signal), (bytes) => {
        assert.equal(messageText(rootOf(signal), decodeSlots(signal, bytes)), encodeJson(signal, bytes));
      }),
      { numRuns: 200 },
    );
  });

  test(`${signal}: a built payload comes back byte for byte`, () => {
    const bytes = buildPayload(signal, 25);
    assert.deepEqual(decodeJson(signal, encodeJson(signal, bytes)), bytes);
  });

  test(`${signal}: of damaged bytes, the well-formed ones have a JSON form, the others a RangeError or a JSON form`, () => {
    fc.assert(
      fc.property(damaged(signal), (bytes) => {
        const wellFormed = validateOtlp(signal, bytes) === undefined;
        let text: string;
        try {
          text = encodeJson(signal, bytes);
        } catch (error) {
          assert.ok(error instanceof RangeError && !wellFormed, String(error));
          return;
        }
        decodeJson(signal, text);
      }),
      { numRuns: 500 },
    );
  });

  test(`${signal}: any JSON gives bytes that are well-formed, or an OtlpJsonError`, () => {
    fc.assert(
      fc.property(payloads(signal), fc.jsonValue(), fc.nat(), (bytes, value, place) => {
        // Some value of a real document is replaced by any other one.
        let at = 0;
        const count = [...encodeJson(signal, bytes).matchAll(/[:,[]/g)].length;
        const text = JSON.stringify(JSON.parse(encodeJson(signal, bytes)), (_key, inner: unknown) =>
          at++ === 1 + (place % count) ? value : inner,
        );
        let result: Uint8Array;
        try {
          result = decodeJson(signal, text);
        } catch (error) {
          assert.ok(error instanceof OtlpJsonError, String(error));
          return;
        }
        assert.equal(validateOtlp(signal, result), undefined);
      }),
      { numRuns: 300 },
    );
  });
}

test("the form of each kind of value", () => {
  const bytes = encode("traces", {
    resource_spans: [
      {
        resource: {},
        scope_spans: [
          {
            spans: [
              {
                trace_id: Buffer.from("5B8EFFF798038103D269B633813FC60C", "hex"),
                span_id: Buffer.from("EEE19B7EC3C1B174", "hex"),
                parent_span_id: Buffer.from("EEE19B7EC3C1B173", "hex"),
                name: 'a "b"\n\u2028é',
                kind: 2,
                start_time_unix_nano: "1544712660000000000",
                flags: 257,
                attributes: [
                  { key: "s", value: { string_value: "" } },
                  { key: "b", value: { bool_value: false } },
                  { key: "i", value: { int_value: "-9223372036854775808" } },
                  { key: "d", value: { double_value: -0 } },
                  { key: "n", value: { double_value: Number.NaN } },
                  { key: "x", value: { bytes_value: Buffer.from([0xfb, 0xff]) } },
                  { key: "a", value: { array_value: { values: [{ int_value: 1 }, {}] } } },
                  { key: "", value: {} },
                ],
                links: [{ trace_id: Buffer.from("aa", "hex"), span_id: Buffer.from("bb", "hex") }],
                status: { code: 2 },
              },
            ],
          },
        ],
      },
    ],
  });
  assert.equal(
    encodeJson("traces", bytes),
    '{"resourceSpans":[{"resource":{},"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c",' +
      '"spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173","name":"a \\"b\\"\\n\u2028é","kind":2,' +
      '"startTimeUnixNano":"1544712660000000000","attributes":[{"key":"s","value":{"stringValue":""}},' +
      '{"key":"b","value":{"boolValue":false}},{"key":"i","value":{"intValue":"-9223372036854775808"}},' +
      '{"key":"d","value":{"doubleValue":-0}},{"key":"n","value":{"doubleValue":"NaN"}},' +
      '{"key":"x","value":{"bytesValue":"+/8="}},' +
      '{"key":"a","value":{"arrayValue":{"values":[{"intValue":"1"},{}]}}},{"value":{}}],' +
      '"links":[{"traceId":"aa","spanId":"bb"}],"status":{"code":2},"flags":257}]}]}]}',
  );
});

test("the form of metrics: presence, infinities, packed numbers, exemplars", () => {
  const bytes = encode("metrics", {
    resource_metrics: [
      {
        scope_metrics: [
          {
            metrics: [
              {
                name: "h",
                histogram: {
                  aggregation_temporality: 2,
                  data_points: [
                    {
                      count: "3",
                      sum: 0,
                      max: Number.POSITIVE_INFINITY,
                      bucket_counts: ["1", "18446744073709551615"],
                      explicit_bounds: [0.5],
                      exemplars: [{ as_int: "-1", span_id: Buffer.from("0102030405060708", "hex") }],
                    },
                  ],
                },
              },
              {
                exponential_histogram: {
                  data_points: [{ scale: -1, positive: { offset: -3, bucket_counts: ["0", "7"] } }],
                },
              },
              { gauge: { data_points: [{ as_double: 0 }, { as_int: 0 }, {}] } },
            ],
          },
        ],
      },
    ],
  });
  assert.equal(
    encodeJson("metrics", bytes),
    '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"h","histogram":{"dataPoints":[{"count":"3","sum":0,' +
      '"bucketCounts":["1","18446744073709551615"],"explicitBounds":[0.5],' +
      '"exemplars":[{"spanId":"0102030405060708","asInt":"-1"}],"max":"Infinity"}],"aggregationTemporality":2}},' +
      '{"exponentialHistogram":{"dataPoints":[{"scale":-1,"positive":{"offset":-3,"bucketCounts":["0","7"]}}]}},' +
      '{"gauge":{"dataPoints":[{"asDouble":0},{"asInt":"0"},{}]}}]}]}]}',
  );
});

test("a field that is there twice: the last counts, messages are merged, of a oneof the last member stays", () => {
  const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
  const inRecord = (record: string): Uint8Array => {
    const length = (more: number): string => (record.length / 2 + more).toString(16).padStart(2, "0");
    return hex(`0a${length(4)}12${length(2)}12${length(0)}${record}`);
  };
  const of = (record: string): string => encodeJson("logs", inRecord(record)).slice(logText("{").indexOf("{]") + 1, -7);
  assert.equal(of("1a01611a0162"), '"severityText":"b"');
  assert.equal(of("1a01611a00"), "");
  assert.equal(of("2a0618012a020a00"), '"body":{"arrayValue":{"values":[{}]}}');
  // Two bodies, each with an array of one: merged into an array of two.
  assert.equal(
    of("2a062a040a0210012a062a040a021000"),
    '"body":{"arrayValue":{"values":[{"boolValue":true},{"boolValue":false}]}}',
  );
  // An array, a number, an array: the number has taken the first array away.
  assert.equal(
    of("2a062a040a0210012a0218052a062a040a021000"),
    '"body":{"arrayValue":{"values":[{"boolValue":false}]}}',
  );
});

test("messages that are merged again and again take time in proportion to their bytes", () => {
  // Each level has its value in two parts; a reader that began anew with the second would need 2^30 steps.
  let value: Buffer = Buffer.from([0x10, 1]);
  const wrap = (tag: number, content: Buffer): Buffer => {
    const length: number[] = [];
    let rest = content.length;
    for (; rest >= 0x80; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
    return Buffer.concat([Buffer.from([tag, ...length, rest]), content]);
  };
  for (let level = 0; level < 30; level++)
    value = wrap(0x32, wrap(0x0a, Buffer.concat([wrap(0x12, value), wrap(0x12, Buffer.alloc(0))])));
  const bytes = wrap(0x0a, wrap(0x12, wrap(0x12, wrap(0x2a, value))));
  assert.equal(validateOtlp("logs", bytes), undefined);
  assert.equal(encodeJson("logs", bytes).match(/kvlistValue/g)?.length, 30);
});

test("what proto3 JSON allows is read", () => {
  const same: readonly [string, unknown][] = [
    ['{"time_unix_nano":"5","severity_text":"x"}', { time_unix_nano: "5", severity_text: "x" }],
    ['{"timeUnixNano":5}', { time_unix_nano: "5" }],
    ['{"timeUnixNano":18446744073709551615}', { time_unix_nano: "18446744073709551615" }],
    ['{"timeUnixNano": 1750000000000000001 , "flags":1}', { time_unix_nano: "1750000000000000001", flags: 1 }],
    ['{"timeUnixNano":1.5e9}', { time_unix_nano: "1500000000" }],
    ['{"severityNumber":"SEVERITY_NUMBER_WARN"}', { severity_number: 13 }],
    ['{"severityNumber":13}', { severity_number: 13 }],
    ['{"severityNumber":-1}', { severity_number: -1 }],
    ['{"severityNumber":999}', { severity_number: 999 }],
    [
      '{"traceId":"5B8EfFf798038103D269B633813FC60C"}',
      { trace_id: [...Buffer.from("5b8efff798038103d269b633813fc60c", "hex")] },
    ],
    ['{"traceId":"","spanId":null,"body":null,"attributes":null}', {}],
    ['{"attributes":[],"flags":"7"}', { flags: 7 }],
    ['{"body":{"bytesValue":"+/8="}}', { body: { bytes_value: [0xfb, 0xff] } }],
    ['{"body":{"bytesValue":"-_8"}}', { body: { bytes_value: [0xfb, 0xff] } }],
    ['{"body":{"doubleValue":"-1.5e3"}}', { body: { double_value: -1500 } }],
    ['{"body":{"doubleValue":"-Infinity"}}', { body: { double_value: Number.NEGATIVE_INFINITY } }],
    ['{"body":{"doubleValue":-0}}', { body: { double_value: -0 } }],
    ['{"body":{"doubleValue":9007199254740993000}}', { body: { double_value: 9007199254740993000 } }],
    ['{"body":{"intValue":-9223372036854775808}}', { body: { int_value: "-9223372036854775808" } }],
    ['{"body":{"intValue":"-1"}}', { body: { int_value: "-1" } }],
    ['{"body":{"stringValue":""}}', { body: { string_value: "" } }],
    ['{"body":{}}', { body: {} }],
    ['{"body":{"stringValue":"a","intValue":1}}', { body: { int_value: "1" } }],
    ['{"body":{"intValue":1,"stringValue":"a"}}', { body: { string_value: "a" } }],
    ['{"body":{"intValue":1,"stringValue":null}}', { body: { int_value: "1" } }],
    ['{"severityText":"a","severityText":"b"}', { severity_text: "b" }],
    ['{"new":{"x":[1]},"__proto__":{"severityText":"no"},"flags":3}', { flags: 3 }],
    ['{"severityText":"\\ud800"}', { severity_text: "\ufffd" }],
  ];
  for (const [json, expected] of same) assert.deepEqual(logRecord(json), expected, json);
});

test("the text of a body that looks like a long number is left alone", () => {
  const body = ": 12345678901234567890, [1234567890123456789";
  assert.deepEqual(logRecord(JSON.stringify({ body: { stringValue: body } })), { body: { string_value: body } });
});

const IN_RECORD = "resourceLogs[0].scopeLogs[0].logRecords[0]";
const refused: readonly [text: string, message: string | RegExp][] = [
  ["", /^not JSON: /],
  ['{"resourceLogs":[', /^not JSON: /],
  ["[]", "expected an object (LogsData), got an array"],
  ["7", "expected an object (LogsData), got 7"],
  ["null", "expected an object (LogsData), got null"],
  ['{"resourceLogs":{}}', "resourceLogs: expected an array, got an object"],
  ['{"resourceLogs":[null]}', "resourceLogs[0]: expected an object (ResourceLogs), got null"],
  [
    '{"resourceLogs":[{},{"scopeLogs":["x"]}]}',
    'resourceLogs[1].scopeLogs[0]: expected an object (ScopeLogs), got "x"',
  ],
  [logText('{"severityText":1}'), `${IN_RECORD}.severityText: expected a string, got 1`],
  [logText('{"traceId":"xyz"}'), `${IN_RECORD}.traceId: expected hexadecimal digits, got "xyz"`],
  [logText('{"traceId":"abc"}'), `${IN_RECORD}.traceId: expected hexadecimal digits, got "abc"`],
  [logText('{"timeUnixNano":"1.5"}'), `${IN_RECORD}.timeUnixNano: expected an integer, got "1.5"`],
  [logText('{"timeUnixNano":1.5}'), `${IN_RECORD}.timeUnixNano: expected an integer, got 1.5`],
  [logText('{"timeUnixNano":""}'), `${IN_RECORD}.timeUnixNano: expected an integer, got ""`],
  [
    logText('{"timeUnixNano":"-1"}'),
    `${IN_RECORD}.timeUnixNano: expected an integer from 0 to 18446744073709551615, got "-1"`,
  ],
  [
    logText('{"timeUnixNano":18446744073709551616}'),
    `${IN_RECORD}.timeUnixNano: expected an integer from 0 to 18446744073709551615, got 18446744073709551616`,
  ],
  [logText('{"flags":4294967296}'), `${IN_RECORD}.flags: expected an integer from 0 to 4294967295, got 4294967296`],
  [logText('{"severityNumber":"LOUD"}'), `${IN_RECORD}.severityNumber: expected an enum's number or name, got "LOUD"`],
  [logText('{"body":{"boolValue":"true"}}'), `${IN_RECORD}.body.boolValue: expected true or false, got "true"`],
  [logText('{"body":{"doubleValue":"1,5"}}'), `${IN_RECORD}.body.doubleValue: expected a number, got "1,5"`],
  [logText('{"body":{"bytesValue":"*"}}'), `${IN_RECORD}.body.bytesValue: expected base64, got "*"`],
  [logText('{"body":{"bytesValue":"AAAAA"}}'), `${IN_RECORD}.body.bytesValue: expected base64, got "AAAAA"`],
  [
    logText('{"attributes":[{"key":"a"},{"key":["b"]}]}'),
    `${IN_RECORD}.attributes[1].key: expected a string, got an array`,
  ],
];

for (const [text, message] of refused) {
  test(`refused: ${text.slice(0, 100)}`, () => {
    assert.throws(
      () => decodeJson("logs", text),
      (error) => {
        assert.ok(error instanceof OtlpJsonError);
        if (typeof message === "string") assert.equal(error.message, message);
        else assert.match(error.message, message);
        assert.equal(
          error.path,
          message instanceof RegExp || !message.startsWith("resourceLogs") ? "" : message.split(":")[0],
        );
        return true;
      },
    );
  });
}

test("a document that is nested too deep is refused, however deep", () => {
  const nested = (levels: number): string =>
    logText(`{"body":${'{"arrayValue":{"values":['.repeat(levels)}{}${"]}}".repeat(levels)}}`);
  assert.equal(validateOtlp("logs", decodeJson("logs", nested(47))), undefined);
  assert.throws(() => decodeJson("logs", nested(49)), /nested deeper than 100 messages/);
  assert.throws(() => decodeJson("logs", nested(200_000)), OtlpJsonError);
  // With a long number the parser calls back for each value, and has a stack of its own to watch.
  assert.throws(() => decodeJson("logs", nested(200_000).replace("{}", "12345678901234567890")), OtlpJsonError);
});

test("a repeated field in several places is one array", () => {
  const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
  const attribute = (key: string): string => `32030a01${Buffer.from(key).toString("hex")}`;
  // Attribute, severity, attribute, flags, attribute; as a plugin leaves a record when it appends.
  const record = `${attribute("a")}1009${attribute("b")}${attribute("c")}4501000000${attribute("d")}`;
  const length = (more: number): string => (record.length / 2 + more).toString(16).padStart(2, "0");
  const bytes = hex(`0a${length(4)}12${length(2)}12${length(0)}${record}`);
  assert.equal(
    encodeJson("logs", bytes),
    logText('{"attributes":[{"key":"a"},{"key":"b"},{"key":"c"},{"key":"d"}],"severityNumber":9,"flags":1}'),
  );
  // Packed runs, empty ones too, and single numbers.
  const one = "0100000000000000";
  const point = (content: string): string => {
    const outer = (more: number): string => (content.length / 2 + more).toString(16).padStart(2, "0");
    return encodeJson("metrics", hex(`0a${outer(8)}12${outer(6)}12${outer(4)}4a${outer(2)}0a${outer(0)}${content}`));
  };
  const around = (inner: string): string =>
    `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[${inner}]}}]}]}]}`;
  assert.equal(point(`3200`), around("{}"));
  assert.equal(point(`50013200`), around('{"flags":1}'));
  assert.equal(point(`320050013208${one}31${one}`), around('{"bucketCounts":["1","1"],"flags":1}'));
  assert.equal(
    point(`31${one}5001320032 10${one}${one}`.replace(" ", "")),
    around('{"bucketCounts":["1","1","1"],"flags":1}'),
  );
});

test("text is escaped as JSON.stringify does, short and long", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 100 }), fc.nat(3), (text, times) => {
      const body = text.repeat(times);
      const bytes = encode("logs", { resource_logs: [{ schema_url: body }] });
      assert.deepEqual(JSON.parse(encodeJson("logs", bytes)), {
        resourceLogs: [body === "" ? {} : { schemaUrl: body }],
      });
    }),
  );
  const invalid = Uint8Array.of(0x0a, 5, 0x1a, 3, 0x61, 0xe2, 0x82);
  assert.equal(encodeJson("logs", invalid), '{"resourceLogs":[{"schemaUrl":"a\ufffd"}]}');
});
