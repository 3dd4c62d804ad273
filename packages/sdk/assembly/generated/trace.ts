// Generated from trace.proto by `npm run generate`: do not edit.

import { newBatch } from "../batch";
import { Attributes, attributesOf } from "../data/attributes";
import { Bytes, Utf8, newBytes, newUtf8 } from "../data/bytes";
import { Slice, sliceOf } from "../data/slice";
import { encodeText, textEnd } from "../data/text";
import { copyMessage } from "../wire/copy";
import { getFixed32, getFixed64, getLength, getMessage, getVarint, hasMessage, setFixed32, setFixed64, setLength, setVarint, valueEnd } from "../wire/fields";
import { Message, moveMessage, removeMessage } from "../wire/message";
import { InstrumentationScope } from "./common";
import { Resource } from "./resource";

/** SpanKind is the type of span. */
export enum SpanKind {
  Unspecified = 0,
  Internal = 1,
  Server = 2,
  Client = 3,
  Producer = 4,
  Consumer = 5,
}

export enum StatusCode {
  Unset = 0,
  Ok = 1,
  Error = 2,
}

/** SpanFlags represents constants used to interpret the Span.flags field, which is protobuf 'fixed32' type and is to be used as bit-fields. */
export enum SpanFlags {
  DoNotUse = 0,
  TraceFlagsMask = 255,
  ContextHasIsRemoteMask = 256,
  ContextIsRemoteMask = 512,
}

/** TracesData represents the traces data that can be stored in a persistent storage, OR can be embedded by other protocols that transfer OTLP traces data but do not implement the OTLP protocol. */
@unmanaged
export class Traces extends Message {
  /** An empty one. A plugin writes `new Traces()`: the build command makes this of it. */
  static create(): Traces {
    return changetype<Traces>(newBatch());
  }

  /** An array of ResourceSpans. */
  get resourceSpans(): Slice<ResourceSpans> {
    return sliceOf<Slice<ResourceSpans>>(this, 1);
  }
}

/** A collection of ScopeSpans from a Resource. */
@unmanaged
export class ResourceSpans extends Message {
  /** The resource for the spans in this message. */
  get resource(): Resource {
    return changetype<Resource>(getMessage(this, 1, 0));
  }

  get hasResource(): bool {
    return hasMessage(this, 1);
  }

  /** A list of ScopeSpans that originate from a resource. */
  get scopeSpans(): Slice<ScopeSpans> {
    return sliceOf<Slice<ScopeSpans>>(this, 2);
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
  moveTo(to: Slice<ResourceSpans>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<ResourceSpans>): ResourceSpans {
    return changetype<ResourceSpans>(copyMessage(this, to.owner, to.field));
  }
}

/** A collection of Spans produced by an InstrumentationScope. */
@unmanaged
export class ScopeSpans extends Message {
  /** The instrumentation scope information for the spans in this message. */
  get scope(): InstrumentationScope {
    return changetype<InstrumentationScope>(getMessage(this, 1, 0));
  }

  get hasScope(): bool {
    return hasMessage(this, 1);
  }

  /** A list of Spans that originate from an instrumentation scope. */
  get spans(): Slice<Span> {
    return sliceOf<Slice<Span>>(this, 2);
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
  moveTo(to: Slice<ScopeSpans>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<ScopeSpans>): ScopeSpans {
    return changetype<ScopeSpans>(copyMessage(this, to.owner, to.field));
  }
}

/** A Span represents a single operation performed by a single component of the system. */
@unmanaged
export class Span extends Message {
  /** A unique identifier for a trace. */
  get traceId(): Bytes {
    const start = getLength(this, 1);
    return newBytes(start, valueEnd);
  }

  set traceId(value: Bytes) {
    setLength(this, 1, 0x2, value.start, value.end - value.start, true);
  }

  /** A unique identifier for a span within a trace, assigned when the span is created. */
  get spanId(): Bytes {
    const start = getLength(this, 2);
    return newBytes(start, valueEnd);
  }

  set spanId(value: Bytes) {
    setLength(this, 2, 0x4, value.start, value.end - value.start, true);
  }

