import { BYTES, FIXED64, VARINT } from "../wire/read";
import { copyContent } from "../wire/copy";
import { Message, removeMessage } from "../wire/message";
import { getDouble, getLength, getMessage, getVarint, lastOf, setEmptyMessage, setFixed64, setLength, setVarint, valueEnd, removeFields } from "../wire/fields";
import { Attributes, attributesOf } from "./attributes";
import { Bytes, newBytes, newUtf8, Utf8 } from "./bytes";
import { encodeText, textEnd } from "./text";
import { Slice, sliceOf } from "./slice";

/** What a {@link Value} holds. */
export enum ValueType {
  Empty = 0,
  Str = 1,
  Bool = 2,
  Int = 3,
  Double = 4,
  Slice = 5,
  Map = 6,
  Bytes = 7,
  /** An index into a string table: profiles use it, other signals do not. */
  StrIndex = 8,
}

/** The fields of `AnyValue`'s oneof, as bits. */
const MEMBERS: u64 = 0b111111110;
const VARINTS: u32 = (1 << ValueType.Bool) | (1 << ValueType.Int) | (1 << ValueType.StrIndex);
const FIXED64S: u32 = 1 << ValueType.Double;
const LENGTHS: u32 = (1 << ValueType.Str) | (1 << ValueType.Slice) | (1 << ValueType.Map) | (1 << ValueType.Bytes);

/** An attribute's value or a log's body (`AnyValue`). Reading as another type than the value has gives that type's zero. */
@unmanaged
export class Value extends Message {
  get type(): ValueType {
    return <ValueType>lastOf(this, VARINTS, FIXED64S, LENGTHS);
  }

  get str(): string {
    return this.strUtf8.toString();
  }

  get strUtf8(): Utf8 {
    const start = this.type == ValueType.Str ? getLength(this, ValueType.Str) : 0;
    return newUtf8(start, start == 0 ? 0 : valueEnd);
  }

  get bool(): bool {
    return this.type == ValueType.Bool && getVarint(this, ValueType.Bool) != 0;
  }

  get int(): i64 {
    return this.type == ValueType.Int ? getVarint(this, ValueType.Int) : 0;
  }

  get double(): f64 {
    return this.type == ValueType.Double ? getDouble(this, ValueType.Double) : 0;
  }

  get bytes(): Bytes {
    const start = this.type == ValueType.Bytes ? getLength(this, ValueType.Bytes) : 0;
    return newBytes(start, start == 0 ? 0 : valueEnd);
  }

  /** The values of an array; empty for other types. Use {@link setEmptySlice} to make it one. */
  get slice(): Slice<Value> {
    return sliceOf<Slice<Value>>(getMessage(this, ValueType.Slice, MEMBERS), 1);
  }

  /** The entries of a map; empty for other types. Use {@link setEmptyMap} to make it one. */
  get map(): Attributes {
    return attributesOf(getMessage(this, ValueType.Map, MEMBERS), 1);
  }

  setStr(value: string): void {
    const start = encodeText(value);
    setLength(this, ValueType.Str, MEMBERS, start, textEnd - start, false);
  }

  setUtf8(value: Utf8): void {
    setLength(this, ValueType.Str, MEMBERS, value.start, value.end - value.start, false);
  }

  setBool(value: bool): void {
    setVarint(this, ValueType.Bool, MEMBERS, value ? 1 : 0, false);
  }

  setInt(value: i64): void {
    setVarint(this, ValueType.Int, MEMBERS, value, false);
  }

  setDouble(value: f64): void {
    setFixed64(this, ValueType.Double, MEMBERS, reinterpret<u64>(value), false);
  }

  setBytes(value: Bytes): void {
    setLength(this, ValueType.Bytes, MEMBERS, value.start, value.end - value.start, false);
  }

  setEmptySlice(): Slice<Value> {
    return sliceOf<Slice<Value>>(setEmptyMessage(this, ValueType.Slice, MEMBERS), 1);
  }

  setEmptyMap(): Attributes {
    return attributesOf(setEmptyMessage(this, ValueType.Map, MEMBERS), 1);
  }

  /** Replaces another value by a copy of this one. */
  copyTo(to: Value): void {
    copyContent(this, to);
  }

  /** Takes it out of the array that it is in. */
  remove(): void {
    removeMessage(this);
  }

  /** Makes it {@link ValueType.Empty}. */
  clear(): void {
    removeFields(this, MEMBERS, (1 << VARINT) | (1 << FIXED64) | (1 << BYTES));
  }
}
