import type { ComponentSettings } from "../../component/factory.ts";
import { ITEM_WORDS } from "../../component/items.ts";
import type { Count } from "../../component/measuring.ts";

/** Own metrics of one instance, under the Collector's names. */
export interface LimiterMetrics {
  readonly accepted: Count;
  readonly refused: Count;
}

/** @returns undefined: nothing is measured */
export function measureLimiter({ measuring, id, signal }: ComponentSettings): LimiterMetrics | undefined {
  if (measuring === undefined) return undefined;
  const { name, unit, words } = ITEM_WORDS[signal];
  const counter = (what: string, description: string): Count =>
    measuring.counter({ name: `otelcol_processor_${what}_${name}`, unit, description }, { processor: id });
  return {
    accepted: counter("accepted", `Number of ${words} successfully pushed into the next component in the pipeline.`),
    refused: counter("refused", `Number of ${words} that were rejected by the next component in the pipeline.`),
  };
}
