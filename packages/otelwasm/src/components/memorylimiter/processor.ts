import type { Consumer, Processor } from "../../component/component.ts";
import { ConsumerError } from "../../component/errors.ts";
import type { ComponentSettings } from "../../component/factory.ts";
import { itemsOf } from "../../telemetry/count.ts";
import type { MemoryLimiterConfig } from "./config.ts";
import { MemoryLimiter } from "./limiter.ts";
import { processMemory } from "./memory.ts";
import { measureLimiter } from "./metrics.ts";

/** Hands everything on, until there is too little memory: then it says so to the sender, who keeps the data and may try again when the memory has been looked at once more. */
export function createProcessor(settings: ComponentSettings, config: MemoryLimiterConfig, next: Consumer): Processor {
  const limiter = limiterOf(settings, config);
  const metrics = measureLimiter(settings);
  const refusal = { retryAfterMs: config.check_interval };
  let started = false;
  return {
    capabilities: { mutatesData: false },
    async start() {
      started = true;
      limiter.start();
    },
    consume(batch) {
      const refuses = limiter.refuses(batch.bytes.length);
      if (metrics !== undefined) metrics[refuses ? "refused" : "accepted"].value += itemsOf(batch);
      return refuses
        ? Promise.reject(ConsumerError.retryable("data refused due to high memory usage", refusal))
        : next.consume(batch);
    },
    async shutdown() {
      if (started) limiter.stop();
      started = false;
    },
  };
}

function limiterOf({ id, shared, logger }: ComponentSettings, config: MemoryLimiterConfig): MemoryLimiter {
  const key = `memory_limiter ${id}`;
  const known = shared.get(key);
  if (known instanceof MemoryLimiter) return known;
  const limiter = new MemoryLimiter(config, processMemory, logger);
  shared.set(key, limiter);
  return limiter;
}
