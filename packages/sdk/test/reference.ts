// What a batch means, decoded by protobuf's rules with protobufjs' descriptions of the messages, unknown fields kept:
// repeated singular fields (the last counts, messages are merged, a oneof's members end each other), packed or not.
import protobuf from "protobufjs";

/** A message: its fields by name, and under `$unknown` the bytes of other fields as hexadecimal digits. */
export interface Decoded {
  [field: string]: Decoded | Decoded[] | Scalar | Scalar[] | undefined;
}
/** 64 bit numbers are bigints; bytes are hexadecimal digits. */
export type Scalar = string | number | bigint | boolean;

const MALFORMED = new Error("malformed");
const WIRE: Record<string, number> = { double: 1, fixed64: 1, sfixed64: 1, string: 2, bytes: 2, fixed32: 5 };

/** @throws when the bytes are not well-formed */
export function decodeReference(type: protobuf.Type, bytes: Uint8Array): Decoded {
  const message: Decoded = {};
  const unknown: string[] = [];
  /** Contents of singular messages, to be merged: concatenated contents are merged contents. */
  const parts = new Map<protobuf.Field, Uint8Array[]>();
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.uint32();
    const wire = tag & 7;
    if (tag >>> 3 === 0) throw MALFORMED;
    const field = type.fieldsById[tag >>> 3];
    const expected = field === undefined ? -1 : wireOf(field);
    if (field === undefined || (wire !== expected && !(field.repeated && expected !== 2 && wire === 2))) {
      reader.skipType(wire, 0, tag >>> 3);
      unknown.push(hex(bytes.subarray(start, reader.pos)));
      continue;
    }
    const resolved = field.resolvedType;
    if (field.repeated) {
      message[field.name] ??= [];
      const list = message[field.name] as (Decoded | Scalar)[];
      if (resolved instanceof protobuf.Type) list.push(decodeReference(resolved, reader.bytes()));
      else if (wire === 2 && expected !== 2) {
        const end = reader.uint32() + reader.pos;
        if (end > reader.len) throw MALFORMED;
        while (reader.pos < end) list.push(scalar(field, reader));
        if (reader.pos !== end) throw MALFORMED;
      } else list.push(scalar(field, reader));
      continue;
    }
    for (const other of field.partOf?.fieldsArray ?? []) {
      if (other === field) continue;
      delete message[other.name];
      parts.delete(other);
    }
    if (resolved instanceof protobuf.Type) {
      const known = parts.get(field) ?? [];
      known.push(reader.bytes());
      parts.set(field, known);
      message[field.name] = decodeReference(resolved, Buffer.concat(known));
    } else {
      const value = scalar(field, reader);
      if (field.partOf === null && isDefault(value)) delete message[field.name];
      else message[field.name] = value;
    }
  }
  if (unknown.length > 0) message.$unknown = unknown;
  return message;
}

export function wireOf(field: protobuf.Field): number {
  return field.resolvedType instanceof protobuf.Type ? 2 : (WIRE[field.type] ?? 0);
}

export function isDefault(value: Scalar): boolean {
  return value === "" || value === false || value === 0n || Object.is(value, 0);
}

function scalar(field: protobuf.Field, reader: protobuf.Reader): Scalar {
  if (field.resolvedType instanceof protobuf.Enum) return reader.int32();
  switch (field.type) {
    case "string":
      return Buffer.from(reader.bytes()).toString("utf8");
    case "bytes":
      return hex(reader.bytes());
    case "bool":
      return reader.bool();
    case "int32":
      return reader.int32();
    case "uint32":
      return reader.uint32();
    case "sint32":
      return reader.sint32();
    case "fixed32":
      return reader.fixed32();
    case "double":
      return reader.double();
    case "int64":
      return BigInt.asIntN(64, BigInt(reader.int64().toString()));
    case "uint64":
      return BigInt.asUintN(64, BigInt(reader.uint64().toString()));
    case "fixed64":
      return BigInt.asUintN(64, BigInt(reader.fixed64().toString()));
    case "sfixed64":
      return BigInt.asIntN(64, BigInt(reader.sfixed64().toString()));
    default:
      throw new Error(`no reader for ${field.type}`);
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
