// Generated from metrics.proto by `npm run generate`: do not edit.

import { Attributes } from "../data/attributes";
import { Bytes, Utf8, newBytes, newUtf8 } from "../data/bytes";
import { FixedList, VarintList } from "../data/lists";
import { Slice, sliceOf } from "../data/slice";
import { encodeText, textEnd } from "../data/text";
import { copyMessage } from "../wire/copy";
import { getDouble, getFixed64, getLength, getMessage, getVarint, hasField, hasMessage, lastOf, removeFields, setEmptyMessage, setFixed64, setLength, setVarint, unzigzag, valueEnd } from "../wire/fields";
import { Message, moveMessage, removeMessage } from "../wire/message";
import { InstrumentationScope } from "./common";
import { Resource } from "./resource";

/** Which member of `data` a {@link Metric} has. */
export enum MetricType {
  Empty = 0,
  Gauge = 5,
  Sum = 7,
  Histogram = 9,
  ExponentialHistogram = 10,
  Summary = 11,
}

export enum AggregationTemporality {
  Unspecified = 0,
  Delta = 1,
  Cumulative = 2,
}

export enum DataPointFlags {
  DoNotUse = 0,
  NoRecordedValueMask = 1,
}

/** Which member of `value` a {@link NumberDataPoint} has. */
export enum NumberDataPointValueType {
  Empty = 0,
  Double = 4,
  Int = 6,
}

/** Which member of `value` a {@link Exemplar} has. */
export enum ExemplarValueType {
  Empty = 0,
  Double = 3,
  Int = 6,
}

@unmanaged
export class Metrics extends Message {
  get resourceMetrics(): Slice<ResourceMetrics> {
    return sliceOf<Slice<ResourceMetrics>>(this, 1);
  }
}

@unmanaged
export class ResourceMetrics extends Message {
  get resource(): Resource {
    return changetype<Resource>(getMessage(this, 1, 0));
  }

  get hasResource(): bool {
    return hasMessage(this, 1);
  }

  get scopeMetrics(): Slice<ScopeMetrics> {
    return sliceOf<Slice<ScopeMetrics>>(this, 2);
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
  moveTo(to: Slice<ResourceMetrics>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<ResourceMetrics>): ResourceMetrics {
    return changetype<ResourceMetrics>(copyMessage(this, to.owner, to.field));
  }
}

@unmanaged
export class ScopeMetrics extends Message {
  get scope(): InstrumentationScope {
    return changetype<InstrumentationScope>(getMessage(this, 1, 0));
  }

  get hasScope(): bool {
    return hasMessage(this, 1);
  }

  get metrics(): Slice<Metric> {
    return sliceOf<Slice<Metric>>(this, 2);
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
  moveTo(to: Slice<ScopeMetrics>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<ScopeMetrics>): ScopeMetrics {
    return changetype<ScopeMetrics>(copyMessage(this, to.owner, to.field));
  }
}

@unmanaged
export class Metric extends Message {
  get type(): MetricType {
    return <MetricType>lastOf(this, 0, 0, 3744);
  }

  get name(): string {
    return this.nameUtf8.toString();
  }

  set name(value: string) {
    const start = encodeText(value);
    setLength(this, 1, 0x2, start, textEnd - start, true);
  }

  get nameUtf8(): Utf8 {
    const start = getLength(this, 1);
    return newUtf8(start, valueEnd);
  }

  set nameUtf8(value: Utf8) {
    setLength(this, 1, 0x2, value.start, value.end - value.start, true);
  }

  get description(): string {
    return this.descriptionUtf8.toString();
  }

  set description(value: string) {
    const start = encodeText(value);
    setLength(this, 2, 0x4, start, textEnd - start, true);
  }

  get descriptionUtf8(): Utf8 {
    const start = getLength(this, 2);
    return newUtf8(start, valueEnd);
  }

  set descriptionUtf8(value: Utf8) {
    setLength(this, 2, 0x4, value.start, value.end - value.start, true);
  }

  get unit(): string {
    return this.unitUtf8.toString();
  }

