import * as z from "zod";
import { duration } from "../../config/values.ts";

export interface MemoryLimiterConfig {
  /** In milliseconds. */
  readonly check_interval: number;
  readonly limit_mib: number;
  readonly spike_limit_mib: number;
  readonly limit_percentage: number;
  readonly spike_limit_percentage: number;
  /** In milliseconds. */
  readonly min_gc_interval_when_soft_limited: number;
  /** In milliseconds. */
  readonly min_gc_interval_when_hard_limited: number;
}

/** What the Collector takes for `min_gc_interval_when_soft_limited` when it is not given. */
const SOFT_INTERVAL = 10_000;

const count = z
  .int()
  .min(0)
  .max(2 ** 32 - 1)
  .default(0);

/**
 * `processors::memory_limiter` as the Collector has it, with one other default: collections of garbage are as often as needed when `min_gc_interval_when_soft_limited` is not given. They are
 * quick here, since payloads are not on the heap that is searched; without them it would be garbage that is measured.
 */
export const schema: z.ZodType<MemoryLimiterConfig> = z
  .strictObject({
    check_interval: duration().default(0),
    limit_mib: count,
    spike_limit_mib: count,
    limit_percentage: count,
    spike_limit_percentage: count,
    min_gc_interval_when_soft_limited: duration().optional(),
    min_gc_interval_when_hard_limited: duration().default(0),
  })
  .superRefine((config, context) => {
    const message = mistakeIn(config);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  })
  .transform((config) => ({
    ...config,
    min_gc_interval_when_soft_limited:
      config.min_gc_interval_when_soft_limited ?? config.min_gc_interval_when_hard_limited,
  }));

type Given = Omit<MemoryLimiterConfig, "min_gc_interval_when_soft_limited"> & {
  readonly min_gc_interval_when_soft_limited?: number | undefined;
};

/** The first one, in the Collector's words. */
function mistakeIn(config: Given): string | undefined {
  const { limit_mib, spike_limit_mib, limit_percentage, spike_limit_percentage } = config;
  if (config.check_interval === 0) return "'check_interval' must be greater than zero";
  if ((config.min_gc_interval_when_soft_limited ?? SOFT_INTERVAL) < config.min_gc_interval_when_hard_limited)
    return "'min_gc_interval_when_soft_limited' should be larger than 'min_gc_interval_when_hard_limited'";
  if (limit_mib === 0 && limit_percentage === 0) return "'limit_mib' or 'limit_percentage' must be greater than zero";
  if (limit_percentage > 100 || spike_limit_percentage > 100)
    return "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and less than or equal to hundred";
  if (limit_mib > 0 && limit_mib <= spike_limit_mib) return "'spike_limit_mib' must be smaller than 'limit_mib'";
  if (limit_percentage > 0 && limit_percentage <= spike_limit_percentage)
    return "'spike_limit_percentage' must be smaller than 'limit_percentage'";
  return undefined;
}
