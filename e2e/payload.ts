/**
 * Payloads that no client makes today: every field of every message of OTLP set, every alternative of every `oneof`, and in every message, at
 * every depth, fields that this release of OTLP does not know. Made from the descriptors, so a new release needs no change here.
 */
import protobuf from "protobufjs";
import { requestType, type Signal } from "./proto.ts";

/** Field numbers that OTLP does not use, one for each wire type. */
const UNKNOWN = { varint: 5000, fixed64: 5001, length: 5002, group: 5003, fixed32: 5004 } as const;

/** `AnyValue` contains itself: nested so deep, then no more. */
const MAX_NESTING = 3;

class Filler {
  readonly unknownFields: boolean;
  /** Makes every value different from the one before, so that a swap is seen. */
  counter = 0;
  private turn = 0;

  constructor(unknownFields: boolean) {
    this.unknownFields = unknownFields;
  }

  message(type: protobuf.Type, nesting: number, choices: ReadonlyMap<string, string>): Uint8Array {
    const writer = protobuf.Writer.create();
    for (const field of type.fieldsArray) {
      field.resolve();
      const oneof = field.partOf;
      if (oneof !== null && oneof.fieldsArray.length > 1 && choices.get(oneof.name) !== field.name) continue;
      this.field(writer, field, nesting);
    }
    if (this.unknownFields) this.unknown(writer);
    return writer.finish();
  }

  private unknown(writer: protobuf.Writer): void {
    writer.uint32((UNKNOWN.varint << 3) | 0).uint32(++this.counter);
    writer.uint32((UNKNOWN.fixed64 << 3) | 1).fixed64(++this.counter);
    writer.uint32((UNKNOWN.length << 3) | 2).string(`unknown ${++this.counter}`);
    writer.uint32((UNKNOWN.group << 3) | 3);
    writer.uint32((1 << 3) | 0).uint32(++this.counter);
    writer.uint32((UNKNOWN.group << 3) | 4);
    writer.uint32((UNKNOWN.fixed32 << 3) | 5).fixed32(++this.counter);
  }

  private field(writer: protobuf.Writer, field: protobuf.Field, nesting: number): void {
    const type = field.resolvedType;
    if (type instanceof protobuf.Type) {
      const deeper = type.name === "AnyValue" ? nesting + 1 : nesting;
      for (const choices of this.alternatives(type, deeper, field.repeated)) {
        writer.uint32((field.id << 3) | 2).bytes(this.message(type, deeper, choices));
      }
    } else if (field.repeated && field.packed) {
      writer.uint32((field.id << 3) | 2).fork();
      this.scalar(writer, field);
      this.scalar(writer, field);
      writer.ldelim();
    } else {
      for (let n = field.repeated ? 2 : 1; n > 0; n--) {
        writer.uint32((field.id << 3) | wireTypeOf(field));
        this.scalar(writer, field);
      }
    }
  }

  /**
   * What to set in the `oneof`s of the messages of one field: one message for each alternative of the first (the others take their first); where only one
   * message can be, the next alternative in turn.
   */
  private alternatives(type: protobuf.Type, nesting: number, repeated: boolean): ReadonlyMap<string, string>[] {
    const [first, ...others] = type.oneofsArray.filter((oneof) => oneof.fieldsArray.length > 1);
    if (first === undefined) return repeated && type.name === "KeyValue" ? [new Map(), new Map()] : [new Map()];
    const rest = others.map((oneof): [string, string] => [oneof.name, oneof.fieldsArray[0]!.name]);
    const fields = first.fieldsArray.filter(
      (field) => nesting < MAX_NESTING || !(field.resolve().resolvedType instanceof protobuf.Type),
    );
    const chosen = repeated ? fields : [fields[this.turn++ % fields.length]!];
    return chosen.map((field) => new Map([[first.name, field.name], ...rest]));
  }

  private scalar(writer: protobuf.Writer, field: protobuf.Field): void {
    const n = ++this.counter;
    if (field.resolvedType instanceof protobuf.Enum) {
      writer.int32(Math.max(...Object.values(field.resolvedType.values)));
      return;
    }
    switch (field.type) {
      case "string":
        writer.string(`${field.name} ${n} ÄÖ€😀`);
        return;
      case "bytes":
        writer.bytes(bytesFor(field.name, n));
        return;
      case "bool":
        writer.bool(true);
        return;
      case "double":
        writer.double(n + 0.25);
        return;
      case "float":
        writer.float(n + 0.25);
        return;
      case "int32":
        writer.int32(-n);
        return;
      case "sint32":
        writer.sint32(-n);
        return;
      case "uint32":
        writer.uint32(n);
        return;
      case "fixed32":
        writer.fixed32(n);
        return;
      case "sfixed32":
        writer.sfixed32(-n);
        return;
      case "int64":
        writer.int64(-n);
        return;
      case "uint64":
        writer.uint64(n);
        return;
      case "fixed64":
        writer.fixed64(n);
        return;
      case "sfixed64":
        writer.sfixed64(-n);
        return;
      default:
        throw new Error(`${field.fullName}: no value for ${field.type}`);
    }
  }
}

function bytesFor(name: string, n: number): Uint8Array {
  const size = name === "traceId" ? 16 : name === "spanId" || name === "parentSpanId" ? 8 : 5;
  return Uint8Array.from({ length: size }, (_, i) => (n * 7 + i * 13 + 1) & 0xff);
}

function wireTypeOf(field: protobuf.Field): number {
  return field.resolvedType instanceof protobuf.Enum ? 0 : (protobuf.types.basic[field.type as "int32"] ?? 0);
}

/** Every field of the signal's messages, with or without unknown fields in each message. */
export function everyField(signal: Signal, options: { unknownFields: boolean }): Uint8Array {
  return new Filler(options.unknownFields).message(requestType[signal], 0, new Map());
}