  set unit(value: string) {
    const start = encodeText(value);
    setLength(this, 3, 0x8, start, textEnd - start, true);
  }

  get unitUtf8(): Utf8 {
    const start = getLength(this, 3);
    return newUtf8(start, valueEnd);
  }

  set unitUtf8(value: Utf8) {
    setLength(this, 3, 0x8, value.start, value.end - value.start, true);
  }

  get gauge(): Gauge {
    return changetype<Gauge>(getMessage(this, 5, 0xea0));
  }

  setEmptyGauge(): Gauge {
    return changetype<Gauge>(setEmptyMessage(this, 5, 0xea0));
  }

  get sum(): Sum {
    return changetype<Sum>(getMessage(this, 7, 0xea0));
  }

  setEmptySum(): Sum {
    return changetype<Sum>(setEmptyMessage(this, 7, 0xea0));
  }

  get histogram(): Histogram {
    return changetype<Histogram>(getMessage(this, 9, 0xea0));
  }

  setEmptyHistogram(): Histogram {
    return changetype<Histogram>(setEmptyMessage(this, 9, 0xea0));
  }

  get exponentialHistogram(): ExponentialHistogram {
    return changetype<ExponentialHistogram>(getMessage(this, 10, 0xea0));
  }

  setEmptyExponentialHistogram(): ExponentialHistogram {
    return changetype<ExponentialHistogram>(setEmptyMessage(this, 10, 0xea0));
  }

  get summary(): Summary {
    return changetype<Summary>(getMessage(this, 11, 0xea0));
  }

  setEmptySummary(): Summary {
    return changetype<Summary>(setEmptyMessage(this, 11, 0xea0));
  }

  get metadata(): Attributes {
    return sliceOf<Attributes>(this, 12);
  }

  /** Takes it out of the batch. */
  remove(): void {
    removeMessage(this);
  }

  /** Moves it to the end of another slice. */
  moveTo(to: Slice<Metric>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<Metric>): Metric {
    return changetype<Metric>(copyMessage(this, to.owner, to.field));
  }
}

@unmanaged
export class Gauge extends Message {
  get dataPoints(): Slice<NumberDataPoint> {
    return sliceOf<Slice<NumberDataPoint>>(this, 1);
  }
}

@unmanaged
export class Sum extends Message {
  get dataPoints(): Slice<NumberDataPoint> {
    return sliceOf<Slice<NumberDataPoint>>(this, 1);
  }

  get aggregationTemporality(): AggregationTemporality {
    return <AggregationTemporality>getVarint(this, 2);
  }

  set aggregationTemporality(value: AggregationTemporality) {
    setVarint(this, 2, 0x4, <i64>value, true);
  }

  get isMonotonic(): bool {
    return getVarint(this, 3) != 0;
  }

  set isMonotonic(value: bool) {
    setVarint(this, 3, 0x8, value ? 1 : 0, true);
  }
}

@unmanaged
export class Histogram extends Message {
  get dataPoints(): Slice<HistogramDataPoint> {
    return sliceOf<Slice<HistogramDataPoint>>(this, 1);
  }

  get aggregationTemporality(): AggregationTemporality {
    return <AggregationTemporality>getVarint(this, 2);
  }

  set aggregationTemporality(value: AggregationTemporality) {
    setVarint(this, 2, 0x4, <i64>value, true);
  }
}

@unmanaged
export class ExponentialHistogram extends Message {
  get dataPoints(): Slice<ExponentialHistogramDataPoint> {
    return sliceOf<Slice<ExponentialHistogramDataPoint>>(this, 1);
  }

  get aggregationTemporality(): AggregationTemporality {
    return <AggregationTemporality>getVarint(this, 2);
  }

  set aggregationTemporality(value: AggregationTemporality) {
    setVarint(this, 2, 0x4, <i64>value, true);
  }
}

@unmanaged
export class Summary extends Message {
  get dataPoints(): Slice<SummaryDataPoint> {
    return sliceOf<Slice<SummaryDataPoint>>(this, 1);
  }
}

@unmanaged
export class NumberDataPoint extends Message {
  get valueType(): NumberDataPointValueType {
    return <NumberDataPointValueType>lastOf(this, 0, 80, 0);
  }

