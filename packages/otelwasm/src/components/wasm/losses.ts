import type { Logger } from "../../component/logger.ts";
import type { WasmPlugin } from "../../plugin/plugin.ts";

/** What a plugin counts of data that did not get where it was to go, and as what it stands in the log. */
const LOSSES = {
  /** Answered with a retryable error while the plugin was broken: the sender has it. */
  rejected: "rejected",
  dropped: "dropped",
  passedThrough: "passed_through",
  /** A receiver's, for good: not OTLP, not wanted by the pipeline, too large, or after the stop. */
  refused: "refused",
} as const;

/** At the end of a component, in one line, how many batches its plugin could not deal with; nothing if it could with all. */
export function reportLosses(logger: Logger, plugin: WasmPlugin | undefined): void {
  if (plugin === undefined) return;
  const { stats } = plugin;
  const counts = Object.entries(LOSSES).flatMap(([key, name]): [string, number][] => {
    const count = stats[key as keyof typeof LOSSES];
    return count === 0 ? [] : [[name, count]];
  });
  if (counts.length > 0) logger.warn("Batches that the plugin could not deal with", Object.fromEntries(counts));
}
