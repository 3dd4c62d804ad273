/** Bodies that are wrong, or unusual and yet right: protobuf, JSON and what compresses them. The same for both protocols. */
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { everyField } from "../payload.ts";
import { fromOtlpJson, SIGNALS, type Signal } from "../proto.ts";
import type { Random } from "../random.ts";
import { alter, cut } from "./mutation.ts";

export interface Body {
  readonly bytes: Uint8Array;
  readonly signal: Signal;
}

/** Whether a receiver has to take it; `either` where only the bytes decide. */
type Validity = "valid" | "invalid" | "either";

export interface BodyMutation {
  readonly name: string;
  readonly is: Validity;
  make(random: Random): Body;
}

const PAYLOADS: Readonly<Record<Signal, Uint8Array>> = {
  traces: everyField("traces", { unknownFields: true }),
  metrics: everyField("metrics", { unknownFields: true }),
  logs: everyField("logs", { unknownFields: true }),
};

export function valid(random: Random): Body {
  const signal = random.pick(SIGNALS);
  return { signal, bytes: PAYLOADS[signal] };
}

function protobuf(name: string, is: Validity, make: (random: Random, bytes: Uint8Array) => Uint8Array): BodyMutation {
  return {
    name: `protobuf: ${name}`,
    is,
    make(random) {
      const { signal, bytes } = valid(random);
      return { signal, bytes: make(random, bytes) };
    },
  };
}

const appended =
  (...tail: number[]) =>
  (_: Random, bytes: Uint8Array) =>
    Buffer.concat([bytes, Buffer.from(tail)]);
const tag = (field: number, wireType: number): number => (field << 3) | wireType;

/** https://protobuf.dev/programming-guides/encoding/ */
export const PROTOBUF: readonly BodyMutation[] = [
  protobuf("as it should be", "valid", (_, bytes) => bytes),
  protobuf("two payloads after each other", "valid", (_, bytes) => Buffer.concat([bytes, bytes])),
  protobuf("an unknown field of each wire type", "valid", (random, bytes) =>
    Buffer.concat([
      bytes,
      Buffer.from([tag(15, 0), random.between(0, 127)]),
      Buffer.from([tag(14, 1), ...random.bytes(8)]),
      Buffer.from([tag(13, 2), 3, ...random.bytes(3)]),
      Buffer.from([tag(12, 5), ...random.bytes(4)]),
    ]),
  ),
  protobuf("a number longer than it has to be", "valid", appended(tag(15, 0), 0x81, 0x80, 0x80, 0x00)),
  protobuf("nothing", "valid", () => new Uint8Array()),
  // One field at the top: whatever is missing is missing within it.
  protobuf("cut off", "invalid", (random) => {
    const bytes = Buffer.from([tag(1, 2), 100, ...Buffer.alloc(100)]);
    return bytes.subarray(0, random.between(1, bytes.length - 1));
  }),
  protobuf("wire types 6 and 7", "invalid", (random, bytes) =>
    Buffer.concat([bytes, Buffer.from([tag(random.between(1, 15), random.between(6, 7)), 0])]),
  ),
  protobuf("field number 0", "invalid", appended(tag(0, 0), 1)),
  protobuf("a length beyond the end", "invalid", appended(tag(1, 2), 0xff, 0xff, 0x03)),
  protobuf("a length of 2^64-1", "invalid", appended(tag(1, 2), ...Array<number>(9).fill(0xff), 0x01)),
  protobuf("a number of eleven bytes", "invalid", appended(tag(15, 0), ...Array<number>(10).fill(0x80), 0x01)),
  protobuf("a number without an end", "invalid", appended(tag(15, 0), 0x80)),
  protobuf("the wrong wire type for a message", "invalid", appended(tag(1, 7), 1)),
  protobuf("a group that is never closed", "invalid", appended(tag(15, 3), tag(1, 0), 1)),
  protobuf("the end of a group that was not opened", "invalid", appended(tag(15, 4))),
  protobuf("a few bits", "either", (random, bytes) => alter(random, bytes, random.between(1, 8))),
  protobuf("cut off anywhere", "either", (random, bytes) => cut(random, bytes)),
  protobuf("any bytes", "either", (random) => random.bytes(random.between(1, 2000))),
  protobuf("text", "either", () => Buffer.from("resource_spans { scope_spans { } }")),
];

const ID = "0102030405060708090a0b0c0d0e0f10";

/** A span, and what is put in its place or beside it. */
function spans(span: string, beside = ""): Body {
  const text = `{"resourceSpans":[{"scopeSpans":[{"spans":[${span}]}]}]${beside}}`;
  return { signal: "traces", bytes: Buffer.from(text) };
}

const SPAN = `{"traceId":"${ID}","spanId":"0102030405060708","name":"a","kind":2,"startTimeUnixNano":"1"}`;

function json(name: string, is: Validity, make: (random: Random) => Body): BodyMutation {
  return { name: `JSON: ${name}`, is, make };
}