  get attributes(): Attributes {
    return sliceOf<Attributes>(this, 7);
  }

  get startTimestamp(): u64 {
    return getFixed64(this, 2);
  }

  set startTimestamp(value: u64) {
    setFixed64(this, 2, 0x4, value, true);
  }

  get timestamp(): u64 {
    return getFixed64(this, 3);
  }

  set timestamp(value: u64) {
    setFixed64(this, 3, 0x8, value, true);
  }

  get doubleValue(): f64 {
    return this.valueType != NumberDataPointValueType.Double ? 0 : getDouble(this, 4);
  }

  set doubleValue(value: f64) {
    setFixed64(this, 4, 0x50, reinterpret<u64>(value), false);
  }

  get intValue(): i64 {
    return this.valueType != NumberDataPointValueType.Int ? 0 : <i64>getFixed64(this, 6);
  }

  set intValue(value: i64) {
    setFixed64(this, 6, 0x50, value, false);
  }

  get exemplars(): Slice<Exemplar> {
    return sliceOf<Slice<Exemplar>>(this, 5);
  }

  get flags(): u32 {
    return <u32>getVarint(this, 8);
  }

  set flags(value: u32) {
    setVarint(this, 8, 0x100, value, true);
  }

  /** Takes it out of the batch. */
  remove(): void {
    removeMessage(this);
  }

  /** Moves it to the end of another slice. */
  moveTo(to: Slice<NumberDataPoint>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<NumberDataPoint>): NumberDataPoint {
    return changetype<NumberDataPoint>(copyMessage(this, to.owner, to.field));
  }
}

@unmanaged
export class HistogramDataPoint extends Message {
  get attributes(): Attributes {
    return sliceOf<Attributes>(this, 9);
  }

  get startTimestamp(): u64 {
    return getFixed64(this, 2);
  }

  set startTimestamp(value: u64) {
    setFixed64(this, 2, 0x4, value, true);
  }

  get timestamp(): u64 {
    return getFixed64(this, 3);
  }

  set timestamp(value: u64) {
    setFixed64(this, 3, 0x8, value, true);
  }

  get count(): u64 {
    return getFixed64(this, 4);
  }

  set count(value: u64) {
    setFixed64(this, 4, 0x10, value, true);
  }

  get sum(): f64 {
    return getDouble(this, 5);
  }

  set sum(value: f64) {
    setFixed64(this, 5, 0x20, reinterpret<u64>(value), false);
  }

  get hasSum(): bool {
    return hasField(this, 41);
  }

  removeSum(): void {
    removeFields(this, 0x20, 2);
  }

  get bucketCounts(): FixedList<u64> {
    return new FixedList<u64>(this, 6);
  }

  get explicitBounds(): FixedList<f64> {
    return new FixedList<f64>(this, 7);
  }

  get exemplars(): Slice<Exemplar> {
    return sliceOf<Slice<Exemplar>>(this, 8);
  }

  get flags(): u32 {
    return <u32>getVarint(this, 10);
  }

  set flags(value: u32) {
    setVarint(this, 10, 0x400, value, true);
  }

  get min(): f64 {
    return getDouble(this, 11);
  }

  set min(value: f64) {
    setFixed64(this, 11, 0x800, reinterpret<u64>(value), false);
  }

  get hasMin(): bool {
    return hasField(this, 89);
  }

  removeMin(): void {
    removeFields(this, 0x800, 2);
  }

  get max(): f64 {
    return getDouble(this, 12);
  }

  set max(value: f64) {
    setFixed64(this, 12, 0x1000, reinterpret<u64>(value), false);
  }

  get hasMax(): bool {
    return hasField(this, 97);
  }

  removeMax(): void {
    removeFields(this, 0x1000, 2);
  }

  /** Takes it out of the batch. */
  remove(): void {
    removeMessage(this);
  }

