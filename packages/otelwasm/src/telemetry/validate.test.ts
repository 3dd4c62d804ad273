import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import protobuf from "protobufjs";
import { SIGNALS, type Signal } from "./batch.ts";
import { itemsOf, summarize } from "./count.ts";
import { MAX_DEPTH, rootOf } from "./schema.ts";
import { damaged, payloads, protoType } from "./testing/arbitrary.ts";
import { buildPayload } from "./testing/payload.ts";
import { checkedBatch, validateOtlp } from "./validate.ts";
import { walkMessage } from "./walk.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** Field 1, wire type LEN, around a content. */
function wrap(content: Uint8Array, number = 1): Uint8Array {
  return protobuf.Writer.create()
    .uint32((number << 3) | 2)
    .bytes(content)
    .finish();
}

/** Reads everything by the library's own reader and reflection; throws where it finds something malformed. */
function referenceWalk(type: protobuf.Type, reader: protobuf.Reader, end: number): void {
  const wireTypes: Record<string, number> = { fixed64: 1, sfixed64: 1, double: 1, string: 2, bytes: 2, fixed32: 5 };
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = type.fieldsById[tag >>> 3];
    if (tag >>> 3 === 0) throw new Error("field number 0");
    if (field === undefined) {
      reader.skipType(tag & 7, 0, tag >>> 3);
    } else if (field.resolvedType instanceof protobuf.Type) {
      assert.equal(tag & 7, 2);
      const close = reader.uint32() + reader.pos;
      assert.ok(close <= end);
      referenceWalk(field.resolvedType, reader, close);
    } else {
      const expected = field.resolvedType === null ? (wireTypes[field.type] ?? 0) : 0;
      const close = field.repeated && expected !== 2 && (tag & 7) === 2 ? reader.uint32() + reader.pos : -1;
      if (close < 0) {
        assert.equal(tag & 7, expected);
        reader.skipType(expected, 0, tag >>> 3);
      }
      while (reader.pos < close) reader.skipType(expected, 0, tag >>> 3);
      if (close >= 0) assert.equal(reader.pos, close);
    }
    assert.ok(reader.pos <= end);
  }
}

for (const signal of SIGNALS) {
  test(`${signal}: whatever a protobuf library writes is well-formed, in any kind of view`, () => {
    fc.assert(
      fc.property(payloads(signal), (bytes) => {
        assert.equal(validateOtlp(signal, bytes), undefined);
        assert.equal(validateOtlp(signal, Buffer.from(bytes)), undefined);
        const shifted = new Uint8Array(bytes.length + 5);
        shifted.set(bytes, 3);
        assert.equal(validateOtlp(signal, shifted.subarray(3, 3 + bytes.length)), undefined);
      }),
      { numRuns: 300 },
    );
  });

  test(`${signal}: two payloads, concatenated, are one`, () => {
    fc.assert(
      fc.property(payloads(signal), payloads(signal), (first, second) => {
        const both = Buffer.concat([first, second]);
        assert.equal(validateOtlp(signal, both), undefined);
        const count = (bytes: Uint8Array): number => itemsOf({ signal, bytes });
        assert.equal(count(both), count(first) + count(second));
      }),
      { numRuns: 100 },
    );
  });

  test(`${signal}: of damaged bytes, those that are accepted are accepted by the slow walk and by a protobuf library`, () => {
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(damaged(signal), (bytes) => {
        const message = validateOtlp(signal, bytes);
        const walked = walkMessage(bytes, 0, bytes.length, rootOf(signal), 0);
        assert.equal(message === undefined, walked === bytes.length);
        assert.ok(itemsOf({ signal, bytes }) >= 0);
        if (message === undefined) {
          accepted++;
          referenceWalk(protoType(signal), protobuf.Reader.create(bytes), bytes.length);
        } else {
          refused++;
          assert.match(message, /^(Traces|Metrics|Logs)Data[^:]*: .+ \(byte \d+\)$/);
        }
      }),
      { numRuns: 1500 },
    );
    assert.ok(accepted > 50 && refused > 50, `${accepted} accepted, ${refused} refused`);
  });

  test(`${signal}: with any one byte changed to anything, the fast way and the slow walk agree`, () => {
    const bytes = buildPayload(signal, 1);
    let refused = 0;
    for (let at = 0; at < bytes.length; at++) {
      const before = bytes[at]!;
      for (let value = 0; value < 256; value++) {
        bytes[at] = value;
        const accepted = validateOtlp(signal, bytes) === undefined;
        if (accepted !== (walkMessage(bytes, 0, bytes.length, rootOf(signal), 0) === bytes.length))
          assert.fail(`byte ${at} as ${value}: ${accepted ? "accepted" : "refused"}`);
        if (!accepted) refused++;
      }
      bytes[at] = before;
    }
    assert.ok(refused > 10_000);
  });

  test(`${signal}: a payload that ends early is refused unless it ends between two resources`, () => {
    const bytes = buildPayload(signal, 3);
    for (let length = 1; length < bytes.length; length++)
      assert.notEqual(validateOtlp(signal, bytes.subarray(0, length)), undefined, `${length} bytes`);
    assert.equal(validateOtlp(signal, bytes.subarray(0, 0)), undefined);
  });
}

