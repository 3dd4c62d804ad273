import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Backoff } from "./backoff.ts";
import { deliveryKeys, type RetryConfig } from "./config.ts";

const defaults = deliveryKeys.retry_on_failure.parse(undefined);
const first = (config: RetryConfig, count: number, random: () => number): number[] => {
  const backoff = new Backoff(config, random);
  return Array.from({ length: count }, () => backoff.next());
};

test("the defaults: 5 s, half as much again each time, at most 30 s", () => {
  assert.deepEqual(
    first(defaults, 7, () => 0.5),
    [5_000, 7_500, 11_250, 16_875, 25_312.5, 30_000, 30_000],
  );
  assert.deepEqual(
    first(defaults, 2, () => 0),
    [2_500, 3_750],
  );
  assert.deepEqual(
    first(defaults, 2, () => 1),
    [7_500, 11_250],
  );
});

test("never less than nothing, never more than the spread around the largest interval", () => {
  fc.assert(
    fc.property(
      fc.record({
        initial_interval: fc.integer({ min: 0, max: 100_000 }),
        max_interval: fc.integer({ min: 0, max: 100_000 }),
        multiplier: fc.double({ min: 0, max: 10, noNaN: true }),
        randomization_factor: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (config, random) => {
        const largest = Math.max(config.initial_interval, config.max_interval) * (1 + config.randomization_factor);
        for (const delay of first({ ...defaults, ...config }, 20, () => random))
          assert.ok(delay >= 0 && delay <= largest * 1.000001, String(delay));
      },
    ),
  );
});
