/** Lives of scripted guests, to be generated: what their scripts do, and how what became of them is compared with the model. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { PluginError } from "../errors.ts";
import type { PluginLimits } from "../options.ts";
import {
  FIRST_PAGES,
  MAX_PAGES,
  MAX_RESULT_BYTES,
  Op,
  type Outcome,
  PAGE,
  type Phase,
  type Script,
  STEP_BYTES,
  type Step,
} from "./script.ts";

export const CONFIG: Readonly<Record<string, string>> = { some: "configuration", ümlaut: "😀" };
const CONFIG_BYTES = Buffer.byteLength(JSON.stringify(CONFIG));
const END = FIRST_PAGES * PAGE;

/** Where the batch is when `alloc` does what it should. */
const BATCH_AT = 1024;

/** What lies at the edges; also where just so much room is left as a batch or the configuration takes. */
const EDGES = [
  ...[0, 1, 3, BATCH_AT, END - 1, END, END + 1, MAX_PAGES * PAGE, 0x7fffffff, -0x80000000, -1, -16],
  ...[CONFIG_BYTES - 1, CONFIG_BYTES, CONFIG_BYTES + 1, END - CONFIG_BYTES, END - CONFIG_BYTES + 1],
  ...[1, 2, 3, 4].flatMap((steps) => [END - STEP_BYTES * steps, END - STEP_BYTES * steps + 1]),
];

/** A pointer or a size: small ones, the edges, and anything. */
const word = fc.oneof(
  { weight: 3, arbitrary: fc.nat({ max: 256 }) },
  { weight: 2, arbitrary: fc.nat({ max: END }) },
  { weight: 4, arbitrary: fc.constantFrom(...EDGES) },
  { weight: 1, arbitrary: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }) },
);

const hostCall = fc.constantFrom(
  ...Object.values(Op).filter((op) => op !== Op.end && op !== Op.trap && op !== Op.grow),
);
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.tuple(
      fc.tuple(hostCall, fc.nat({ max: 7 })).map(([op, more]) => op | (more << 8)),
      word,
      word,
    ),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constant(Op.grow), fc.oneof(fc.nat({ max: 3 }), word), fc.constant(0)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant(Op.trap), fc.constant(0), fc.constant(0)) },
  // Whatever is there: also what no guest would do.
  { weight: 1, arbitrary: fc.tuple(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), word, word) },
);

/** @param returns what it ends with */
export function script(returns: fc.Arbitrary<number>, maxLength: number): fc.Arbitrary<Script> {
  return fc
    .tuple(fc.array(step, { maxLength }), returns)
    .map(([steps, value]): Script => [...steps, [Op.end, value, 0]]);
}

/** Mostly quiet, or hardly a plugin would come as far as its first batch. */
function phase(returns: number, others: fc.Arbitrary<number>): fc.Arbitrary<Script> {
  return fc.oneof(
    { weight: 8, arbitrary: fc.constant<Script>([[Op.end, returns, 0]]) },
    { weight: 2, arbitrary: script(fc.constant(returns), 3) },
    { weight: 1, arbitrary: script(others, 3) },
  );
}

export const status: fc.Arbitrary<number> = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constantFrom(1, 2, 3, -1) },
);
export const scripts: fc.Arbitrary<Record<Phase, Script>> = fc.record({
  _initialize: phase(0, word),
  start: phase(0, status),
  alloc: phase(BATCH_AT, word),
  shutdown: phase(0, status),
  receive: script(word, 3),
});

export function assertOutcome(actual: readonly Uint8Array[] | undefined | Error, expected: Outcome): void {
  if ("results" in expected) {
    assert.deepEqual(actual, expected.results);
    return;
  }
  assert.ok(actual instanceof PluginError, `expected: ${expected.error.join()}; was ${String(actual)}`);
  for (const text of expected.error)
    assert.ok(
      actual.message.includes(text),
      `expected: ${text}
was: ${actual.message}`,
    );
  assert.equal(actual.permanent, expected.permanent);
}

/** The guest's own lines are there, in their order, between those of the host. */
export function assertLines(actual: readonly string[], expected: readonly string[]): void {
  let at = 0;
  for (const line of expected) {
    const found = actual.indexOf(line, at);
    assert.ok(found >= 0, `no line ${JSON.stringify(line)} after ${at} of ${JSON.stringify(actual)}`);
    at = found + 1;
  }
}

/** What every scripted guest is loaded with. */
export const OPTIONS: { readonly pluginConfig: unknown; readonly limits: Partial<PluginLimits> } = {
  pluginConfig: CONFIG,
  limits: { memoryBytes: MAX_PAGES * PAGE, maxResultBytes: MAX_RESULT_BYTES },
};