  /** Moves it to the end of another slice. */
  moveTo(to: Slice<HistogramDataPoint>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<HistogramDataPoint>): HistogramDataPoint {
    return changetype<HistogramDataPoint>(copyMessage(this, to.owner, to.field));
  }
}

@unmanaged
export class ExponentialHistogramDataPoint extends Message {
  get attributes(): Attributes {
    return sliceOf<Attributes>(this, 1);
  }

  get startTimestamp(): u64 {
    return getFixed64(this, 2);
  }

  set startTimestamp(value: u64) {
    setFixed64(this, 2, 0x4, value, true);
  }

  get timestamp(): u64 {
    return getFixed64(this, 3);
  }

  set timestamp(value: u64) {
    setFixed64(this, 3, 0x8, value, true);
  }

  get count(): u64 {
    return getFixed64(this, 4);
  }

  set count(value: u64) {
    setFixed64(this, 4, 0x10, value, true);
  }

  get sum(): f64 {
    return getDouble(this, 5);
  }

  set sum(value: f64) {
    setFixed64(this, 5, 0x20, reinterpret<u64>(value), false);
  }

  get hasSum(): bool {
    return hasField(this, 41);
  }

  removeSum(): void {
    removeFields(this, 0x20, 2);
  }

  get scale(): i32 {
    return unzigzag(getVarint(this, 6));
  }

  set scale(value: i32) {
    setVarint(this, 6, 0x40, <u32>((value << 1) ^ (value >> 31)), true);
  }

  get zeroCount(): u64 {
    return getFixed64(this, 7);
  }

  set zeroCount(value: u64) {
    setFixed64(this, 7, 0x80, value, true);
  }

  get positive(): ExponentialHistogramDataPointBuckets {
    return changetype<ExponentialHistogramDataPointBuckets>(getMessage(this, 8, 0));
  }

  get hasPositive(): bool {
    return hasMessage(this, 8);
  }

  get negative(): ExponentialHistogramDataPointBuckets {
    return changetype<ExponentialHistogramDataPointBuckets>(getMessage(this, 9, 0));
  }

  get hasNegative(): bool {
    return hasMessage(this, 9);
  }

  get flags(): u32 {
    return <u32>getVarint(this, 10);
  }

  set flags(value: u32) {
    setVarint(this, 10, 0x400, value, true);
  }

  get exemplars(): Slice<Exemplar> {
    return sliceOf<Slice<Exemplar>>(this, 11);
  }

  get min(): f64 {
    return getDouble(this, 12);
  }

  set min(value: f64) {
    setFixed64(this, 12, 0x1000, reinterpret<u64>(value), false);
  }

  get hasMin(): bool {
    return hasField(this, 97);
  }

  removeMin(): void {
    removeFields(this, 0x1000, 2);
  }

  get max(): f64 {
    return getDouble(this, 13);
  }

  set max(value: f64) {
    setFixed64(this, 13, 0x2000, reinterpret<u64>(value), false);
  }

  get hasMax(): bool {
    return hasField(this, 105);
  }

  removeMax(): void {
    removeFields(this, 0x2000, 2);
  }

  get zeroThreshold(): f64 {
    return getDouble(this, 14);
  }

  set zeroThreshold(value: f64) {
    setFixed64(this, 14, 0x4000, reinterpret<u64>(value), true);
  }

  /** Takes it out of the batch. */
  remove(): void {
    removeMessage(this);
  }

  /** Moves it to the end of another slice. */
  moveTo(to: Slice<ExponentialHistogramDataPoint>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<ExponentialHistogramDataPoint>): ExponentialHistogramDataPoint {
    return changetype<ExponentialHistogramDataPoint>(copyMessage(this, to.owner, to.field));
  }
}

@unmanaged
export class ExponentialHistogramDataPointBuckets extends Message {
  get offset(): i32 {
    return unzigzag(getVarint(this, 1));
  }

  set offset(value: i32) {
    setVarint(this, 1, 0x2, <u32>((value << 1) ^ (value >> 31)), true);
  }

  get bucketCounts(): VarintList {
    return new VarintList(this, 2);
  }
}

@unmanaged
export class SummaryDataPoint extends Message {
  get attributes(): Attributes {
    return sliceOf<Attributes>(this, 7);
  }