  /** trace_state conveys information about request position in multiple distributed tracing graphs. */
  get traceState(): string {
    return this.traceStateUtf8.toString();
  }

  set traceState(value: string) {
    const start = encodeText(value);
    setLength(this, 3, 0x8, start, textEnd - start, true);
  }

  get traceStateUtf8(): Utf8 {
    const start = getLength(this, 3);
    return newUtf8(start, valueEnd);
  }

  set traceStateUtf8(value: Utf8) {
    setLength(this, 3, 0x8, value.start, value.end - value.start, true);
  }

  /** The `span_id` of this span's parent span. */
  get parentSpanId(): Bytes {
    const start = getLength(this, 4);
    return newBytes(start, valueEnd);
  }

  set parentSpanId(value: Bytes) {
    setLength(this, 4, 0x10, value.start, value.end - value.start, true);
  }

  /** Flags, a bit field. */
  get flags(): u32 {
    return getFixed32(this, 16);
  }

  set flags(value: u32) {
    setFixed32(this, 16, 0x10000, value, true);
  }

  /** A description of the span's operation. */
  get name(): string {
    return this.nameUtf8.toString();
  }

  set name(value: string) {
    const start = encodeText(value);
    setLength(this, 5, 0x20, start, textEnd - start, true);
  }

  get nameUtf8(): Utf8 {
    const start = getLength(this, 5);
    return newUtf8(start, valueEnd);
  }

  set nameUtf8(value: Utf8) {
    setLength(this, 5, 0x20, value.start, value.end - value.start, true);
  }

  /** Distinguishes between spans generated in a particular context. */
  get kind(): SpanKind {
    return <SpanKind>getVarint(this, 6);
  }

  set kind(value: SpanKind) {
    setVarint(this, 6, 0x40, <i64>value, true);
  }

  /** The start time of the span. */
  get startTimestamp(): u64 {
    return getFixed64(this, 7);
  }

  set startTimestamp(value: u64) {
    setFixed64(this, 7, 0x80, value, true);
  }

  /** The end time of the span. */
  get endTimestamp(): u64 {
    return getFixed64(this, 8);
  }

  set endTimestamp(value: u64) {
    setFixed64(this, 8, 0x100, value, true);
  }

  /** A collection of key/value pairs. */
  get attributes(): Attributes {
    return attributesOf(this, 9);
  }

  /** The number of attributes that were discarded. */
  get droppedAttributesCount(): u32 {
    return <u32>getVarint(this, 10);
  }

  set droppedAttributesCount(value: u32) {
    setVarint(this, 10, 0x400, value, true);
  }

  /** A collection of Event items. */
  get events(): Slice<SpanEvent> {
    return sliceOf<Slice<SpanEvent>>(this, 11);
  }

  /** The number of dropped events. */
  get droppedEventsCount(): u32 {
    return <u32>getVarint(this, 12);
  }

  set droppedEventsCount(value: u32) {
    setVarint(this, 12, 0x1000, value, true);
  }

  /** A collection of Links, which are references from this span to a span in the same or different trace. */
  get links(): Slice<SpanLink> {
    return sliceOf<Slice<SpanLink>>(this, 13);
  }

  /** The number of dropped links after the maximum size was enforced. */
  get droppedLinksCount(): u32 {
    return <u32>getVarint(this, 14);
  }

  set droppedLinksCount(value: u32) {
    setVarint(this, 14, 0x4000, value, true);
  }

  /** An optional final status for this span. */
  get status(): SpanStatus {
    return changetype<SpanStatus>(getMessage(this, 15, 0));
  }

  get hasStatus(): bool {
    return hasMessage(this, 15);
  }

  /** Takes it out of the batch. */
  remove(): void {
    removeMessage(this);
  }

  /** Moves it to the end of another slice. */
  moveTo(to: Slice<Span>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<Span>): Span {
    return changetype<Span>(copyMessage(this, to.owner, to.field));
  }
}

/** Event is a time-stamped annotation of the span, consisting of user-supplied text description and key-value pairs. */
@unmanaged
export class SpanEvent extends Message {
  /** The time the event occurred. */
  get timestamp(): u64 {
    return getFixed64(this, 1);
  }

  set timestamp(value: u64) {
    setFixed64(this, 1, 0x2, value, true);
  }

