import { type Attributes, type HrTime, ValueType } from "@opentelemetry/api";
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type MetricData,
  type MetricDescriptor,
} from "@opentelemetry/sdk-metrics";
import {
  type Count,
  type EndReading,
  Histogram,
  type Instrument,
  type Measuring,
  type MetricsLevel,
} from "../../component/measuring.ts";

/** One series of a counter: what is added to it, and what is kept elsewhere. */
class Sum implements Count {
  value: number = 0;
  readonly readings: Set<() => number> = new Set();

  total(): number {
    let total = this.value;
    for (const read of this.readings) total += read();
    return total;
  }
}

type Read = () => number | undefined;

type Series =
  | { readonly type: "sum"; readonly sum: Sum }
  | { readonly type: "gauge"; readonly readings: Read[] }
  | { readonly type: "histogram"; readonly histogram: Histogram };

/** A metric with its series, by their attributes. */
interface Metric {
  readonly descriptor: MetricDescriptor;
  readonly type: Series["type"];
  readonly series: Map<string, { readonly attributes: Attributes; readonly is: Series }>;
}

/**
 * The series of the data path: plain numbers, which become metrics when somebody reads. The SDK's own counters and histograms look their series up by
 * the attributes on each call, which costs up to a microsecond; a request of ten log records takes some tens of them.
 */
export class SeriesStore implements Measuring {
  readonly level: MetricsLevel;
  readonly #metrics: Map<string, Metric> = new Map();
  readonly #since: HrTime = now();

  constructor(level: MetricsLevel) {
    this.level = level;
  }

  counter(instrument: Instrument, attributes: Attributes): Count {
    return this.#sum(instrument, attributes);
  }

  observeCounter(instrument: Instrument, attributes: Attributes, read: () => number): EndReading {
    const sum = this.#sum(instrument, attributes);
    sum.readings.add(read);
    return () => {
      if (sum.readings.delete(read)) sum.value += read();
    };
  }

  observeGauge(instrument: Instrument, attributes: Attributes, read: Read): EndReading {
    const { is } = this.#series(instrument, attributes, "gauge", () => ({ type: "gauge", readings: [] }));
    if (is.type !== "gauge") throw conflict(instrument);
    const { readings } = is;
    readings.push(read);
    return () => {
      const index = readings.indexOf(read);
      if (index >= 0) readings.splice(index, 1);
    };
  }

  histogram(instrument: Instrument, attributes: Attributes, boundaries: readonly number[]): Histogram {
    const { is } = this.#series(instrument, attributes, "histogram", () => ({
      type: "histogram",
      histogram: new Histogram(boundaries),
    }));
    if (is.type !== "histogram") throw conflict(instrument);
    return is.histogram;
  }

  /** Everything as it is now; what has no series is left out. */
  collect(): MetricData[] {
    const endTime = now();
    return [...this.#metrics.values()].flatMap((metric) => this.#read(metric, endTime) ?? []);
  }

  #read({ descriptor, type, series }: Metric, endTime: HrTime): MetricData | undefined {
    const startTime = this.#since;
    const aggregationTemporality = AggregationTemporality.CUMULATIVE;
    const common = { descriptor, aggregationTemporality };
    if (type === "histogram") {
      const dataPoints = [...series.values()].flatMap(({ attributes, is }) =>
        is.type === "histogram" ? [{ startTime, endTime, attributes, value: pointOf(is.histogram) }] : [],
      );
      return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints };
    }
    const dataPoints: DataPoint<number>[] = [];
    for (const { attributes, is } of series.values()) {
      const value = is.type === "sum" ? is.sum.total() : is.type === "gauge" ? is.readings.at(-1)?.() : undefined;
      if (value !== undefined) dataPoints.push({ startTime, endTime, attributes, value });
    }
    if (dataPoints.length === 0) return undefined;
    return type === "sum"
      ? { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
      : { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
  }

  #sum(instrument: Instrument, attributes: Attributes): Sum {
    const { is } = this.#series(instrument, attributes, "sum", () => ({ type: "sum", sum: new Sum() }));
    if (is.type !== "sum") throw conflict(instrument);
    return is.sum;
  }

  #series(instrument: Instrument, attributes: Attributes, type: Series["type"], create: () => Series) {
    const { name, unit, description } = instrument;
    let metric = this.#metrics.get(name);
    if (metric === undefined) {
      metric = {
        descriptor: { name, unit, description, valueType: type === "histogram" ? ValueType.DOUBLE : ValueType.INT },
        type,
        series: new Map(),
      };
      this.#metrics.set(name, metric);
    }
    const key = JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
    let series = metric.series.get(key);
    if (series === undefined) {
      series = { attributes, is: create() };
      metric.series.set(key, series);
    }
    return series;
  }
}

function conflict({ name }: Instrument): Error {
  return new Error(`own metrics: ${name} is there already, and of another kind`);
}

function pointOf({ boundaries, counts, sum, count, min, max }: Histogram) {
  const buckets = { boundaries: [...boundaries], counts: [...counts] };
  return { buckets, sum, count, ...(count === 0 ? {} : { min, max }) };
}

function now(): HrTime {
  const milliseconds = Date.now();
  return [Math.floor(milliseconds / 1_000), (milliseconds % 1_000) * 1_000_000];
}
