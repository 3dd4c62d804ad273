import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatDuration, parseDuration } from "./duration.ts";

const cases: readonly (readonly [string, number | undefined])[] = [
  ["0", 0],
  ["0s", 0],
  ["200ms", 200],
  ["5s", 5_000],
  ["1m30s", 90_000],
  ["1h", 3_600_000],
  ["1.5h", 5_400_000],
  [".5s", 500],
  ["1.s", 1_000],
  ["100us", 0.1],
  ["100\u00b5s", 0.1],
  ["100\u03bcs", 0.1],
  ["10ns", 0.00001],
  ["-1.5h", -5_400_000],
  ["+5s", 5_000],
  ["", undefined],
  ["-", undefined],
  ["5", undefined],
  ["5 s", undefined],
  ["s", undefined],
  ["1d", undefined],
  ["5sx", undefined],
  ["x5s", undefined],
  ["1m 30s", undefined],
  [".s", undefined],
  ["--5s", undefined],
];

for (const [text, expected] of cases) {
  test(`parseDuration(${JSON.stringify(text)}) is ${expected}`, () => {
    assert.equal(parseDuration(text), expected);
  });
}

test("formatDuration writes what Go writes", () => {
  assert.deepEqual([0, 90_000, 3_600_000, 3_661_500, 1_500, 200, 0.5, 0.00001, -5_000].map(formatDuration), [
    "0s",
    "1m30s",
    "1h0m0s",
    "1h1m1.5s",
    "1.5s",
    "200ms",
    "500\u00b5s",
    "10ns",
    "-5s",
  ]);
});

test("what formatDuration writes, parseDuration reads", () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e9, max: 1e9 }), (ms) => {
      const back = parseDuration(formatDuration(ms))!;
      assert.ok(Math.abs(back - ms) < 1e-3, `${ms} -> ${formatDuration(ms)} -> ${back}`);
    }),
    { numRuns: 300 },
  );
});
