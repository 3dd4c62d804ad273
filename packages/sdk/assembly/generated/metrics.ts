// Generated from metrics.proto by `npm run generate`: do not edit.

import { newBatch } from "../batch";
import { Attributes, attributesOf } from "../data/attributes";
import { Bytes, Utf8, newBytes, newUtf8 } from "../data/bytes";
import { FixedList, VarintList, listOf } from "../data/lists";
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

/** AggregationTemporality defines how a metric aggregator reports aggregated values. */
export enum AggregationTemporality {
  Unspecified = 0,
  Delta = 1,
  Cumulative = 2,
}

/** DataPointFlags is defined as a protobuf 'uint32' type and is to be used as a bit-field representing 32 distinct boolean flags. */
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

/** MetricsData represents the metrics data that can be stored in a persistent storage, OR can be embedded by other protocols that transfer OTLP metrics data but do not implement the OTLP protocol. */
@unmanaged
export class Metrics extends Message {
  /** An empty one. A plugin writes `new Metrics()`: the build command makes this of it. */
  static create(): Metrics {
    return changetype<Metrics>(newBatch());
  }

  /** An array of ResourceMetrics. */
  get resourceMetrics(): Slice<ResourceMetrics> {
    return sliceOf<Slice<ResourceMetrics>>(this, 1);
  }
}

/** A collection of ScopeMetrics from a Resource. */
@unmanaged
export class ResourceMetrics extends Message {
  /** The resource for the metrics in this message. */
  get resource(): Resource {
    return changetype<Resource>(getMessage(this, 1, 0));
  }

  get hasResource(): bool {
    return hasMessage(this, 1);
  }

  /** A list of metrics that originate from a resource. */
  get scopeMetrics(): Slice<ScopeMetrics> {
    return sliceOf<Slice<ScopeMetrics>>(this, 2);
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
  moveTo(to: Slice<ResourceMetrics>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<ResourceMetrics>): ResourceMetrics {
    return changetype<ResourceMetrics>(copyMessage(this, to.owner, to.field));
  }
}

/** A collection of Metrics produced by an Scope. */
@unmanaged
export class ScopeMetrics extends Message {
  /** The instrumentation scope information for the metrics in this message. */
  get scope(): InstrumentationScope {
    return changetype<InstrumentationScope>(getMessage(this, 1, 0));
  }

  get hasScope(): bool {
    return hasMessage(this, 1);
  }

  /** A list of metrics that originate from an instrumentation library. */
  get metrics(): Slice<Metric> {
    return sliceOf<Slice<Metric>>(this, 2);
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
  moveTo(to: Slice<ScopeMetrics>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<ScopeMetrics>): ScopeMetrics {
    return changetype<ScopeMetrics>(copyMessage(this, to.owner, to.field));
  }
}

/** Defines a Metric which has one or more timeseries. */
@unmanaged
export class Metric extends Message {
  get type(): MetricType {
    return <MetricType>lastOf(this, 0, 0, 3744);
  }

  /** The name of the metric. */
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

  /** A description of the metric, which can be used in documentation. */
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

  /** The unit in which the metric value is reported. */
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

