/**
 * The wire format seen generically, unknown fields included: https://protobuf.dev/programming-guides/encoding/
 * Written for the tests alone, as plainly as possible, so that it can judge what the collector did.
 */
import protobuf from "protobufjs";

/** One field as it stands on the wire; a sub-message when the descriptor says so, hex otherwise. */
export interface WireField {
  readonly number: number;
  readonly wireType: number;
  readonly value: string | WireField[];
}

class Cursor {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  take(size: number): Uint8Array {
    if (this.at + size > this.bytes.length) throw new Error(`truncated at byte ${this.at}: ${size} more expected`);
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const [byte = 0] = this.take(1);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Error(`varint of more than 10 bytes before byte ${this.at}`);
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function fieldsUntil(cursor: Cursor, type: protobuf.Type | undefined, group: number | undefined): WireField[] {
  const fields: WireField[] = [];
  while (cursor.at < cursor.bytes.length) {
    const tag = Number(cursor.varint());
    const number = tag >>> 3;
    const wireType = tag & 7;
    if (wireType === 4) {
      if (number !== group) throw new Error(`end of group ${number} without its start`);
      return fields;
    }
    fields.push({ number, wireType, value: fieldValue(cursor, number, wireType, type?.fieldsById[number]) });
  }
  if (group !== undefined) throw new Error(`group ${group} without an end`);
  return fields;
}

function fieldValue(
  cursor: Cursor,
  number: number,
  wireType: number,
  field: protobuf.Field | undefined,
): string | WireField[] {
  switch (wireType) {
    case 0:
      return cursor.varint().toString();
    case 1:
      return hex(cursor.take(8));
    case 2: {
      const bytes = cursor.take(Number(cursor.varint()));
      const subType = field?.resolve().resolvedType;
      return subType instanceof protobuf.Type ? fieldsUntil(new Cursor(bytes), subType, undefined) : hex(bytes);
    }
    case 3:
      return fieldsUntil(cursor, undefined, number);
    case 5:
      return hex(cursor.take(4));
    default:
      throw new Error(`wire type ${wireType} in field ${number}`);
  }
}

/**
 * All fields of a message in the order of the wire; sub-messages that `type` knows are taken apart, unknown fields are kept as they are.
 *
 * @throws Error when the bytes are not well-formed
 */
export function wireTree(type: protobuf.Type, bytes: Uint8Array): WireField[] {
  return fieldsUntil(new Cursor(bytes), type, undefined);
}

/** Without the attributes that have this key, at every depth: what is left must be what was sent. */
export function withoutAttribute(type: protobuf.Type, tree: readonly WireField[], key: string): WireField[] {
  const keyHex = hex(Buffer.from(key));
  return tree.flatMap((field) => {
    const known = type.fieldsById[field.number]?.resolve().resolvedType;
    if (!(known instanceof protobuf.Type) || typeof field.value === "string") return [field];
    if (known.name === "KeyValue" && field.value.some(({ number, value }) => number === 1 && value === keyHex))
      return [];
    return [{ ...field, value: withoutAttribute(known, field.value, key) }];
  });
}

/** How many fields at every depth are unknown to the descriptor. */
export function countUnknown(type: protobuf.Type, tree: readonly WireField[]): number {
  let count = 0;
  for (const { number, value } of tree) {
    const field = type.fieldsById[number];
    if (field === undefined) count++;
    else if (field.resolve().resolvedType instanceof protobuf.Type && typeof value !== "string") {
      count += countUnknown(field.resolvedType as protobuf.Type, value);
    }
  }
  return count;
}
