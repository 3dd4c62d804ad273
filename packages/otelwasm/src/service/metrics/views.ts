import type { Attributes } from "@opentelemetry/api";
import { type DataPoint, DataPointType, type Histogram, type MetricData } from "@opentelemetry/sdk-metrics";
import { type IncludeExclude, matcherOf } from "./include-exclude.ts";
import type { MetricView } from "./view-settings.ts";

/**
 * Own metrics as views want them: left out, under another name, with fewer attributes. A metric that no view is for is as it was, one that several are for is
 * there several times: https://opentelemetry.io/docs/specs/otel/metrics/sdk/#view
 */
export function applyViews(views: readonly MetricView[], metrics: readonly MetricData[]): readonly MetricData[] {
  if (views.length === 0) return metrics;
  return metrics.flatMap((metric) => {
    const own = views.filter((view) => selects(view, metric));
    if (own.length === 0) return [metric];
    return own.filter(({ drop }) => !drop).map((view) => through(view, metric));
  });
}

/** What a metric of each kind may have been made by. */
const INSTRUMENTS: Readonly<Record<DataPointType, readonly string[]>> = {
  [DataPointType.SUM]: ["counter", "observable_counter"],
  [DataPointType.GAUGE]: ["observable_gauge"],
  [DataPointType.HISTOGRAM]: ["histogram"],
  [DataPointType.EXPONENTIAL_HISTOGRAM]: ["histogram"],
};

function selects({ selector }: MetricView, { descriptor, dataPointType }: MetricData): boolean {
  const { names, type, unit } = selector;
  return (
    names.test(descriptor.name) &&
    (type === undefined || INSTRUMENTS[dataPointType].includes(type)) &&
    (unit === undefined || unit === descriptor.unit)
  );
}

function through({ name, description, attributes }: MetricView, metric: MetricData): MetricData {
  const descriptor = {
    ...metric.descriptor,
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
  };
  if (attributes === undefined) return { ...metric, descriptor };
  switch (metric.dataPointType) {
    case DataPointType.SUM:
      return { ...metric, descriptor, dataPoints: merged(metric.dataPoints, attributes, (a, b) => a + b) };
    case DataPointType.GAUGE:
      return { ...metric, descriptor, dataPoints: merged(metric.dataPoints, attributes, (_, last) => last) };
    case DataPointType.HISTOGRAM:
      return { ...metric, descriptor, dataPoints: merged(metric.dataPoints, attributes, together) };
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      return { ...metric, descriptor };
  }
}

/** Points that differ in nothing but the attributes that are left out become one. */
function merged<T>(points: readonly DataPoint<T>[], keys: IncludeExclude, add: (a: T, b: T) => T): DataPoint<T>[] {
  const kept = matcherOf(keys);
  const found = new Map<string, DataPoint<T>>();
  for (const point of points) {
    const attributes: Attributes = Object.fromEntries(
      Object.entries(point.attributes).filter(([key]) => kept.test(key)),
    );
    const key = JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
    const known = found.get(key);
    found.set(key, { ...point, attributes, value: known === undefined ? point.value : add(known.value, point.value) });
  }
  return [...found.values()];
}

function together(a: Histogram, b: Histogram): Histogram {
  const counts = a.buckets.counts.map((count, index) => count + (b.buckets.counts[index] ?? 0));
  const least = [a.min, b.min].filter((value) => value !== undefined);
  const greatest = [a.max, b.max].filter((value) => value !== undefined);
  return {
    buckets: { boundaries: a.buckets.boundaries, counts },
    count: a.count + b.count,
    sum: (a.sum ?? 0) + (b.sum ?? 0),
    ...(least.length === 0 ? {} : { min: Math.min(...least) }),
    ...(greatest.length === 0 ? {} : { max: Math.max(...greatest) }),
  };
}