  get startTimestamp(): u64 {
    return getFixed64(this, 2);
  }

  set startTimestamp(value: u64) {
    setFixed64(this, 2, 0x4, value, true);
  }

  get timestamp(): u64 {
    return getFixed64(this, 3);
  }

  set timestamp(value: u64) {
    setFixed64(this, 3, 0x8, value, true);
  }

  get count(): u64 {
    return getFixed64(this, 4);
  }

  set count(value: u64) {
    setFixed64(this, 4, 0x10, value, true);
  }

  get sum(): f64 {
    return getDouble(this, 5);
  }

  set sum(value: f64) {
    setFixed64(this, 5, 0x20, reinterpret<u64>(value), true);
  }

  get quantileValues(): Slice<SummaryDataPointValueAtQuantile> {
    return sliceOf<Slice<SummaryDataPointValueAtQuantile>>(this, 6);
  }

  get flags(): u32 {
    return <u32>getVarint(this, 8);
  }

  set flags(value: u32) {
    setVarint(this, 8, 0x100, value, true);
  }

  /** Takes it out of the batch. */
  remove(): void {
    removeMessage(this);
  }

  /** Moves it to the end of another slice. */
  moveTo(to: Slice<SummaryDataPoint>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<SummaryDataPoint>): SummaryDataPoint {
    return changetype<SummaryDataPoint>(copyMessage(this, to.owner, to.field));
  }
}

@unmanaged
export class SummaryDataPointValueAtQuantile extends Message {
  get quantile(): f64 {
    return getDouble(this, 1);
  }

  set quantile(value: f64) {
    setFixed64(this, 1, 0x2, reinterpret<u64>(value), true);
  }

  get value(): f64 {
    return getDouble(this, 2);
  }

  set value(value: f64) {
    setFixed64(this, 2, 0x4, reinterpret<u64>(value), true);
  }

  /** Takes it out of the batch. */
  remove(): void {
    removeMessage(this);
  }

  /** Moves it to the end of another slice. */
  moveTo(to: Slice<SummaryDataPointValueAtQuantile>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<SummaryDataPointValueAtQuantile>): SummaryDataPointValueAtQuantile {
    return changetype<SummaryDataPointValueAtQuantile>(copyMessage(this, to.owner, to.field));
  }
}

@unmanaged
export class Exemplar extends Message {
  get valueType(): ExemplarValueType {
    return <ExemplarValueType>lastOf(this, 0, 72, 0);
  }

  get filteredAttributes(): Attributes {
    return sliceOf<Attributes>(this, 7);
  }

  get timestamp(): u64 {
    return getFixed64(this, 2);
  }

  set timestamp(value: u64) {
    setFixed64(this, 2, 0x4, value, true);
  }

  get doubleValue(): f64 {
    return this.valueType != ExemplarValueType.Double ? 0 : getDouble(this, 3);
  }

  set doubleValue(value: f64) {
    setFixed64(this, 3, 0x48, reinterpret<u64>(value), false);
  }

  get intValue(): i64 {
    return this.valueType != ExemplarValueType.Int ? 0 : <i64>getFixed64(this, 6);
  }

  set intValue(value: i64) {
    setFixed64(this, 6, 0x48, value, false);
  }

  get spanId(): Bytes {
    const start = getLength(this, 4);
    return newBytes(start, valueEnd);
  }

  set spanId(value: Bytes) {
    setLength(this, 4, 0x10, value.start, value.end - value.start, true);
  }

  get traceId(): Bytes {
    const start = getLength(this, 5);
    return newBytes(start, valueEnd);
  }

  set traceId(value: Bytes) {
    setLength(this, 5, 0x20, value.start, value.end - value.start, true);
  }

  /** Takes it out of the batch. */
  remove(): void {
    removeMessage(this);
  }

  /** Moves it to the end of another slice. */
  moveTo(to: Slice<Exemplar>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<Exemplar>): Exemplar {
    return changetype<Exemplar>(copyMessage(this, to.owner, to.field));
  }
}
