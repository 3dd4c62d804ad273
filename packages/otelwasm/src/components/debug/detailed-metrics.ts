import type {
  Exemplar,
  ExponentialHistogramDataPoint,
  HistogramDataPoint,
  Metric,
  NumberDataPoint,
  SummaryDataPoint,
} from "../../telemetry/generated/types.ts";
import { fixed, time } from "./go-format.ts";
import { attributeLines, hex } from "./values.ts";

const TEMPORALITIES = ["Unspecified", "Delta", "Cumulative"] as const;

const temporality = (number: number): string => `     -> AggregationTemporality: ${TEMPORALITIES[number] ?? ""}`;

type AnyPoint = NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint | SummaryDataPoint;

function* pointLines(kind: string, index: number, point: AnyPoint): Generator<string> {
  yield `${kind} #${index}`;
  yield* attributeLines("Data point attributes", point.attributes);
  yield `StartTimestamp: ${time(point.startTimeUnixNano)}`;
  yield `Timestamp: ${time(point.timeUnixNano)}`;
}

/** Whichever of the two a number has. */
function* valueLines(prefix: string, value: { asInt?: bigint; asDouble?: number }): Generator<string> {
  if (value.asInt !== undefined) yield `${prefix}${value.asInt}`;
  else if (value.asDouble !== undefined) yield `${prefix}${fixed(value.asDouble)}`;
}

function* exemplarLines(exemplars: readonly Exemplar[]): Generator<string> {
  if (exemplars.length > 0) yield "Exemplars:";
  for (const [i, exemplar] of exemplars.entries()) {
    yield `Exemplar #${i}`;
    yield `     -> Trace ID: ${hex(exemplar.traceId)}`;
    yield `     -> Span ID: ${hex(exemplar.spanId)}`;
    yield `     -> Timestamp: ${time(exemplar.timeUnixNano)}`;
    yield* valueLines("     -> Value: ", exemplar);
    yield* attributeLines("     -> FilteredAttributes", exemplar.filteredAttributes);
  }
}

function* totalLines({ count, sum, min, max }: HistogramDataPoint | ExponentialHistogramDataPoint): Generator<string> {
  yield `Count: ${count}`;
  if (sum !== undefined) yield `Sum: ${fixed(sum)}`;
  if (min !== undefined) yield `Min: ${fixed(min)}`;
  if (max !== undefined) yield `Max: ${fixed(max)}`;
}

function* numberLines(points: readonly NumberDataPoint[]): Generator<string> {
  for (const [i, point] of points.entries()) {
    yield* pointLines("NumberDataPoints", i, point);
    yield* valueLines("Value: ", point);
    yield* exemplarLines(point.exemplars);
  }
}

function* histogramLines(points: readonly HistogramDataPoint[]): Generator<string> {
  for (const [i, point] of points.entries()) {
    yield* pointLines("HistogramDataPoints", i, point);
    yield* totalLines(point);
    for (const [j, bound] of point.explicitBounds.entries()) yield `ExplicitBounds #${j}: ${fixed(bound)}`;
    for (const [j, count] of point.bucketCounts.entries()) yield `Buckets #${j}, Count: ${count}`;
    yield* exemplarLines(point.exemplars);
  }
}

function* exponentialLines(points: readonly ExponentialHistogramDataPoint[]): Generator<string> {
  for (const [i, point] of points.entries()) {
    yield* pointLines("ExponentialHistogramDataPoints", i, point);
    yield* totalLines(point);
    const factor = Math.LN2 * 2 ** -point.scale;
    const { negative, positive } = point;
    for (const [j, count] of [...(negative?.bucketCounts ?? []).entries()].reverse()) {
      const index = (negative?.offset ?? 0) + j;
      yield `Bucket [${fixed(-Math.exp((index + 1) * factor))}, ${fixed(-Math.exp(index * factor))}), Count: ${count}`;
    }
    if (point.zeroCount !== 0n) yield `Bucket [0, 0], Count: ${point.zeroCount}`;
    for (const [j, count] of (positive?.bucketCounts ?? []).entries()) {
      const index = (positive?.offset ?? 0) + j;
      yield `Bucket (${fixed(Math.exp(index * factor))}, ${fixed(Math.exp((index + 1) * factor))}], Count: ${count}`;
    }
    yield* exemplarLines(point.exemplars);
  }
}

function* summaryLines(points: readonly SummaryDataPoint[]): Generator<string> {
  for (const [i, point] of points.entries()) {
    yield* pointLines("SummaryDataPoints", i, point);
    yield `Count: ${point.count}`;
    yield `Sum: ${fixed(point.sum)}`;
    for (const [j, { quantile, value }] of point.quantileValues.entries())
      yield `QuantileValue #${j}: Quantile ${fixed(quantile)}, Value ${fixed(value)}`;
  }
}

function typeName({ gauge, sum, histogram, exponentialHistogram, summary }: Metric): string {
  if (gauge !== undefined) return "Gauge";
  if (sum !== undefined) return "Sum";
  if (histogram !== undefined) return "Histogram";
  if (exponentialHistogram !== undefined) return "ExponentialHistogram";
  return summary === undefined ? "Empty" : "Summary";
}

export function* metricLines(metric: Metric): Generator<string> {
  const { gauge, sum, histogram, exponentialHistogram, summary } = metric;
  yield "Descriptor:";
  yield `     -> Name: ${metric.name}`;
  yield `     -> Description: ${metric.description}`;
  yield `     -> Unit: ${metric.unit}`;
  yield `     -> DataType: ${typeName(metric)}`;
  yield* attributeLines("     -> Metadata", metric.metadata);
  if (gauge !== undefined) yield* numberLines(gauge.dataPoints);
  if (sum !== undefined) {
    yield `     -> IsMonotonic: ${sum.isMonotonic}`;
    yield temporality(sum.aggregationTemporality);
    yield* numberLines(sum.dataPoints);
  }
  if (histogram !== undefined) {
    yield temporality(histogram.aggregationTemporality);
    yield* histogramLines(histogram.dataPoints);
  }
  if (exponentialHistogram !== undefined) {
    yield temporality(exponentialHistogram.aggregationTemporality);
    yield* exponentialLines(exponentialHistogram.dataPoints);
  }
  if (summary !== undefined) yield* summaryLines(summary.dataPoints);
}
