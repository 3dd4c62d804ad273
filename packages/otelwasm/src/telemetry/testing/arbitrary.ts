import { join } from "node:path";
import fc from "fast-check";
import protobuf from "protobufjs";
import { loadProtoRoot } from "../../../../../scripts/generate/proto.ts";
import type { Signal } from "../batch.ts";

/** Every message of `proto/`, in a protobuf library that knows nothing of this project. */
const protoRoot: protobuf.Root = loadProtoRoot(join(import.meta.dirname, "../../../../../proto"));

const TYPES: Readonly<Record<Signal, string>> = {
  traces: "opentelemetry.proto.trace.v1.TracesData",
  metrics: "opentelemetry.proto.metrics.v1.MetricsData",
  logs: "opentelemetry.proto.logs.v1.LogsData",
};

/** The library's type of a signal's payload. */
export function protoType(signal: Signal): protobuf.Type {
  return protoRoot.lookupType(TYPES[signal]);
}

/** What the library decodes, as plain values that `deepEqual` compares: 64-bit integers as strings, bytes as hex, no prototypes. */
export function protoDecode(signal: Signal, bytes: Uint8Array): unknown {
  const type = protoType(signal);
  return normalise(type.toObject(type.decode(bytes), { longs: String, bytes: Array, oneofs: false }));
}

/** `deepEqual` treats 0 and -0, and prototypes, as it finds them. */
function normalise(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalise);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, normalise(inner)]));
}

/** Levels of messages below which no more messages are generated. */
const LEVELS = 9;

const text: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 2, arbitrary: fc.string({ unit: "grapheme", maxLength: 8 }) },
  { weight: 1, arbitrary: fc.string({ minLength: 120, maxLength: 300 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("", '"', "\\", "\n\u0000", "\u2028", "a\u007fb", "__proto__", "constructor"),
  },
);
const bytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
);
const int64 = fc
  .oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -300n, max: 300n }))
  .map(String);
const uint64 = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 300n })).map(String);
const int32 = fc.oneof(fc.integer(), fc.integer({ min: -3, max: 30 }));
const uint32 = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 300 }));
const double = fc.oneof(fc.double(), fc.constantFrom(0, -0, 1, -1.5, 1e21, 1e-7, NaN, Infinity, -Infinity));

const SCALARS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  string: text,
  bytes,
  bool: fc.boolean(),
  int32,
  sint32: int32,
  uint32,
  int64,
  uint64,
  fixed32: uint32,
  fixed64: uint64,
  sfixed64: int64,
  double,
};

/** A field that OTLP does not have (yet), as it stands on the wire. */
const unknownField: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.integer({ min: 200, max: 2 ** 29 - 1 }),
    fc.oneof(
      fc.record({ wire: fc.constant("varint" as const), value: uint64 }),
      fc.record({ wire: fc.constant("fixed64" as const), value: uint64 }),
      fc.record({ wire: fc.constant("fixed32" as const), value: uint32 }),
      fc.record({ wire: fc.constant("bytes" as const), value: bytes }),
      fc.record({ wire: fc.constant("group" as const), value: bytes }),
    ),
  )
  .map(([number, field]) => {
    const writer = protobuf.Writer.create();
    const tag = (wireType: number): protobuf.Writer => writer.uint32(((number << 3) | wireType) >>> 0);
    if (field.wire === "varint") tag(0).uint64(field.value);
    else if (field.wire === "fixed64") tag(1).fixed64(field.value);
    else if (field.wire === "fixed32") tag(5).fixed32(field.value);
    else if (field.wire === "bytes") tag(2).bytes(field.value);
    else {
      tag(3).uint32(10).bytes(field.value);
      tag(4);
    }
    return writer.finish();
  });

/** Of each type and level once: an arbitrary is a value, and the messages refer to each other. */
const memo = new Map<string, fc.Arbitrary<Record<string, unknown>>>();

function fieldArbitrary(field: protobuf.Field, level: number): fc.Arbitrary<unknown> | undefined {
  const { resolvedType } = field;
  let one: fc.Arbitrary<unknown> | undefined;
  if (resolvedType instanceof protobuf.Type)
    one = level >= LEVELS ? undefined : messageArbitrary(resolvedType, level + 1);
  else if (resolvedType instanceof protobuf.Enum)
    one = fc.oneof(fc.constantFrom(...Object.values(resolvedType.values)), fc.integer({ min: 0, max: 90 }));
  else one = SCALARS[field.type];
  if (one === undefined || !field.repeated) return one;
  // The outer levels must not be empty, or there is nothing to see.
  return fc.array(one, { minLength: level < 3 ? 1 : 0, maxLength: level < 3 ? 2 : 3 });
}

function messageArbitrary(type: protobuf.Type, level: number): fc.Arbitrary<Record<string, unknown>> {
  const key = `${type.fullName} ${level}`;
  const known = memo.get(key);
  if (known !== undefined) return known;
  const alone: Record<string, fc.Arbitrary<unknown>> = {};
  const oneof: fc.Arbitrary<Record<string, unknown>>[] = [fc.constant({})];
  const required: string[] = [];
  for (const field of type.fieldsArray) {
    const value = fieldArbitrary(field, level);
    if (value === undefined) continue;
    if (field.partOf !== null && field.options?.proto3_optional !== true) {
      oneof.push(value.map((content) => ({ [field.name]: content })));
      continue;
    }
    alone[field.name] = value;
    if (field.repeated && level < 3) required.push(field.name);
  }
  const unknowns = fc.oneof(
    { weight: 9, arbitrary: fc.constant<Uint8Array[]>([]) },
    { weight: 1, arbitrary: fc.array(unknownField, { minLength: 1, maxLength: 2 }) },
  );
  const made = fc
    .tuple(fc.record(alone, { requiredKeys: required }), fc.oneof(...oneof), unknowns)
    .map(([fields, member, unknown]) => ({
      ...fields,
      ...member,
      ...(unknown.length > 0 ? { $unknowns: unknown } : {}),
    }));
  memo.set(key, made);
  return made;
}

/**
 * Any payload of a signal, as bytes that the protobuf library wrote: every field in turn, nested values, unknown fields (groups
 * too), defaults that are written out, ids of wrong lengths.
 */
export function payloads(signal: Signal): fc.Arbitrary<Uint8Array> {
  const type = protoType(signal);
  return messageArbitrary(type, 0).map((message) => new Uint8Array(type.encode(message).finish()));
}

/** Bytes that are wrong, or could be: cut off, overwritten, with a part missing or doubled. */
export function damaged(signal: Signal): fc.Arbitrary<Uint8Array> {
  const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const damage = fc.record({
    how: fc.constantFrom("cut", "set", "set", "set", "remove", "insert"),
    at: place,
    byte: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 0x0a, 0x12, 0x7f, 0x80, 0xff)),
    size: fc.integer({ min: 1, max: 4 }),
  });
  return fc.tuple(payloads(signal), fc.array(damage, { minLength: 1, maxLength: 3 })).map(([whole, damages]) => {
    let result = [...whole];
    for (const { how, at, byte, size } of damages) {
      const index = Math.floor(at * result.length);
      if (how === "cut") result = result.slice(0, index);
      else if (how === "set") result[index] = byte;
      else if (how === "remove") result.splice(index, size);
      else result.splice(index, 0, ...Array<number>(size).fill(byte));
    }
    return Uint8Array.from(result);
  });
}
