import type { Signal } from "./batch.ts";
import { FieldReader } from "./fields.ts";
import type { LogsData, MetricsData, TracesData } from "./generated/types.ts";
import { type Field, MAX_DEPTH, type Message, rootOf } from "./schema.ts";
import { WireType } from "./writer.ts";

/**
 * A decoded message: the value of each field at the field's `index`, `undefined` where it is not on the wire. Repeated fields have an
 * array of values, messages their own slots; enums are numbers, bytes are views of the payload.
 */
export type Slots = SlotValue[];
export type SlotValue = string | number | bigint | boolean | Uint8Array | SlotValue[] | undefined;

/** One payload that is being decoded. */
class Decoder {
  readonly #bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  message(message: Message, from: number, to: number, depth: number, into?: Slots): Slots {
    if (depth > MAX_DEPTH) throw malformed(message, `nested deeper than ${MAX_DEPTH} messages`);
    const slots = into ?? new Array<SlotValue>(message.fields.length).fill(undefined);
    const reader = new FieldReader(this.#bytes, from, to);
    while (reader.next()) {
      const field = message.byNumber[reader.number];
      if (field === undefined) continue;
      if (field.repeated) {
        const values = slots[field.index];
        const list = Array.isArray(values) ? values : [];
        slots[field.index] = list;
        if (field.packed && reader.wireType === WireType.LEN) this.#packed(field, reader, list);
        else list.push(this.#value(message, field, reader, depth, undefined));
      } else {
        const before = slots[field.index];
        slots[field.index] = this.#value(message, field, reader, depth, before);
        if (field.oneof !== undefined && before === undefined) clearOthers(message, field, slots);
      }
    }
    if (reader.malformed) throw malformed(message, "a field runs past its end");
    return slots;
  }

  /** @param before the same field's earlier value: messages are merged, of anything else the last one counts */
  #value(message: Message, field: Field, reader: FieldReader, depth: number, before: SlotValue): SlotValue {
    if (reader.wireType !== field.wireType)
      throw malformed(message, `${field.name}: expected wire type ${field.wireType}, got ${reader.wireType}`);
    const { start, end } = reader;
    switch (field.kind) {
      case "message":
        return this.message(field.message!, start, end, depth + 1, Array.isArray(before) ? before : undefined);
      case "string":
        return this.#bytes.toString("utf8", start, end);
      case "bytes":
        return this.#bytes.subarray(start, end);
      default:
        return this.#number(field, reader);
    }
  }

  #number(field: Field, reader: FieldReader): number | bigint | boolean {
    const { start } = reader;
    switch (field.kind) {
      case "bool":
        return reader.varint() !== 0n;
      case "uint32":
        return reader.varint32() >>> 0;
      case "sint32": {
        const value = reader.varint32();
        return (value >>> 1) ^ -(value & 1);
      }
      case "int64":
        return BigInt.asIntN(64, reader.varint());
      case "uint64":
        return reader.varint();
      case "fixed32":
        return this.#bytes.readUInt32LE(start);
      case "fixed64":
        return this.#bytes.readBigUInt64LE(start);
      case "sfixed64":
        return this.#bytes.readBigInt64LE(start);
      case "double":
        return this.#bytes.readDoubleLE(start);
      default:
        return reader.varint32();
    }
  }

  #packed(field: Field, reader: FieldReader, list: SlotValue[]): void {
    const run = new FieldReader(this.#bytes, reader.start, reader.end);
    while (run.nextElement(field.wireType)) list.push(this.#number(field, run));
    if (run.malformed) throw new RangeError(`${field.name}: the packed numbers run past their end`);
  }
}

export function malformed(message: Message, text: string): RangeError {
  return new RangeError(`${message.name}: ${text}`);
}

/** Setting one member of a `oneof` takes the others away. */
function clearOthers(message: Message, field: Field, slots: Slots): void {
  for (const other of message.fields)
    if (other !== field && other.oneof === field.oneof) slots[other.index] = undefined;
}

/** @throws RangeError when the bytes are not well-formed; `validateOtlp` says more about them */
export function decodeSlots(signal: Signal, bytes: Uint8Array): Slots {
  return new Decoder(bytes).message(rootOf(signal), 0, bytes.length, 0);
}

function defaultOf(field: Field): SlotValue {
  switch (field.kind) {
    case "string":
      return "";
    case "bytes":
      return new Uint8Array();
    case "bool":
      return false;
    case "int64":
    case "uint64":
    case "fixed64":
    case "sfixed64":
      return 0n;
    default:
      return 0;
  }
}

function objectOf(message: Message, slots: Slots): object {
  const named: Record<string, unknown> = {};
  for (const field of message.fields) {
    const value = slots[field.index];
    const { message: inner } = field;
    if (field.repeated) {
      const values = Array.isArray(value) ? value : [];
      named[field.jsonName] =
        inner === undefined ? values : values.map((element) => objectOf(inner, Array.isArray(element) ? element : []));
    } else if (inner !== undefined) {
      if (Array.isArray(value)) named[field.jsonName] = objectOf(inner, value);
    } else if (value !== undefined) {
      named[field.jsonName] = value;
    } else if (!field.optional && field.oneof === undefined) {
      named[field.jsonName] = defaultOf(field);
    }
  }
  return named;
}

export interface Decoded {
  readonly traces: TracesData;
  readonly metrics: MetricsData;
  readonly logs: LogsData;
}

/**
 * A whole payload as objects: for people to look at, not for the data path.
 *
 * @param bytes are referred to by the result's `Uint8Array`s
 * @throws RangeError when the bytes are not well-formed
 */
export function decode<S extends Signal>(signal: S, bytes: Uint8Array): Decoded[S] {
  // What is built from a message's table is what was generated from the same table.
  return objectOf(rootOf(signal), decodeSlots(signal, bytes)) as Decoded[S];
}
