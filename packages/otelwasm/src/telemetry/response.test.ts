import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import protobuf from "protobufjs";
import {
  decodePartialSuccess,
  decodePartialSuccessJson,
  decodeStatus,
  decodeStatusJson,
  encodeStatus,
  encodeStatusJson,
} from "./response.ts";

const root = protobuf.parse(`
  syntax = "proto3";
  package t;
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message RetryInfo { Duration retry_delay = 1; }
  message Partial { int64 rejected = 1; string error_message = 2; }
  message Response { Partial partial_success = 1; }
`).root;
const type = (name: string): protobuf.Type => root.lookupType(`t.${name}`);
const RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo";

const status = fc.record(
  {
    code: fc.integer({ min: 0, max: 20 }),
    message: fc.string({ unit: "binary" }).map((text) => text.toWellFormed()),
    retryAfterMs: fc.nat(10_000_000),
  },
  { requiredKeys: ["code", "message"], noNullPrototype: true },
);

test("a status is what a generic protobuf library reads and writes", () => {
  fc.assert(
    fc.property(status, (value) => {
      const bytes = encodeStatus(value);
      const generic = type("Status").toObject(type("Status").decode(bytes), { defaults: true });
      assert.equal(generic.code, value.code);
      assert.equal(generic.message, value.message);
      assert.equal(generic.details.length, value.retryAfterMs === undefined ? 0 : 1);
      for (const detail of generic.details) {
        assert.equal(detail.type_url ?? detail.typeUrl, RETRY_INFO);
        const info = type("RetryInfo").toObject(type("RetryInfo").decode(detail.value), {
          longs: Number,
          defaults: true,
        });
        assert.equal(info.retryDelay.seconds * 1000 + info.retryDelay.nanos / 1e6, value.retryAfterMs);
      }
      assert.deepEqual(decodeStatus(bytes), value);
      assert.deepEqual(decodeStatus(type("Status").encode(type("Status").fromObject(generic)).finish()), value);
      assert.deepEqual(decodeStatusJson(new TextDecoder().decode(encodeStatusJson(value))), value);
    }),
  );
});

test("details of other types are passed over", () => {
  const other = { typeUrl: "type.googleapis.com/google.rpc.BadRequest", value: Uint8Array.of(1, 2, 3) };
  const bytes = type("Status")
    .encode({ code: 3, message: "no", details: [other] })
    .finish();
  assert.deepEqual(decodeStatus(bytes), { code: 3, message: "no" });
});

test("a partial success is read as a generic library wrote it", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.string({ unit: "grapheme" }).map((text) => text.toWellFormed()),
      (rejected, message) => {
        const bytes = type("Response")
          .encode({ partialSuccess: { rejected, errorMessage: message } })
          .finish();
        const expected = rejected === 0 && message === "" ? undefined : { rejected: BigInt(rejected), message };
        assert.deepEqual(decodePartialSuccess(bytes), expected);
        const json = JSON.stringify({
          partialSuccess: { rejectedDataPoints: String(rejected), errorMessage: message },
        });
        assert.deepEqual(decodePartialSuccessJson("metrics", json), expected);
      },
    ),
  );
  assert.equal(decodePartialSuccess(new Uint8Array()), undefined);
  assert.equal(decodePartialSuccessJson("logs", "{}"), undefined);
  assert.deepEqual(decodePartialSuccessJson("traces", `{"partialSuccess":{"rejectedSpans":3}}`), {
    rejected: 3n,
    message: "",
  });
});

test("any bytes are read or refused with an Error", () => {
  for (const decode of [decodeStatus, decodePartialSuccess]) {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decode(bytes);
        } catch (error) {
          assert.match(String(error), /^Error: malformed protobuf: /);
        }
      }),
    );
  }
  assert.throws(() => decodeStatus(Uint8Array.of(0x12, 5, 65)), /a field is longer than its message/);
  assert.throws(() => decodeStatus(Uint8Array.of(0x08, 0x80)), /a varint is cut off/);
  assert.throws(() => decodeStatus(new Uint8Array(11).fill(0x80)), /longer than ten bytes/);
  assert.throws(() => decodeStatus(Uint8Array.of(0x0b)), /wire type 3/);
  assert.throws(() => decodeStatusJson("3"), /not a JSON object/);
  assert.throws(() => decodePartialSuccessJson("logs", `{"partialSuccess":{"rejectedLogRecords":[]}}`), /not a number/);
});
