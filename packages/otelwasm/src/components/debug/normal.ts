import type { Signal } from "../../telemetry/batch.ts";
import { type Decoded, decode } from "../../telemetry/decode.ts";
import type {
  ExponentialHistogramDataPoint,
  HistogramDataPoint,
  InstrumentationScope,
  Metric,
  NumberDataPoint,
  Resource,
} from "../../telemetry/generated/types.ts";
import { fixed, shortest } from "./go-format.ts";
import { asString, hex, pairs } from "./values.ts";

function resourceLine(kind: string, index: number, resource: Resource | undefined, schemaUrl: string): string {
  return [`${kind} #${index}`, ...(schemaUrl === "" ? [] : [`[${schemaUrl}]`]), ...pairs(resource?.attributes)].join(
    " ",
  );
}

function scopeLine(kind: string, index: number, scope: InstrumentationScope | undefined, schemaUrl: string): string {
  const name = (scope?.name ?? "") + (scope === undefined || scope.version === "" ? "" : `@${scope.version}`);
  const parts = [`${kind} #${index}`, name, schemaUrl === "" ? "" : `[${schemaUrl}]`, ...pairs(scope?.attributes)];
  return parts.filter((part, place) => place === 0 || part !== "").join(" ");
}

function* tracesText({ resourceSpans }: Decoded["traces"]): Generator<string> {
  for (const [i, { resource, scopeSpans, schemaUrl }] of resourceSpans.entries()) {
    yield resourceLine("ResourceTraces", i, resource, schemaUrl);
    for (const [j, { scope, spans, schemaUrl: scopeUrl }] of scopeSpans.entries()) {
      yield scopeLine("ScopeTraces", j, scope, scopeUrl);
      for (const span of spans)
        yield [span.name, hex(span.traceId), hex(span.spanId), ...pairs(span.attributes)].join(" ");
    }
  }
}

function* logsText({ resourceLogs }: Decoded["logs"]): Generator<string> {
  for (const [i, { resource, scopeLogs, schemaUrl }] of resourceLogs.entries()) {
    yield resourceLine("ResourceLog", i, resource, schemaUrl);
    for (const [j, { scope, logRecords, schemaUrl: scopeUrl }] of scopeLogs.entries()) {
      yield scopeLine("ScopeLog", j, scope, scopeUrl);
      for (const { body, attributes } of logRecords) yield `${asString(body ?? {})} ${pairs(attributes).join(" ")}`;
    }
  }
}

function numberText(point: NumberDataPoint): string {
  if (point.asInt !== undefined) return String(point.asInt);
  return point.asDouble === undefined ? "" : shortest(point.asDouble);
}

function totals(point: HistogramDataPoint | ExponentialHistogramDataPoint): string[] {
  const { count, sum, min, max } = point;
  return [
    `count=${count}`,
    ...(sum === undefined ? [] : [`sum=${shortest(sum)}`]),
    ...(min === undefined ? [] : [`min=${shortest(min)}`]),
    ...(max === undefined ? [] : [`max=${shortest(max)}`]),
  ];
}

function histogramText(point: HistogramDataPoint): string {
  const buckets = point.bucketCounts.map((count, i) => {
    const bound = point.explicitBounds[i];
    return bound === undefined ? String(count) : `le${shortest(bound)}=${count}`;
  });
  return [...totals(point), ...buckets].join(" ");
}

function exponentialText(point: ExponentialHistogramDataPoint): string {
  const factor = Math.LN2 * 2 ** -point.scale;
  const { negative, positive, zeroCount } = point;
  const below = (negative?.bucketCounts ?? []).map(
    (count, i) => `le${shortest(-Math.exp(((negative?.offset ?? 0) + i) * factor))}=${count}`,
  );
  const above = (positive?.bucketCounts ?? []).map(
    (count, i) => `le${shortest(Math.exp(((positive?.offset ?? 0) + i + 1) * factor))}=${count}`,
  );
  return [...totals(point), ...below.reverse(), ...(zeroCount === 0n ? [] : [`zero=${zeroCount}`]), ...above].join(" ");
}

function* pointsText(metric: Metric): Generator<string> {
  const line = (attributes: string[], value: string): string => `${metric.name}{${attributes.join(",")}} ${value}`;
  const { gauge, sum, histogram, exponentialHistogram, summary } = metric;
  for (const point of (gauge ?? sum)?.dataPoints ?? []) yield line(pairs(point.attributes), numberText(point));
  for (const point of histogram?.dataPoints ?? []) yield line(pairs(point.attributes), histogramText(point));
  for (const point of exponentialHistogram?.dataPoints ?? [])
    yield line(pairs(point.attributes), exponentialText(point));
  for (const point of summary?.dataPoints ?? []) {
    const quantiles = point.quantileValues.map(({ quantile, value }) => ` q${shortest(quantile)}=${shortest(value)}`);
    yield line(pairs(point.attributes), `count=${point.count} sum=${fixed(point.sum)}${quantiles.join("")}`);
  }
}

function* metricsText({ resourceMetrics }: Decoded["metrics"]): Generator<string> {
  for (const [i, { resource, scopeMetrics, schemaUrl }] of resourceMetrics.entries()) {
    yield resourceLine("ResourceMetrics", i, resource, schemaUrl);
    for (const [j, { scope, metrics, schemaUrl: scopeUrl }] of scopeMetrics.entries()) {
      yield scopeLine("ScopeMetrics", j, scope, scopeUrl);
      for (const metric of metrics) yield* pointsText(metric);
    }
  }
}

const TEXTS: Readonly<Record<Signal, (bytes: Uint8Array) => Generator<string>>> = {
  traces: (bytes) => tracesText(decode("traces", bytes)),
  metrics: (bytes) => metricsText(decode("metrics", bytes)),
  logs: (bytes) => logsText(decode("logs", bytes)),
};

/**
 * About one line for each span, data point or log record; each ends with a line feed.
 *
 * @throws RangeError when the bytes are not well-formed
 */
export function normalText(signal: Signal, bytes: Uint8Array): string {
  let text = "";
  for (const line of TEXTS[signal](bytes)) text += `${line}\n`;
  return text;
}
