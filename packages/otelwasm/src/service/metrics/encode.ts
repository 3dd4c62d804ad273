import { type Attributes, type HrTime, ValueType } from "@opentelemetry/api";
import { type DataPoint, DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";
import { double, encodeIn, keyValues, nanoseconds } from "../telemetry/encode.ts";
import type { ResourceAttributes } from "../telemetry/resource.ts";

/** `AGGREGATION_TEMPORALITY_CUMULATIVE` */
const CUMULATIVE = 2;

/** @param metrics cumulative ones */
export function encodeMetrics(resource: ResourceAttributes, metrics: readonly MetricData[]): Uint8Array {
  return encodeIn("metrics", resource, metrics.map(metricOf));
}

function metricOf(metric: MetricData): object {
  const { name, unit, description, valueType } = metric.descriptor;
  const head = { name, unit, description };
  switch (metric.dataPointType) {
    case DataPointType.GAUGE:
      return { ...head, gauge: { dataPoints: metric.dataPoints.map((point) => numberPoint(point, valueType)) } };
    case DataPointType.SUM:
      return {
        ...head,
        sum: {
          aggregationTemporality: CUMULATIVE,
          isMonotonic: metric.isMonotonic,
          dataPoints: metric.dataPoints.map((point) => numberPoint(point, valueType)),
        },
      };
    case DataPointType.HISTOGRAM:
      return {
        ...head,
        histogram: {
          aggregationTemporality: CUMULATIVE,
          dataPoints: metric.dataPoints.map((point) => {
            const { buckets, count, sum, min, max } = point.value;
            return {
              ...pointHead(point),
              count,
              sum,
              min,
              max,
              bucketCounts: buckets.counts,
              explicitBounds: buckets.boundaries,
            };
          }),
        },
      };
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      throw new Error(`${name}: exponential histograms are not exported`);
  }
}

function numberPoint(point: DataPoint<number>, valueType: ValueType): object {
  const { value } = point;
  const integer = valueType === ValueType.INT && Number.isSafeInteger(value);
  return { ...pointHead(point), ...(integer ? { asInt: value } : { asDouble: double(value) }) };
}

function pointHead({
  startTime,
  endTime,
  attributes,
}: {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly attributes: Attributes;
}): object {
  return {
    attributes: keyValues(Object.entries(attributes)),
    startTimeUnixNano: nanoseconds(startTime),
    timeUnixNano: nanoseconds(endTime),
  };
}