  /** Additional metadata attributes that describe the metric. */
  get metadata(): Attributes {
    return attributesOf(this, 12);
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

/** Gauge represents the type of a scalar metric that always exports the "current value" for every data point. */
@unmanaged
export class Gauge extends Message {
  /** The time series data points. */
  get dataPoints(): Slice<NumberDataPoint> {
    return sliceOf<Slice<NumberDataPoint>>(this, 1);
  }
}

/** Sum represents the type of a scalar metric that is calculated as a sum of all reported measurements over a time interval. */
@unmanaged
export class Sum extends Message {
  /** The time series data points. */
  get dataPoints(): Slice<NumberDataPoint> {
    return sliceOf<Slice<NumberDataPoint>>(this, 1);
  }

  /** aggregation_temporality describes if the aggregator reports delta changes since last report time, or cumulative changes since a fixed start time. */
  get aggregationTemporality(): AggregationTemporality {
    return <AggregationTemporality>getVarint(this, 2);
  }

  set aggregationTemporality(value: AggregationTemporality) {
    setVarint(this, 2, 0x4, <i64>value, true);
  }

  /** Represents whether the sum is monotonic. */
  get isMonotonic(): bool {
    return getVarint(this, 3) != 0;
  }

  set isMonotonic(value: bool) {
    setVarint(this, 3, 0x8, value ? 1 : 0, true);
  }
}

/** Histogram represents the type of a metric that is calculated by aggregating as a Histogram of all reported measurements over a time interval. */
@unmanaged
export class Histogram extends Message {
  /** The time series data points. */
  get dataPoints(): Slice<HistogramDataPoint> {
    return sliceOf<Slice<HistogramDataPoint>>(this, 1);
  }

  /** aggregation_temporality describes if the aggregator reports delta changes since last report time, or cumulative changes since a fixed start time. */
  get aggregationTemporality(): AggregationTemporality {
    return <AggregationTemporality>getVarint(this, 2);
  }

  set aggregationTemporality(value: AggregationTemporality) {
    setVarint(this, 2, 0x4, <i64>value, true);
  }
}

/** ExponentialHistogram represents the type of a metric that is calculated by aggregating as a ExponentialHistogram of all reported double measurements over a time interval. */
@unmanaged
export class ExponentialHistogram extends Message {
  /** The time series data points. */
  get dataPoints(): Slice<ExponentialHistogramDataPoint> {
    return sliceOf<Slice<ExponentialHistogramDataPoint>>(this, 1);
  }

  /** aggregation_temporality describes if the aggregator reports delta changes since last report time, or cumulative changes since a fixed start time. */
  get aggregationTemporality(): AggregationTemporality {
    return <AggregationTemporality>getVarint(this, 2);
  }

  set aggregationTemporality(value: AggregationTemporality) {
    setVarint(this, 2, 0x4, <i64>value, true);
  }
}

/** Summary metric data are used to convey quantile summaries, a Prometheus (see: https://prometheus.io/docs/concepts/metric_types/#summary) and OpenMetrics (see: https://github.com/prometheus/OpenMetrics/blob/4dbf6075567ab43296eed941037c12951faafb92/protos/prometheus.proto#L45) data type. */
@unmanaged
export class Summary extends Message {
  /** The time series data points. */
  get dataPoints(): Slice<SummaryDataPoint> {
    return sliceOf<Slice<SummaryDataPoint>>(this, 1);
  }
}

/** NumberDataPoint is a single data point in a timeseries that describes the time-varying scalar value of a metric. */
@unmanaged
export class NumberDataPoint extends Message {
  get valueType(): NumberDataPointValueType {
    return <NumberDataPointValueType>lastOf(this, 0, 80, 0);
  }

  /** The set of key/value pairs that uniquely identify the timeseries from where this point belongs. */
  get attributes(): Attributes {
    return attributesOf(this, 7);
  }

  /** StartTimeUnixNano is optional but strongly encouraged, see the the detailed comments above Metric. */
  get startTimestamp(): u64 {
    return getFixed64(this, 2);
  }

  set startTimestamp(value: u64) {
    setFixed64(this, 2, 0x4, value, true);
  }

  /** TimeUnixNano is required, see the detailed comments above Metric. */
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

  /** Flags that apply to this specific data point. */
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

/** HistogramDataPoint is a single data point in a timeseries that describes the time-varying values of a Histogram. */
@unmanaged
export class HistogramDataPoint extends Message {
  /** The set of key/value pairs that uniquely identify the timeseries from where this point belongs. */
  get attributes(): Attributes {
    return attributesOf(this, 9);
  }

  /** StartTimeUnixNano is optional but strongly encouraged, see the the detailed comments above Metric. */
  get startTimestamp(): u64 {
    return getFixed64(this, 2);
  }

  set startTimestamp(value: u64) {
    setFixed64(this, 2, 0x4, value, true);
  }

  /** TimeUnixNano is required, see the detailed comments above Metric. */
  get timestamp(): u64 {
    return getFixed64(this, 3);
  }

  set timestamp(value: u64) {
    setFixed64(this, 3, 0x8, value, true);
  }

  /** count is the number of values in the population. */
  get count(): u64 {
    return getFixed64(this, 4);
  }

  set count(value: u64) {
    setFixed64(this, 4, 0x10, value, true);
  }

  /** sum of the values in the population. */
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

  /** bucket_counts is an optional field contains the count values of histogram for each bucket. */
  get bucketCounts(): FixedList<u64> {
    return listOf<FixedList<u64>>(this, 6);
  }

  /** explicit_bounds specifies buckets with explicitly defined bounds for values. */
  get explicitBounds(): FixedList<f64> {
    return listOf<FixedList<f64>>(this, 7);
  }

  get exemplars(): Slice<Exemplar> {
    return sliceOf<Slice<Exemplar>>(this, 8);
  }

  /** Flags that apply to this specific data point. */
  get flags(): u32 {
    return <u32>getVarint(this, 10);
  }

  set flags(value: u32) {
    setVarint(this, 10, 0x400, value, true);
  }

  /** min is the minimum value over (start_time, end_time]. */
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

  /** max is the maximum value over (start_time, end_time]. */
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

/** ExponentialHistogramDataPoint is a single data point in a timeseries that describes the time-varying values of a ExponentialHistogram of double values. */
@unmanaged
export class ExponentialHistogramDataPoint extends Message {
  /** The set of key/value pairs that uniquely identify the timeseries from where this point belongs. */
  get attributes(): Attributes {
    return attributesOf(this, 1);
  }

  /** StartTimeUnixNano is optional but strongly encouraged, see the the detailed comments above Metric. */
  get startTimestamp(): u64 {
    return getFixed64(this, 2);
  }

  set startTimestamp(value: u64) {
    setFixed64(this, 2, 0x4, value, true);
  }

  /** TimeUnixNano is required, see the detailed comments above Metric. */
  get timestamp(): u64 {
    return getFixed64(this, 3);
  }

  set timestamp(value: u64) {
    setFixed64(this, 3, 0x8, value, true);
  }

  /** The number of values in the population. */
  get count(): u64 {
    return getFixed64(this, 4);
  }

  set count(value: u64) {
    setFixed64(this, 4, 0x10, value, true);
  }

  /** The sum of the values in the population. */
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

  /** scale describes the resolution of the histogram. */
  get scale(): i32 {
    return unzigzag(getVarint(this, 6));
  }

  set scale(value: i32) {
    setVarint(this, 6, 0x40, <u32>((value << 1) ^ (value >> 31)), true);
  }

  /** The count of values that are either exactly zero or within the region considered zero by the instrumentation at the tolerated degree of precision. */
  get zeroCount(): u64 {
    return getFixed64(this, 7);
  }

  set zeroCount(value: u64) {
    setFixed64(this, 7, 0x80, value, true);
  }

  /** positive carries the positive range of exponential bucket counts. */
  get positive(): ExponentialHistogramDataPointBuckets {
    return changetype<ExponentialHistogramDataPointBuckets>(getMessage(this, 8, 0));
  }

  get hasPositive(): bool {
    return hasMessage(this, 8);
  }

  /** negative carries the negative range of exponential bucket counts. */
  get negative(): ExponentialHistogramDataPointBuckets {
    return changetype<ExponentialHistogramDataPointBuckets>(getMessage(this, 9, 0));
  }

  get hasNegative(): bool {
    return hasMessage(this, 9);
  }

  /** Flags that apply to this specific data point. */
  get flags(): u32 {
    return <u32>getVarint(this, 10);
  }

  set flags(value: u32) {
    setVarint(this, 10, 0x400, value, true);
  }

  get exemplars(): Slice<Exemplar> {
    return sliceOf<Slice<Exemplar>>(this, 11);
  }

  /** The minimum value over (start_time, end_time]. */
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

  /** The maximum value over (start_time, end_time]. */
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

  /** ZeroThreshold may be optionally set to convey the width of the zero region. */
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

/** Buckets are a set of bucket counts, encoded in a contiguous array of counts. */
@unmanaged
export class ExponentialHistogramDataPointBuckets extends Message {
  /** The bucket index of the first entry in the bucket_counts array. */
  get offset(): i32 {
    return unzigzag(getVarint(this, 1));
  }

  set offset(value: i32) {
    setVarint(this, 1, 0x2, <u32>((value << 1) ^ (value >> 31)), true);
  }

  /** An array of count values, where bucket_counts[i] carries the count of the bucket at index (offset+i). */
  get bucketCounts(): VarintList {
    return listOf<VarintList>(this, 2);
  }
}

/** SummaryDataPoint is a single data point in a timeseries that describes the time-varying values of a Summary metric. */
@unmanaged
export class SummaryDataPoint extends Message {
  /** The set of key/value pairs that uniquely identify the timeseries from where this point belongs. */
  get attributes(): Attributes {
    return attributesOf(this, 7);
  }

  /** StartTimeUnixNano is optional but strongly encouraged, see the the detailed comments above Metric. */
  get startTimestamp(): u64 {
    return getFixed64(this, 2);
  }

  set startTimestamp(value: u64) {
    setFixed64(this, 2, 0x4, value, true);
  }

  /** TimeUnixNano is required, see the detailed comments above Metric. */
  get timestamp(): u64 {
    return getFixed64(this, 3);
  }

  set timestamp(value: u64) {
    setFixed64(this, 3, 0x8, value, true);
  }

  /** count is the number of values in the population. */
  get count(): u64 {
    return getFixed64(this, 4);
  }

  set count(value: u64) {
    setFixed64(this, 4, 0x10, value, true);
  }

  /** sum of the values in the population. */
  get sum(): f64 {
    return getDouble(this, 5);
  }

  set sum(value: f64) {
    setFixed64(this, 5, 0x20, reinterpret<u64>(value), true);
  }

  /** (Optional) list of values at different quantiles of the distribution calculated from the current snapshot. */
  get quantileValues(): Slice<SummaryDataPointValueAtQuantile> {
    return sliceOf<Slice<SummaryDataPointValueAtQuantile>>(this, 6);
  }

  /** Flags that apply to this specific data point. */
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

/** Represents the value at a given quantile of a distribution. */
@unmanaged
export class SummaryDataPointValueAtQuantile extends Message {
  /** The quantile of a distribution. */
  get quantile(): f64 {
    return getDouble(this, 1);
  }

  set quantile(value: f64) {
    setFixed64(this, 1, 0x2, reinterpret<u64>(value), true);
  }

  /** The value at the given quantile of a distribution. */
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

/** A representation of an exemplar, which is a sample input measurement. */
@unmanaged
export class Exemplar extends Message {
  get valueType(): ExemplarValueType {
    return <ExemplarValueType>lastOf(this, 0, 72, 0);
  }

  /** The set of key/value pairs that were filtered out by the aggregator, but recorded alongside the original measurement. */
  get filteredAttributes(): Attributes {
    return attributesOf(this, 7);
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

  /** (Optional) Span ID of the exemplar trace. */
  get spanId(): Bytes {
    const start = getLength(this, 4);
    return newBytes(start, valueEnd);
  }

  set spanId(value: Bytes) {
    setLength(this, 4, 0x10, value.start, value.end - value.start, true);
  }

  /** (Optional) Trace ID of the exemplar trace. */
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