const logs = (record: string): Uint8Array => wrap(wrap(wrap(hex(record), 2), 2));
const IN_RECORD = "LogsData.resource_logs[0].scope_logs[0].log_records[0]";

const cases: readonly [name: string, signal: Signal, bytes: Uint8Array, message: string | undefined][] = [
  ["nothing", "logs", hex(""), undefined],
  ["field number 0", "logs", hex("02 00"), "LogsData: field number 0 (byte 0)"],
  ["a tag alone", "logs", hex("0a"), "LogsData.resource_logs[0]: the varint is cut off (byte 1)"],
  [
    "a length that runs past the end",
    "logs",
    hex("0a 28 00"),
    "LogsData.resource_logs[0]: length 40 runs past the end (byte 1)",
  ],
  [
    "a length that runs past its parent",
    "logs",
    hex("0a 03 12 05 12 0a 00 0a 00"),
    "LogsData.resource_logs[0].scope_logs[0]: length 5 runs past the end (byte 3)",
  ],
  [
    "the second of two",
    "logs",
    hex("0a 00 0a 02 12 05"),
    "LogsData.resource_logs[1].scope_logs[0]: length 5 runs past the end (byte 5)",
  ],
  [
    "a length of 64 bits",
    "logs",
    hex("0a ff ff ff ff ff ff ff ff ff 01"),
    "LogsData.resource_logs[0]: the length has more than 5 bytes (byte 1)",
  ],
  ["a length in more bytes than needed", "logs", hex("0a 82 80 80 80 00 12 00"), undefined],
  ["a tag in more bytes than needed", "logs", hex("8a 00 02 12 00"), undefined],
  [
    "a tag in more bytes than needed, whose message is malformed",
    "logs",
    hex("8a 80 00 02 12 05"),
    "LogsData.resource_logs[0].scope_logs[0]: length 5 runs past the end (byte 5)",
  ],
  [
    "a tag of more than five bytes",
    "logs",
    hex("8a 80 80 80 80 00 00"),
    "LogsData: the tag has more than 32 bits (byte 0)",
  ],
  ["a tag of 33 bits", "logs", hex("8a 80 80 80 10 00"), "LogsData: the tag has more than 32 bits (byte 0)"],
  ["the wrong wire type", "logs", hex("08 00"), "LogsData.resource_logs[0]: expected wire type 2, got 0 (byte 1)"],
  ["wire type 6", "logs", hex("7e 00"), "LogsData.15: wire type 6 does not exist (byte 0)"],
  ["wire type 7", "logs", hex("7f 00"), "LogsData.15: wire type 7 does not exist (byte 0)"],
  ["an unknown field", "logs", hex("7a 01 ff 78 80 01 79 0000000000000000 7d 00000000"), undefined],
  [
    "an unknown varint of eleven bytes",
    "logs",
    hex("78 80 80 80 80 80 80 80 80 80 80 00"),
    "LogsData.15: the varint has more than 64 bits (byte 1)",
  ],
  [
    "a varint of 65 bits",
    "logs",
    hex("78 ff ff ff ff ff ff ff ff ff 02"),
    "LogsData.15: the varint has more than 64 bits (byte 1)",
  ],
  ["a varint of 64 bits", "logs", hex("78 ff ff ff ff ff ff ff ff ff 01"), undefined],
  ["a group", "logs", hex("7b 08 01 7c"), undefined],
  ["groups in groups", "logs", hex("7b 0b 12 01 00 0c 7c"), undefined],
  ["a group without an end", "logs", hex("7b 08 01"), "LogsData.15: group 15 has no end (byte 1)"],
  ["an end without a group", "logs", hex("7c"), "LogsData.15: end of group 15, which was not begun (byte 0)"],
  ["the end of another group", "logs", hex("7b 0c"), "LogsData.15: end of group 1 inside group 15 (byte 1)"],
  [
    "a group for a known field",
    "logs",
    hex("0b 0c"),
    "LogsData.resource_logs[0]: expected wire type 2, got 3 (byte 1)",
  ],
  ["fixed64 cut off", "logs", logs("09 00 00 00"), `${IN_RECORD}.time_unix_nano: 3 of 8 bytes are there (byte 7)`],
  ["fixed32 cut off", "logs", logs("45 00 00 00"), `${IN_RECORD}.flags: 3 of 4 bytes are there (byte 7)`],
  [
    "a varint that runs out of its message",
    "logs",
    logs("10 ff"),
    `${IN_RECORD}.severity_number: the varint is cut off (byte 7)`,
  ],
  [
    "a double in a body, cut off",
    "logs",
    logs("2a 03 21 00 00"),
    `${IN_RECORD}.body.double_value: 2 of 8 bytes are there (byte 9)`,
  ],
  ["an attribute without a value", "logs", logs("32 03 0a 01 61"), undefined],
  ["an attribute, value first", "logs", logs("32 07 12 02 18 01 0a 01 61"), undefined],
  ["an empty attribute", "logs", logs("32 00"), undefined],
  ["an attribute with an int of two bytes", "logs", logs("32 08 0a 01 61 12 03 18 80 01"), undefined],
  [
    "an attribute with an unfinished int",
    "logs",
    logs("32 08 0a 01 61 12 03 18 80 81"),
    `${IN_RECORD}.attributes[0].value.int_value: the varint is cut off (byte 14)`,
  ],
  ["an attribute with two strings", "logs", logs("32 09 0a 01 61 12 04 0a 00 0a 00"), undefined],
  [
    "an attribute whose string ends before its value does",
    "logs",
    logs("32 08 0a 01 61 12 03 0a 00 ff"),
    `${IN_RECORD}.attributes[0].value: the varint is cut off (byte 15)`,
  ],
  [
    "an attribute whose value ends before the attribute does",
    "logs",
    logs("32 08 0a 01 61 12 02 0a 00 1a"),
    `${IN_RECORD}.attributes[0].key_strindex: expected wire type 0, got 2 (byte 16)`,
  ],
  [
    "the second attribute",
    "logs",
    logs("32 07 0a 01 61 12 02 10 01 32 07 0a 01 61 12 02 13 01"),
    `${IN_RECORD}.attributes[1].value.bool_value: expected wire type 0, got 3 (byte 23)`,
  ],
  [
    "an attribute whose length of two bytes looks like one byte and a key",
    "logs",
    logs(`32 80 0a 01 61 12 7b 0a 79 ${"61".repeat(121)}`),
    `${IN_RECORD}.attributes[0]: length 1280 runs past the end (byte 10)`,
  ],
  ["strings that are not UTF-8", "logs", logs("1a 02 ff fe"), undefined],
  ["ids of any length", "logs", logs("4a 01 00 52 00"), undefined],
];