/** https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
export const JSON_BODIES: readonly BodyMutation[] = [
  json("as it should be", "valid", () => spans(SPAN)),
  json("unknown fields", "valid", (random) => spans(SPAN, `,"x${random.between(0, 9)}":{"a":[1,null,{"b":"c"}]}`)),
  json("white space", "valid", () => spans(` \t\r\n${SPAN} `)),
  json("nothing in it", "valid", () => ({ signal: "traces", bytes: Buffer.from("{}") })),
  json("numbers as text and as numbers", "valid", () =>
    spans('{"kind":2,"startTimeUnixNano":1,"endTimeUnixNano":"18446744073709551615"}'),
  ),
  json("cut off", "invalid", (random) => {
    const { signal, bytes } = spans(SPAN);
    return { signal, bytes: cut(random, bytes) };
  }),
  json("ids that are not hex", "invalid", (random) =>
    spans(`{"traceId":"${random.pick(["xyz", "0", ID.slice(1), "é".repeat(16)])}"}`),
  ),
  json("values of other types", "invalid", (random) => {
    const wrong = random.pick([
      '{"name":5}',
      '{"attributes":{}}',
      '{"kind":[]}',
      '{"events":7}',
      '{"status":"x"}',
      "5",
    ]);
    return spans(wrong);
  }),
  json("numbers that are none", "invalid", (random) =>
    spans(`{"startTimeUnixNano":"${random.pick(["1.5", "abc", "-1", "18446744073709551616", "0x10"])}"}`),
  ),
  json("not an object", "invalid", (random) => ({
    signal: "traces",
    bytes: Buffer.from(random.pick(["[]", "5", '"text"', "true"])),
  })),
  json("what is not JSON", "invalid", (random) => ({
    signal: "traces",
    bytes: Buffer.from(random.pick(["{'a':1}", "{a:1}", "{,}", '{"a":01}', '{"a":NaN}', "\u0000", '{"a":1}x', "{]"])),
  })),
  json("a hundred thousand arrays in each other", "invalid", () => ({
    signal: "traces",
    bytes: Buffer.from(`{"resourceSpans":${"[".repeat(100_000)}${"]".repeat(100_000)}}`),
  })),
  json("text that is not UTF-8", "invalid", () => {
    const { signal, bytes } = spans('{"name":"?"}');
    const at = Buffer.from(bytes).indexOf("?");
    const altered = Buffer.from(bytes);
    altered[at] = 0xff;
    return { signal, bytes: altered };
  }),
  json("a few bits", "either", (random) => {
    const { signal, bytes } = spans(SPAN);
    return { signal, bytes: alter(random, bytes, random.between(1, 4)) };
  }),
];

// What this file says is valid is so for the other library, too.
for (const { is, name, make } of JSON_BODIES)
  if (is === "valid" && name !== "JSON: unknown fields")
    fromOtlpJson(
      "traces",
      Buffer.from(make({ pick: (from: readonly unknown[]) => from[0] } as Random).bytes).toString(),
    );

interface Compressed extends Body {
  /** By HTTP's name. */
  readonly coding: "gzip" | "deflate" | "zstd";
}

export interface CompressedMutation {
  readonly name: string;
  readonly is: Validity | "too large";
  make(random: Random): Compressed;
}

const PACK = { gzip: gzipSync, deflate: deflateSync, zstd: zstdCompressSync } as const;
const CODINGS = ["gzip", "deflate", "zstd"] as const;

function packed(
  name: string,
  is: CompressedMutation["is"],
  make: (random: Random, plain: Uint8Array, coding: Compressed["coding"]) => Uint8Array,
): CompressedMutation {
  return {
    name: `compression: ${name}`,
    is,
    make(random) {
      const { signal, bytes } = valid(random);
      const coding = random.pick(CODINGS);
      return { signal, coding, bytes: make(random, bytes, coding) };
    },
  };
}

/** Larger than any limit, and small. */
const BOMBS = Object.fromEntries(CODINGS.map((coding) => [coding, PACK[coding](Buffer.alloc(24 * 1024 * 1024))]));

export const COMPRESSED: readonly CompressedMutation[] = [
  packed("as it should be", "valid", (_, plain, coding) => PACK[coding](plain)),
  packed("of nothing", "valid", (_, _plain, coding) => PACK[coding](new Uint8Array())),
  packed("cut off", "invalid", (random, plain, coding) => cut(random, PACK[coding](plain))),
  packed("not compressed", "invalid", (_, plain) => plain),
  packed("another coding", "invalid", (_, plain, coding) => PACK[coding === "gzip" ? "deflate" : "gzip"](plain)),
  packed("any bytes", "invalid", (random) => random.bytes(random.between(1, 500))),
  packed("twice", "invalid", (_, plain, coding) => PACK[coding](PACK[coding](plain))),
  packed("a few bits", "either", (random, plain, coding) => alter(random, PACK[coding](plain), random.between(1, 4))),
  packed("with more after its end", "either", (random, plain, coding) =>
    Buffer.concat([PACK[coding](plain), random.bytes(20)]),
  ),
  packed("of what is malformed", "invalid", (_, _plain, coding) => PACK[coding](Buffer.from([tag(0, 0), 1]))),
  packed("a bomb", "too large", (_, _plain, coding) => BOMBS[coding]!),
];
