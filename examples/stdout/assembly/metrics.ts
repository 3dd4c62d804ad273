import {
  AggregationTemporality,
  type ExponentialHistogramDataPoint,
  type HistogramDataPoint,
  type Metric,
  MetricType,
  type NumberDataPoint,
  NumberDataPointValueType,
  type SummaryDataPoint,
} from "@otelwasm/sdk";
import { attributesText, number, quoted, timeText } from "./text";

/** A line for each data point. */
export function metricLines(metric: Metric, attributes: bool): string[] {
  const lines: string[] = [];
  const unit = metric.unit;
  const name = quoted(metric.name) + (unit.length > 0 ? " (" + unit + ")" : "");
  switch (metric.type) {
    case MetricType.Gauge:
      for (const point of metric.gauge.dataPoints)
        lines.push(timeText(point.timestamp) + " " + name + " gauge " + numberText(point, attributes));
      break;
    case MetricType.Sum: {
      const kind = temporality(metric.sum.aggregationTemporality) + (metric.sum.isMonotonic ? " monotonic sum " : " sum ");
      for (const point of metric.sum.dataPoints)
        lines.push(timeText(point.timestamp) + " " + name + kind + numberText(point, attributes));
      break;
    }
    case MetricType.Histogram: {
      const kind = temporality(metric.histogram.aggregationTemporality) + " histogram ";
      for (const point of metric.histogram.dataPoints)
        lines.push(timeText(point.timestamp) + " " + name + kind + histogramText(point, attributes));
      break;
    }
    case MetricType.ExponentialHistogram: {
      const kind = temporality(metric.exponentialHistogram.aggregationTemporality) + " exponential histogram ";
      for (const point of metric.exponentialHistogram.dataPoints)
        lines.push(timeText(point.timestamp) + " " + name + kind + exponentialText(point, attributes));
      break;
    }
    case MetricType.Summary:
      for (const point of metric.summary.dataPoints)
        lines.push(timeText(point.timestamp) + " " + name + " summary " + summaryText(point, attributes));
      break;
    default:
      lines.push(name + " without data");
  }
  return lines;
}

function temporality(value: AggregationTemporality): string {
  if (value == AggregationTemporality.Delta) return " delta";
  return value == AggregationTemporality.Cumulative ? " cumulative" : "";
}

function numberText(point: NumberDataPoint, attributes: bool): string {
  let value = "no value";
  if (point.valueType == NumberDataPointValueType.Int) value = point.intValue.toString();
  else if (point.valueType == NumberDataPointValueType.Double) value = number(point.doubleValue);
  return value + attributesText(point.attributes, attributes);
}

/** Buckets that have something in them, as `(0.1..0.25]=3`. */
function histogramText(point: HistogramDataPoint, attributes: bool): string {
  let text = "count=" + point.count.toString();
  if (point.hasSum) text += " sum=" + number(point.sum);
  if (point.hasMin) text += " min=" + number(point.min);
  if (point.hasMax) text += " max=" + number(point.max);
  const counts = point.bucketCounts.toArray();
  const bounds = point.explicitBounds.toArray();
  for (let i = 0; i < counts.length; ++i) {
    if (counts[i] == 0) continue;
    const low = i == 0 ? "-inf" : i - 1 < bounds.length ? number(bounds[i - 1]) : "?";
    const high = i < bounds.length ? number(bounds[i]) : "inf";
    text += " (" + low + ".." + high + "]=" + counts[i].toString();
  }
  return text + attributesText(point.attributes, attributes);
}

function exponentialText(point: ExponentialHistogramDataPoint, attributes: bool): string {
  let text = "count=" + point.count.toString() + " scale=" + point.scale.toString();
  if (point.hasSum) text += " sum=" + number(point.sum);
  if (point.hasMin) text += " min=" + number(point.min);
  if (point.hasMax) text += " max=" + number(point.max);
  if (point.zeroCount > 0) text += " zero=" + point.zeroCount.toString();
  return text + attributesText(point.attributes, attributes);
}

function summaryText(point: SummaryDataPoint, attributes: bool): string {
  let text = "count=" + point.count.toString() + " sum=" + number(point.sum);
  for (const each of point.quantileValues) text += " p" + number(each.quantile * 100) + "=" + number(each.value);
  return text + attributesText(point.attributes, attributes);
}