for (const [name, signal, bytes, message] of cases) {
  test(`${signal}: ${name}`, () => assert.equal(validateOtlp(signal, bytes), message));
}

/** A histogram data point, or an exponential one's buckets, around these fields. */
const histogram = (point: string): Uint8Array => wrap(wrap(wrap(wrap(wrap(hex(point)), 9), 2), 2));
const buckets = (content: string): Uint8Array => wrap(wrap(wrap(wrap(wrap(wrap(hex(content), 8)), 10), 2), 2));
const IN_METRIC = "MetricsData.resource_metrics[0].scope_metrics[0].metrics[0]";

test("repeated numbers may be packed or not, and both at once", () => {
  const one = "0000000000000000";
  assert.equal(validateOtlp("metrics", histogram(`31 ${one} 31 ${one}`)), undefined);
  assert.equal(validateOtlp("metrics", histogram(`32 10 ${one} ${one}`)), undefined);
  assert.equal(validateOtlp("metrics", histogram(`32 10 ${one} ${one} 31 ${one} 3a 08 ${one} 3a 00`)), undefined);
  assert.equal(
    validateOtlp("metrics", histogram(`32 0c ${one} 00000000`)),
    `${IN_METRIC}.histogram.data_points[0].bucket_counts[0]: 4 of 8 bytes are there (byte 20)`,
  );
  assert.equal(validateOtlp("metrics", buckets("12 04 01 80 01 02")), undefined);
  assert.equal(validateOtlp("metrics", buckets("10 01 10 80 01 12 00")), undefined);
  assert.equal(
    validateOtlp("metrics", buckets("12 02 01 80")),
    `${IN_METRIC}.exponential_histogram.data_points[0].positive.bucket_counts[0]: the varint is cut off (byte 15)`,
  );
});

