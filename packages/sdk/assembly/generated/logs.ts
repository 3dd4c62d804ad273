// Generated from logs.proto by `npm run generate`: do not edit.

import { newBatch } from "../batch";
import { Attributes, attributesOf } from "../data/attributes";
import { Bytes, Utf8, newBytes, newUtf8 } from "../data/bytes";
import { Slice, sliceOf } from "../data/slice";
import { encodeText, textEnd } from "../data/text";
import { Value } from "../data/value";
import { copyMessage } from "../wire/copy";
import { getFixed32, getFixed64, getLength, getMessage, getVarint, hasMessage, setFixed32, setFixed64, setLength, setVarint, valueEnd } from "../wire/fields";
import { Message, moveMessage, removeMessage } from "../wire/message";
import { InstrumentationScope } from "./common";
import { Resource } from "./resource";

/** Possible values for LogRecord.SeverityNumber. */
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

/** LogRecordFlags represents constants used to interpret the LogRecord.flags field, which is protobuf 'fixed32' type and is to be used as bit-fields. */
export enum LogRecordFlags {
  DoNotUse = 0,
  TraceFlagsMask = 255,
}

/** LogsData represents the logs data that can be stored in a persistent storage, OR can be embedded by other protocols that transfer OTLP logs data but do not implement the OTLP protocol. */
@unmanaged
export class Logs extends Message {
  /** An empty one. A plugin writes `new Logs()`: the build command makes this of it. */
  static create(): Logs {
    return changetype<Logs>(newBatch());
  }

  /** An array of ResourceLogs. */
  get resourceLogs(): Slice<ResourceLogs> {
    return sliceOf<Slice<ResourceLogs>>(this, 1);
  }
}

/** A collection of ScopeLogs from a Resource. */
@unmanaged
export class ResourceLogs extends Message {
  /** The resource for the logs in this message. */
  get resource(): Resource {
    return changetype<Resource>(getMessage(this, 1, 0));
  }

  get hasResource(): bool {
    return hasMessage(this, 1);
  }

  /** A list of ScopeLogs that originate from a resource. */
  get scopeLogs(): Slice<ScopeLogs> {
    return sliceOf<Slice<ScopeLogs>>(this, 2);
  }

  /** The Schema URL, if known. */
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

/** A collection of Logs produced by a Scope. */
@unmanaged
export class ScopeLogs extends Message {
  /** The instrumentation scope information for the logs in this message. */
  get scope(): InstrumentationScope {
    return changetype<InstrumentationScope>(getMessage(this, 1, 0));
  }

  get hasScope(): bool {
    return hasMessage(this, 1);
  }

  /** A list of log records. */
  get logRecords(): Slice<LogRecord> {
    return sliceOf<Slice<LogRecord>>(this, 2);
  }

  /** The Schema URL, if known. */
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
  /** time_unix_nano is the time when the event occurred. */
  get timestamp(): u64 {
    return getFixed64(this, 1);
  }

  set timestamp(value: u64) {
    setFixed64(this, 1, 0x2, value, true);
  }

  /** Time when the event was observed by the collection system. */
  get observedTimestamp(): u64 {
    return getFixed64(this, 11);
  }

  set observedTimestamp(value: u64) {
    setFixed64(this, 11, 0x800, value, true);
  }

  /** Numerical value of the severity, normalized to values described in Log Data Model. */
  get severityNumber(): SeverityNumber {
    return <SeverityNumber>getVarint(this, 2);
  }

  set severityNumber(value: SeverityNumber) {
    setVarint(this, 2, 0x4, <i64>value, true);
  }

  /** The severity text (also known as log level). */
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

  /** A value containing the body of the log record. */
  get body(): Value {
    return changetype<Value>(getMessage(this, 5, 0));
  }

  get hasBody(): bool {
    return hasMessage(this, 5);
  }

  /** Additional attributes that describe the specific event occurrence. */
  get attributes(): Attributes {
    return attributesOf(this, 6);
  }

  get droppedAttributesCount(): u32 {
    return <u32>getVarint(this, 7);
  }

  set droppedAttributesCount(value: u32) {
    setVarint(this, 7, 0x80, value, true);
  }

  /** Flags, a bit field. */
  get flags(): u32 {
    return getFixed32(this, 8);
  }

  set flags(value: u32) {
    setFixed32(this, 8, 0x100, value, true);
  }

  /** A unique identifier for a trace. */
  get traceId(): Bytes {
    const start = getLength(this, 9);
    return newBytes(start, valueEnd);
  }

  set traceId(value: Bytes) {
    setLength(this, 9, 0x200, value.start, value.end - value.start, true);
  }

  /** A unique identifier for a span within a trace, assigned when the span is created. */
  get spanId(): Bytes {
    const start = getLength(this, 10);
    return newBytes(start, valueEnd);
  }

  set spanId(value: Bytes) {
    setLength(this, 10, 0x400, value.start, value.end - value.start, true);
  }

  /** A unique identifier of event category/type. */
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
