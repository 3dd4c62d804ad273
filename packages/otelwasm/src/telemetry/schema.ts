import type { Signal } from "./batch.ts";
import { ENUMS, MESSAGES, ROOTS } from "./generated/schema.ts";
import { WireType } from "./writer.ts";

type ScalarKind =
  | "string"
  | "bytes"
  | "bool"
  | "int32"
  | "sint32"
  | "uint32"
  | "int64"
  | "uint64"
  | "fixed32"
  | "fixed64"
  | "sfixed64"
  | "double";

/** A field as `npm run generate` writes it down. */
interface FieldTable {
  readonly number: number;
  /** As in the `.proto` file: `trace_id`. */
  readonly name: string;
  /** `traceId` */
  readonly jsonName: string;
  readonly kind: ScalarKind | "enum" | "message";
  /** The message's place in `MESSAGES`. */
  readonly message?: number;
  /** The enum's place in `ENUMS`. */
  readonly enum?: number;
  readonly repeated?: true;
  /** A repeated number: one length-delimited run, or one field for each; readers take both. */
  readonly packed?: true;
  /** The name of the `oneof` that the field belongs to. */
  readonly oneof?: string;
  /** Declared `optional`: its presence is kept. */
  readonly optional?: true;
}

export interface MessageTable {
  readonly name: string;
  readonly fields: readonly FieldTable[];
}

export interface EnumTable {
  readonly name: string;
  readonly values: readonly (readonly [name: string, number: number])[];
}

/** A field with what it refers to. All fields have the same shape, which keeps the code that reads them monomorphic. */
export interface Field {
  readonly number: number;
  readonly name: string;
  readonly jsonName: string;
  readonly kind: ScalarKind | "enum" | "message";
  /** How one value stands on the wire (not packed). */
  readonly wireType: WireType;
  readonly message: Message | undefined;
  readonly enumNumbers: ReadonlyMap<string, number> | undefined;
  readonly repeated: boolean;
  readonly packed: boolean;
  readonly oneof: string | undefined;
  readonly optional: boolean;
  /** Place in the message's `fields`. */
  readonly index: number;
  /** A trace or span id: hexadecimal in OTLP JSON. */
  readonly isId: boolean;
  /** `"traceId":` */
  readonly jsonKey: string;
  readonly jsonKeyBytes: Uint8Array;
}

export interface Message {
  readonly name: string;
  /** In the order of their numbers. */
  readonly fields: readonly Field[];
  /** By field number; unknown numbers have none. */
  readonly byNumber: readonly (Field | undefined)[];
  /** By either name: `trace_id` and `traceId`. */
  readonly byName: ReadonlyMap<string, Field>;
}

const WIRE_TYPES: Readonly<Record<FieldTable["kind"], WireType>> = {
  string: WireType.LEN,
  bytes: WireType.LEN,
  message: WireType.LEN,
  bool: WireType.VARINT,
  enum: WireType.VARINT,
  int32: WireType.VARINT,
  sint32: WireType.VARINT,
  uint32: WireType.VARINT,
  int64: WireType.VARINT,
  uint64: WireType.VARINT,
  fixed32: WireType.I32,
  fixed64: WireType.I64,
  sfixed64: WireType.I64,
  double: WireType.I64,
};

/** https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
const ID_FIELDS: ReadonlySet<string> = new Set(["trace_id", "span_id", "parent_span_id"]);

function link(): Message[] {
  const enums = ENUMS.map(({ values }) => new Map(values));
  const messages = MESSAGES.map(({ name }) => ({
    name,
    fields: [] as Field[],
    byNumber: [] as (Field | undefined)[],
    byName: new Map<string, Field>(),
  }));
  MESSAGES.forEach(({ fields }, place) => {
    const message = messages[place]!;
    fields.forEach((table, index) => {
      const field: Field = {
        number: table.number,
        name: table.name,
        jsonName: table.jsonName,
        kind: table.kind,
        wireType: WIRE_TYPES[table.kind],
        message: table.message === undefined ? undefined : messages[table.message],
        enumNumbers: table.enum === undefined ? undefined : enums[table.enum],
        repeated: table.repeated === true,
        packed: table.packed === true,
        oneof: table.oneof,
        optional: table.optional === true,
        index,
        isId: table.kind === "bytes" && ID_FIELDS.has(table.name),
        jsonKey: `"${table.jsonName}":`,
        jsonKeyBytes: Buffer.from(`"${table.jsonName}":`),
      };
      message.fields.push(field);
      message.byName.set(field.name, field);
      message.byName.set(field.jsonName, field);
      while (message.byNumber.length <= field.number) message.byNumber.push(undefined);
      message.byNumber[field.number] = field;
    });
  });
  return messages;
}

/** Every message of OTLP's signals, by its place in the generated table. */
export const messages: readonly Message[] = link();

/** `TracesData`, `MetricsData` or `LogsData`. */
export function rootOf(signal: Signal): Message {
  return messages[ROOTS[signal]]!;
}

/** Messages nested deeper than this are refused, as protobuf's own decoders do. */
export const MAX_DEPTH = 100;