test("a field number of two bytes: the flags of a span", () => {
  const span = (text: string): Uint8Array => wrap(wrap(wrap(hex(text), 2), 2));
  assert.equal(validateOtlp("traces", span("85 01 01 01 00 00")), undefined);
  assert.equal(validateOtlp("traces", span("85 02 01 01 00 00")), undefined, "field 32 is unknown");
  assert.equal(
    validateOtlp("traces", span("80 01 01")),
    "TracesData.resource_spans[0].scope_spans[0].spans[0].flags: expected wire type 5, got 0 (byte 8)",
  );
});

/** A log record whose body is arrays in arrays: root, resource, scope, record, body, then two messages for each level. */
function nested(levels: number): Uint8Array {
  let body = new Uint8Array();
  for (let i = 0; i < levels; i++) body = new Uint8Array(wrap(wrap(body), 5));
  return wrap(wrap(wrap(wrap(body, 5), 2), 2));
}

test("messages may be nested as deep as protobuf libraries read them", () => {
  const most = (MAX_DEPTH - 4) / 2;
  assert.equal(validateOtlp("logs", nested(most)), undefined);
  protoType("logs").decode(nested(most));
  assert.match(validateOtlp("logs", nested(most + 1)) ?? "", /array_value: nested deeper than 100 messages/);
  assert.throws(() => protoType("logs").decode(nested(most + 1)), /depth/);
  assert.match(validateOtlp("logs", nested(3000)) ?? "", /nested deeper than 100/);
});

test("groups may be nested that deep as well", () => {
  const groups = (count: number): Uint8Array => hex("7b".repeat(count) + "7c".repeat(count));
  assert.equal(validateOtlp("logs", groups(100)), undefined);
  assert.match(validateOtlp("logs", groups(101)) ?? "", /nested deeper than 100/);
  assert.match(validateOtlp("logs", groups(1_000_000)) ?? "", /nested deeper than 100/);
});

for (const signal of SIGNALS) {
  test(`${signal}: what is counted while it is checked is what counting counts, also where a count has to wait`, () => {
    let counted = 0;
    fc.assert(
      fc.property(fc.oneof(payloads(signal), damaged(signal)), (bytes) => {
        const problem = validateOtlp(signal, bytes);
        const batch = checkedBatch(signal, bytes);
        if (typeof batch === "string") {
          assert.equal(batch, problem);
          return;
        }
        assert.equal(problem, undefined);
        assert.equal(batch.bytes, bytes);
        if (batch.items !== undefined) counted++;
        assert.equal(itemsOf(batch), summarize({ signal, bytes }).items);
      }),
      { numRuns: 400 },
    );
    // Most of those that are generated have unknown fields somewhere.
    assert.ok(counted > 10, `only ${counted} were counted on the way`);
    for (const items of [0, 1, 123]) {
      const bytes = buildPayload(signal, items);
      assert.deepEqual(checkedBatch(signal, bytes), { signal, bytes, items });
    }
  });
}

test("of a metric with two kinds of data the last one counts, and what stands behind an unusual tag counts, too", () => {
  // Two data points of a gauge, one of a sum; metadata in between.
  const metric = hex("0a 12 12 10 12 0e 2a 04 0a 00 0a 00 62 00 3a 02 0a 00 62 00");
  assert.deepEqual(checkedBatch("metrics", metric), { signal: "metrics", bytes: metric, items: 1 });
  // Its tag in two bytes.
  const unusual = checkedBatch("logs", hex("0a 05 12 03 92 00 00"));
  assert.ok(typeof unusual === "object");
  assert.deepEqual([unusual.items, itemsOf(unusual)], [undefined, 1]);
});