  /** The name of the event. */
  get name(): string {
    return this.nameUtf8.toString();
  }

  set name(value: string) {
    const start = encodeText(value);
    setLength(this, 2, 0x4, start, textEnd - start, true);
  }

  get nameUtf8(): Utf8 {
    const start = getLength(this, 2);
    return newUtf8(start, valueEnd);
  }

  set nameUtf8(value: Utf8) {
    setLength(this, 2, 0x4, value.start, value.end - value.start, true);
  }

  /** A collection of attribute key/value pairs on the event. */
  get attributes(): Attributes {
    return attributesOf(this, 3);
  }

  /** The number of dropped attributes. */
  get droppedAttributesCount(): u32 {
    return <u32>getVarint(this, 4);
  }

  set droppedAttributesCount(value: u32) {
    setVarint(this, 4, 0x10, value, true);
  }

  /** Takes it out of the batch. */
  remove(): void {
    removeMessage(this);
  }

  /** Moves it to the end of another slice. */
  moveTo(to: Slice<SpanEvent>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<SpanEvent>): SpanEvent {
    return changetype<SpanEvent>(copyMessage(this, to.owner, to.field));
  }
}

/** A pointer from the current span to another span in the same trace or in a different trace. */
@unmanaged
export class SpanLink extends Message {
  /** A unique identifier of a trace that this linked span is part of. */
  get traceId(): Bytes {
    const start = getLength(this, 1);
    return newBytes(start, valueEnd);
  }

  set traceId(value: Bytes) {
    setLength(this, 1, 0x2, value.start, value.end - value.start, true);
  }

  /** A unique identifier for the linked span. */
  get spanId(): Bytes {
    const start = getLength(this, 2);
    return newBytes(start, valueEnd);
  }

  set spanId(value: Bytes) {
    setLength(this, 2, 0x4, value.start, value.end - value.start, true);
  }

  /** The trace_state associated with the link. */
  get traceState(): string {
    return this.traceStateUtf8.toString();
  }

  set traceState(value: string) {
    const start = encodeText(value);
    setLength(this, 3, 0x8, start, textEnd - start, true);
  }

  get traceStateUtf8(): Utf8 {
    const start = getLength(this, 3);
    return newUtf8(start, valueEnd);
  }

  set traceStateUtf8(value: Utf8) {
    setLength(this, 3, 0x8, value.start, value.end - value.start, true);
  }

  /** A collection of attribute key/value pairs on the link. */
  get attributes(): Attributes {
    return attributesOf(this, 4);
  }

  /** The number of dropped attributes. */
  get droppedAttributesCount(): u32 {
    return <u32>getVarint(this, 5);
  }

  set droppedAttributesCount(value: u32) {
    setVarint(this, 5, 0x20, value, true);
  }

  /** Flags, a bit field. */
  get flags(): u32 {
    return getFixed32(this, 6);
  }

  set flags(value: u32) {
    setFixed32(this, 6, 0x40, value, true);
  }

  /** Takes it out of the batch. */
  remove(): void {
    removeMessage(this);
  }

  /** Moves it to the end of another slice. */
  moveTo(to: Slice<SpanLink>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<SpanLink>): SpanLink {
    return changetype<SpanLink>(copyMessage(this, to.owner, to.field));
  }
}

/** The Status type defines a logical error model that is suitable for different programming environments, including REST APIs and RPC APIs. */
@unmanaged
export class SpanStatus extends Message {
  /** A developer-facing human readable error message. */
  get message(): string {
    return this.messageUtf8.toString();
  }

  set message(value: string) {
    const start = encodeText(value);
    setLength(this, 2, 0x4, start, textEnd - start, true);
  }

  get messageUtf8(): Utf8 {
    const start = getLength(this, 2);
    return newUtf8(start, valueEnd);
  }

  set messageUtf8(value: Utf8) {
    setLength(this, 2, 0x4, value.start, value.end - value.start, true);
  }

  /** The status code. */
  get code(): StatusCode {
    return <StatusCode>getVarint(this, 3);
  }

  set code(value: StatusCode) {
    setVarint(this, 3, 0x8, <i64>value, true);
  }
}
