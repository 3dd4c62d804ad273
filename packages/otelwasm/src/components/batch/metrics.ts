import type { ComponentSettings } from "../../component/factory.ts";
import type { Count, EndReading, Histogram } from "../../component/measuring.ts";

/** Upper bounds of the Collector's histograms. */
const SIZES = [
  10, 25, 50, 75, 100, 250, 500, 750, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000, 20_000, 30_000,
  50_000, 100_000,
];
const SIZES_IN_BYTES = [
  10, 25, 50, 75, 100, 250, 500, 750, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000, 20_000, 30_000,
  50_000, 100_000, 200_000, 300_000, 400_000, 500_000, 600_000, 700_000, 800_000, 900_000, 1_000_000, 2_000_000,
  3_000_000, 4_000_000, 5_000_000, 6_000_000, 7_000_000, 8_000_000, 9_000_000,
];

const PREFIX = "otelcol_processor_batch";

/** Own metrics of one instance, under the Collector's names. */
export interface BatchMetrics {
  readonly sizeTriggers: Count;
  readonly timeoutTriggers: Count;
  readonly sizes: Histogram;
  /** Only on level `detailed`. */
  readonly sizesInBytes: Histogram | undefined;
  end: EndReading;
}

/** @returns undefined: nothing is measured, as in the Collector below level normal */
export function measureBatches({ measuring, id }: ComponentSettings): BatchMetrics | undefined {
  if (measuring === undefined || measuring.level === "basic") return undefined;
  const attributes = { processor: id };
  const counter = (name: string, description: string): Count =>
    measuring.counter({ name: `${PREFIX}_${name}`, unit: "{times}", description }, attributes);
  const cardinality = {
    name: `${PREFIX}_metadata_cardinality`,
    unit: "{combinations}",
    description: "Number of distinct metadata value combinations being processed",
  };
  return {
    sizeTriggers: counter("batch_size_trigger_send", "Number of times the batch was sent due to a size trigger"),
    timeoutTriggers: counter("timeout_trigger_send", "Number of times the batch was sent due to a timeout trigger"),
    sizes: measuring.histogram(
      { name: `${PREFIX}_batch_send_size`, unit: "{units}", description: "Number of units in the batch" },
      attributes,
      SIZES,
    ),
    sizesInBytes:
      measuring.level === "detailed"
        ? measuring.histogram(
            {
              name: `${PREFIX}_batch_send_size_bytes`,
              unit: "By",
              description: "Number of bytes in batch that was sent. Only available on detailed level.",
            },
            attributes,
            SIZES_IN_BYTES,
          )
        : undefined,
    end: measuring.observeGauge(cardinality, attributes, () => 1),
  };
}
