import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { DataPointType, type MetricData, type ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { matcherOf } from "./include-exclude.ts";
import type { PrometheusReader } from "./settings.ts";

/** Prometheus' words for the units (UCUM) that own metrics have; what stands in braces is not part of a name. */
const UNIT_WORDS: Readonly<Record<string, string>> = { s: "seconds", ms: "milliseconds", By: "bytes" };
const TOTAL = "_total";

/**
 * Own metrics as Prometheus' text. The names are the Collector's: the serialiser adds `_total` to a counter, whatever it is told, and never a unit; so
 * units are added before, and `_total` is taken off after.
 */
export class PrometheusText {
  readonly #reader: Omit<PrometheusReader, "address">;
  readonly #serializer: PrometheusSerializer;

  constructor(reader: Omit<PrometheusReader, "address">) {
    this.#reader = reader;
    const labels = reader.resourceLabels && matcherOf(reader.resourceLabels);
    this.#serializer = new PrometheusSerializer("", false, labels, false, reader.withoutScopeInfo);
  }

  serialize(collected: ResourceMetrics): string {
    const renamed: ResourceMetrics = {
      ...collected,
      scopeMetrics: collected.scopeMetrics.map((scope) => ({
        ...scope,
        metrics: scope.metrics.map((metric) => this.#withUnit(metric)),
      })),
    };
    const text = this.#serializer.serialize(renamed);
    if (!this.#reader.withoutTypeSuffix) return text;
    const counters = new Set(
      renamed.scopeMetrics
        .flatMap(({ metrics }) => metrics)
        .filter((metric) => metric.dataPointType === DataPointType.SUM && metric.isMonotonic)
        .map(({ descriptor }) => `${descriptor.name}${TOTAL}`),
    );
    return text.replace(/^((?:# [A-Z]+ )?)(\w+)/gm, (whole, comment: string, name: string) =>
      counters.has(name) ? comment + name.slice(0, -TOTAL.length) : whole,
    );
  }

  #withUnit(metric: MetricData): MetricData {
    const { name, unit } = metric.descriptor;
    const word = UNIT_WORDS[unit];
    if (this.#reader.withoutUnits || word === undefined || name.split("_").includes(word)) return metric;
    return { ...metric, descriptor: { ...metric.descriptor, name: `${name}_${word}` } };
  }
}
