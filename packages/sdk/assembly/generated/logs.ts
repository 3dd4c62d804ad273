// Generated from logs.proto by `npm run generate`: do not edit.

import { Attributes } from "../data/attributes";
import { Bytes, Utf8, newBytes, newUtf8 } from "../data/bytes";
import { Slice, sliceOf } from "../data/slice";
import { encodeText, textEnd } from "../data/text";
import { Value } from "../data/value";
import { copyMessage } from "../wire/copy";
import { getFixed32, getFixed64, getLength, getMessage, getVarint, hasMessage, setFixed32, setFixed64, setLength, setVarint, valueEnd } from "../wire/fields";
import { Message, moveMessage, removeMessage } from "../wire/message";
import { InstrumentationScope } from "./common";
import { Resource } from "./resource";

export enum SeverityNumber {
  Unspecified = 0,
  Trace = 1,
  Trace2 = 2,
  Trace3 = 3,
  Trace4 = 4,
  Debug = 5,
  Debug2 = 6,
  Debug3 = 7,
  Debug4 = 8,
  Info = 9,
  Info2 = 10,
  Info3 = 11,
  Info4 = 12,
  Warn = 13,
  Warn2 = 14,
  Warn3 = 15,
  Warn4 = 16,
  Error = 17,
  Error2 = 18,
  Error3 = 19,
  Error4 = 20,
  Fatal = 21,
  Fatal2 = 22,
  Fatal3 = 23,
  Fatal4 = 24,
}

export enum LogRecordFlags {
  DoNotUse = 0,
  TraceFlagsMask = 255,
}

@unmanaged
export class Logs extends Message {
  get resourceLogs(): Slice<ResourceLogs> {
    return sliceOf<Slice<ResourceLogs>>(this, 1);
  }
}

@unmanaged
export class ResourceLogs extends Message {
  get resource(): Resource {
    return changetype<Resource>(getMessage(this, 1, 0));
  }

  get hasResource(): bool {
    return hasMessage(this, 1);
  }

  get scopeLogs(): Slice<ScopeLogs> {
    return sliceOf<Slice<ScopeLogs>>(this, 2);
  }

  get schemaUrl(): string {
    return this.schemaUrlUtf8.toString();
  }

  set schemaUrl(value: string) {
    const start = encodeText(value);
    setLength(this, 3, 0x8, start, textEnd - start, true);
  }

  get schemaUrlUtf8(): Utf8 {
    const start = getLength(this, 3);
    return newUtf8(start, valueEnd);
  }

  set schemaUrlUtf8(value: Utf8) {
    setLength(this, 3, 0x8, value.start, value.end - value.start, true);
  }

  /** Takes it out of the batch. */
  remove(): void {
    removeMessage(this);
  }

  /** Moves it to the end of another slice. */
  moveTo(to: Slice<ResourceLogs>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<ResourceLogs>): ResourceLogs {
    return changetype<ResourceLogs>(copyMessage(this, to.owner, to.field));
  }
}

@unmanaged
export class ScopeLogs extends Message {
  get scope(): InstrumentationScope {
    return changetype<InstrumentationScope>(getMessage(this, 1, 0));
  }

  get hasScope(): bool {
    return hasMessage(this, 1);
  }

  get logRecords(): Slice<LogRecord> {
    return sliceOf<Slice<LogRecord>>(this, 2);
  }

  get schemaUrl(): string {
    return this.schemaUrlUtf8.toString();
  }

  set schemaUrl(value: string) {
    const start = encodeText(value);
    setLength(this, 3, 0x8, start, textEnd - start, true);
  }

  get schemaUrlUtf8(): Utf8 {
    const start = getLength(this, 3);
    return newUtf8(start, valueEnd);
  }

  set schemaUrlUtf8(value: Utf8) {
    setLength(this, 3, 0x8, value.start, value.end - value.start, true);
  }

  /** Takes it out of the batch. */
  remove(): void {
    removeMessage(this);
  }

  /** Moves it to the end of another slice. */
  moveTo(to: Slice<ScopeLogs>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<ScopeLogs>): ScopeLogs {
    return changetype<ScopeLogs>(copyMessage(this, to.owner, to.field));
  }
}

@unmanaged
export class LogRecord extends Message {
  get timestamp(): u64 {
    return getFixed64(this, 1);
  }

  set timestamp(value: u64) {
    setFixed64(this, 1, 0x2, value, true);
  }

  get observedTimestamp(): u64 {
    return getFixed64(this, 11);
  }

  set observedTimestamp(value: u64) {
    setFixed64(this, 11, 0x800, value, true);
  }

  get severityNumber(): SeverityNumber {
    return <SeverityNumber>getVarint(this, 2);
  }

  set severityNumber(value: SeverityNumber) {
    setVarint(this, 2, 0x4, <i64>value, true);
  }

  get severityText(): string {
    return this.severityTextUtf8.toString();
  }

  set severityText(value: string) {
    const start = encodeText(value);
    setLength(this, 3, 0x8, start, textEnd - start, true);
  }

  get severityTextUtf8(): Utf8 {
    const start = getLength(this, 3);
    return newUtf8(start, valueEnd);
  }

  set severityTextUtf8(value: Utf8) {
    setLength(this, 3, 0x8, value.start, value.end - value.start, true);
  }

  get body(): Value {
    return changetype<Value>(getMessage(this, 5, 0));
  }

  get hasBody(): bool {
    return hasMessage(this, 5);
  }

  get attributes(): Attributes {
    return sliceOf<Attributes>(this, 6);
  }

  get droppedAttributesCount(): u32 {
    return <u32>getVarint(this, 7);
  }

  set droppedAttributesCount(value: u32) {
    setVarint(this, 7, 0x80, value, true);
  }

  get flags(): u32 {
    return getFixed32(this, 8);
  }

  set flags(value: u32) {
    setFixed32(this, 8, 0x100, value, true);
  }

  get traceId(): Bytes {
    const start = getLength(this, 9);
    return newBytes(start, valueEnd);
  }

  set traceId(value: Bytes) {
    setLength(this, 9, 0x200, value.start, value.end - value.start, true);
  }

  get spanId(): Bytes {
    const start = getLength(this, 10);
    return newBytes(start, valueEnd);
  }

  set spanId(value: Bytes) {
    setLength(this, 10, 0x400, value.start, value.end - value.start, true);
  }

  get eventName(): string {
    return this.eventNameUtf8.toString();
  }

  set eventName(value: string) {
    const start = encodeText(value);
    setLength(this, 12, 0x1000, start, textEnd - start, true);
  }

  get eventNameUtf8(): Utf8 {
    const start = getLength(this, 12);
    return newUtf8(start, valueEnd);
  }

  set eventNameUtf8(value: Utf8) {
    setLength(this, 12, 0x1000, value.start, value.end - value.start, true);
  }

  /** Takes it out of the batch. */
  remove(): void {
    removeMessage(this);
  }

  /** Moves it to the end of another slice. */
  moveTo(to: Slice<LogRecord>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<LogRecord>): LogRecord {
    return changetype<LogRecord>(copyMessage(this, to.owner, to.field));
  }
}
