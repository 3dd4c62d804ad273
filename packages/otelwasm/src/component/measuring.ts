import type { Attributes } from "@opentelemetry/api";

/** How much own metrics tell, as `service::telemetry::metrics::level` says; each has what the one before it has. */
export type MetricsLevel = "basic" | "normal" | "detailed";

/** A metric, by its OpenTelemetry name. */
export interface Instrument {
  readonly name: string;
  /** UCUM: https://ucum.org/ */
  readonly unit: string;
  readonly description: string;
}

/** The number of one series of a counter. It is added to where data passes, and read when somebody asks. */
export interface Count {
  value: number;
}

/** Ends a reading that was given to `Measuring`: what it says last is kept if it is a counter's; a gauge's series ends. Once. */
export type EndReading = () => void;

/**
 * Own metrics for what is on the data path. What is counted here is a plain number that nothing is called for; series are found once, when a component
 * is created. The same name and attributes are the same series, also for the component of a configuration that takes the place of another.
 */
export interface Measuring {
  readonly level: MetricsLevel;
  counter(instrument: Instrument, attributes: Attributes): Count;
  /** A counter that is kept elsewhere. @param read asked when somebody reads */
  observeCounter(instrument: Instrument, attributes: Attributes, read: () => number): EndReading;
  /** @param read asked when somebody reads; undefined: there is no value now. Of several for one series, the last that was given counts */
  observeGauge(instrument: Instrument, attributes: Attributes, read: () => number | undefined): EndReading;
  histogram(instrument: Instrument, attributes: Attributes, boundaries: readonly number[]): Histogram;
}

/** How values are distributed: of each bucket, how many there were. */
export class Histogram {
  /** Upper bounds, inclusive and rising; what is above the last has a bucket of its own. */
  readonly boundaries: readonly number[];
  readonly counts: number[];
  sum: number = 0;
  count: number = 0;
  min: number = Number.POSITIVE_INFINITY;
  max: number = Number.NEGATIVE_INFINITY;

  constructor(boundaries: readonly number[]) {
    this.boundaries = boundaries;
    this.counts = new Array(boundaries.length + 1).fill(0);
  }

  record(value: number): void {
    const { boundaries } = this;
    let low = 0;
    let high = boundaries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= boundaries[middle]!) high = middle;
      else low = middle + 1;
    }
    this.counts[low]!++;
    this.count++;
    this.sum += value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }
}
