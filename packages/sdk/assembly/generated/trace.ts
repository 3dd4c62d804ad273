// Generated from trace.proto by `npm run generate`: do not edit.

import { Attributes } from "../data/attributes";
import { Bytes, Utf8, newBytes, newUtf8 } from "../data/bytes";
import { Slice, sliceOf } from "../data/slice";
import { encodeText, textEnd } from "../data/text";
import { copyMessage } from "../wire/copy";
import { getFixed32, getFixed64, getLength, getMessage, getVarint, hasMessage, setFixed32, setFixed64, setLength, setVarint, valueEnd } from "../wire/fields";
import { Message, moveMessage, removeMessage } from "../wire/message";
import { InstrumentationScope } from "./common";
import { Resource } from "./resource";

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

export enum SpanFlags {
  DoNotUse = 0,
  TraceFlagsMask = 255,
  ContextHasIsRemoteMask = 256,
  ContextIsRemoteMask = 512,
}

@unmanaged
export class Traces extends Message {
  get resourceSpans(): Slice<ResourceSpans> {
    return sliceOf<Slice<ResourceSpans>>(this, 1);
  }
}

@unmanaged
export class ResourceSpans extends Message {
  get resource(): Resource {
    return changetype<Resource>(getMessage(this, 1, 0));
  }

  get hasResource(): bool {
    return hasMessage(this, 1);
  }

  get scopeSpans(): Slice<ScopeSpans> {
    return sliceOf<Slice<ScopeSpans>>(this, 2);
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
  moveTo(to: Slice<ResourceSpans>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<ResourceSpans>): ResourceSpans {
    return changetype<ResourceSpans>(copyMessage(this, to.owner, to.field));
  }
}

@unmanaged
export class ScopeSpans extends Message {
  get scope(): InstrumentationScope {
    return changetype<InstrumentationScope>(getMessage(this, 1, 0));
  }

  get hasScope(): bool {
    return hasMessage(this, 1);
  }

  get spans(): Slice<Span> {
    return sliceOf<Slice<Span>>(this, 2);
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
  moveTo(to: Slice<ScopeSpans>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<ScopeSpans>): ScopeSpans {
    return changetype<ScopeSpans>(copyMessage(this, to.owner, to.field));
  }
}

@unmanaged
export class Span extends Message {
  get traceId(): Bytes {
    const start = getLength(this, 1);
    return newBytes(start, valueEnd);
  }

  set traceId(value: Bytes) {
    setLength(this, 1, 0x2, value.start, value.end - value.start, true);
  }

  get spanId(): Bytes {
    const start = getLength(this, 2);
    return newBytes(start, valueEnd);
  }

  set spanId(value: Bytes) {
    setLength(this, 2, 0x4, value.start, value.end - value.start, true);
  }

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

  get parentSpanId(): Bytes {
    const start = getLength(this, 4);
    return newBytes(start, valueEnd);
  }

  set parentSpanId(value: Bytes) {
    setLength(this, 4, 0x10, value.start, value.end - value.start, true);
  }

  get flags(): u32 {
    return getFixed32(this, 16);
  }

  set flags(value: u32) {
    setFixed32(this, 16, 0x10000, value, true);
  }

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

  get kind(): SpanKind {
    return <SpanKind>getVarint(this, 6);
  }

  set kind(value: SpanKind) {
    setVarint(this, 6, 0x40, <i64>value, true);
  }

  get startTimestamp(): u64 {
    return getFixed64(this, 7);
  }

  set startTimestamp(value: u64) {
    setFixed64(this, 7, 0x80, value, true);
  }

  get endTimestamp(): u64 {
    return getFixed64(this, 8);
  }

  set endTimestamp(value: u64) {
    setFixed64(this, 8, 0x100, value, true);
  }

  get attributes(): Attributes {
    return sliceOf<Attributes>(this, 9);
  }

  get droppedAttributesCount(): u32 {
    return <u32>getVarint(this, 10);
  }

  set droppedAttributesCount(value: u32) {
    setVarint(this, 10, 0x400, value, true);
  }

  get events(): Slice<SpanEvent> {
    return sliceOf<Slice<SpanEvent>>(this, 11);
  }

  get droppedEventsCount(): u32 {
    return <u32>getVarint(this, 12);
  }

  set droppedEventsCount(value: u32) {
    setVarint(this, 12, 0x1000, value, true);
  }

  get links(): Slice<SpanLink> {
    return sliceOf<Slice<SpanLink>>(this, 13);
  }

  get droppedLinksCount(): u32 {
    return <u32>getVarint(this, 14);
  }

  set droppedLinksCount(value: u32) {
    setVarint(this, 14, 0x4000, value, true);
  }

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

@unmanaged
export class SpanEvent extends Message {
  get timestamp(): u64 {
    return getFixed64(this, 1);
  }

  set timestamp(value: u64) {
    setFixed64(this, 1, 0x2, value, true);
  }

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

  get attributes(): Attributes {
    return sliceOf<Attributes>(this, 3);
  }

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

@unmanaged
export class SpanLink extends Message {
  get traceId(): Bytes {
    const start = getLength(this, 1);
    return newBytes(start, valueEnd);
  }

  set traceId(value: Bytes) {
    setLength(this, 1, 0x2, value.start, value.end - value.start, true);
  }

  get spanId(): Bytes {
    const start = getLength(this, 2);
    return newBytes(start, valueEnd);
  }

  set spanId(value: Bytes) {
    setLength(this, 2, 0x4, value.start, value.end - value.start, true);
  }

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

  get attributes(): Attributes {
    return sliceOf<Attributes>(this, 4);
  }

  get droppedAttributesCount(): u32 {
    return <u32>getVarint(this, 5);
  }

  set droppedAttributesCount(value: u32) {
    setVarint(this, 5, 0x20, value, true);
  }

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

@unmanaged
export class SpanStatus extends Message {
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

  get code(): StatusCode {
    return <StatusCode>getVarint(this, 3);
  }

  set code(value: StatusCode) {
    setVarint(this, 3, 0x8, <i64>value, true);
  }
}
