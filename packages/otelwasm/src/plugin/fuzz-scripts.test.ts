/**
 * Any order of host calls, in every phase, with any arguments, one batch after the other and all at once: results, errors, log lines and the guest's memory are
 * those of a model. A few seconds; longer by OTELWASM_FUZZ_SECONDS (for each property). A failure prints its seed, for OTELWASM_FUZZ_SEED.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { WasmError } from "../runtime/errors.ts";
import { SIGNALS } from "../telemetry/batch.ts";
import { PluginError } from "./errors.ts";
import { inspectModule } from "./inspect.ts";
import { runs } from "./testing/fuzz.ts";
import { guest } from "./testing/guests.ts";
import { inBothIsolations, type Loaded, load, part } from "./testing/load.ts";
import {
  bytesOf,
  FIRST_PAGES,
  MAX_PAGES,
  MAX_RESULT_BYTES,
  Model,
  Op,
  type Outcome,
  PAGE,
  type Script,
  STEP_BYTES,
  type Step,
  scriptedGuest,
} from "./testing/script.ts";

const CONFIG = { some: "configuration", ümlaut: "😀" };
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
const step: fc.Arbitrary<Step> = fc.oneof(
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
function script(returns: fc.Arbitrary<number>, maxLength: number): fc.Arbitrary<Script> {
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

const status = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constantFrom(1, 2, 3, -1) },
);
const scripts = fc.record({
  _initialize: phase(0, word),
  start: phase(0, status),
  alloc: phase(BATCH_AT, word),
  shutdown: phase(0, status),
});

const batch = fc.record({
  signal: fc.constantFrom(...SIGNALS),
  bytes: fc.oneof(
    { weight: 9, arbitrary: script(status, 10).map(bytesOf) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) },
  ),
});

const life = fc.record({
  scripts,
  role: fc.constantFrom("processor" as const, "exporter" as const),
  batches: fc.array(batch, { minLength: 1, maxLength: 6 }),
  /** All batches at once. */
  together: fc.boolean(),
});
type Life = typeof life extends fc.Arbitrary<infer T> ? T : never;

async function outcomeOf(
  work: Promise<readonly Uint8Array[] | undefined>,
): Promise<readonly Uint8Array[] | undefined | Error> {
  return work.catch((error: Error) => error);
}

function assertOutcome(actual: readonly Uint8Array[] | undefined | Error, expected: Outcome): void {
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
function assertLines(actual: readonly string[], expected: readonly string[]): void {
  let at = 0;
  for (const line of expected) {
    const found = actual.indexOf(line, at);
    assert.ok(found >= 0, `no line ${JSON.stringify(line)} after ${at} of ${JSON.stringify(actual)}`);
    at = found + 1;
  }
}

inBothIsolations((isolation) => {
  async function live({ scripts, role, batches, together }: Life): Promise<void> {
    const model = new Model(scripts, JSON.stringify(CONFIG), role);
    const made = model.instantiate();
    const loading: Promise<Loaded> = load(scriptedGuest(scripts), {
      role,
      signals: [...SIGNALS],
      pluginConfig: CONFIG,
      limits: { memoryBytes: MAX_PAGES * PAGE, maxResultBytes: MAX_RESULT_BYTES },
      restart: { initialIntervalMs: 0, maxRestarts: 1_000_000 },
    });
    if ("error" in made) {
      await assert.rejects(loading, (error: Error) => {
        // What cannot be loaded is said for good.
        assertOutcome(error, { ...made, permanent: (error as PluginError).permanent });
        return true;
      });
      return;
    }
    await using loaded = await loading;
    const { plugin, lines } = loaded;
    const began = model.start();
    const starting = plugin.start();
    if ("error" in began) {
      await assert.rejects(starting, (error: Error) => {
        assertOutcome(error, began);
        return true;
      });
      return;
    }
    await starting;

    const expected: Outcome[] = [];
    let broken = false;
    for (const { signal, bytes } of batches) {
      if (broken) {
        // Another one in its place: what went well once goes well again.
        model.instantiate();
        model.start();
      }
      const outcome = model.consume(signal, bytes);
      expected.push(outcome);
      broken = "error" in outcome && outcome.broken;
    }
    const push = ({ signal, bytes }: Life["batches"][number]) =>
      outcomeOf(plugin.consume({ signal, bytes: part(bytes) }));
    if (together) {
      const outcomes = await Promise.all(batches.map(push));
      for (const [index, outcome] of outcomes.entries()) assertOutcome(outcome, expected[index]!);
    } else {
      for (const [index, each] of batches.entries()) assertOutcome(await push(each), expected[index]!);
    }
    const traps = expected.filter((outcome) => "error" in outcome && outcome.broken).length;
    assert.equal(plugin.stats.traps, traps);
    assert.ok(plugin.stats.restarts <= traps);
    const outcome = await plugin.shutdown().then(
      () => undefined,
      (error: Error) => error,
    );
    // Where the last batch broke the instance, the next one may or may not have been started by now.
    if (broken) {
      model.instantiate();
      model.start();
      const ended = model.shutdown();
      if (outcome !== undefined) assertOutcome(outcome, ended);
      return;
    }
    assertOutcome(outcome, model.shutdown());
    assertLines(lines, model.lines);
  }

  test("whatever a guest calls, whenever, with whatever arguments: the host does what the model does", async () => {
    await fc.assert(fc.asyncProperty(life, live), runs(isolation === "worker" ? 30 : 800));
  });
});

test("whatever bytes are given as a module: they are inspected or refused, and nothing else happens", () => {
  const good = guest();
  const change = fc.record({ at: fc.nat({ max: good.length - 1 }), to: fc.integer({ min: 0, max: 255 }) });
  const binary = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.nat({ max: good.length }).map((size) => good.slice(0, size)),
    fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
      const bytes = good.slice();
      for (const { at, to } of changes) bytes[at] = to;
      return bytes;
    }),
  );
  fc.assert(
    fc.property(binary, (bytes) => {
      try {
        inspectModule(bytes);
      } catch (error) {
        assert.ok(error instanceof WasmError, String(error));
      }
    }),
    runs(2000),
  );
});
