/**
 * Any order of host calls in a receiver's loop, with any arguments: deliveries, refusals, errors and log lines are those of the model that `fuzz-scripts.test.ts`
 * has. Longer by OTELWASM_FUZZ_SECONDS, again by OTELWASM_FUZZ_SEED.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SIGNALS, type Signal } from "../telemetry/batch.ts";
import { PluginError } from "./errors.ts";
import { runs } from "./testing/fuzz.ts";
import { assertLines, assertOutcome, CONFIG, OPTIONS, scripts, step } from "./testing/lives.ts";
import { load } from "./testing/load.ts";
import { Model, Op, PAGE, type Script, scriptedGuest } from "./testing/script.ts";

/** Results that are in their place, or too large, between anything else. */
function receiving(signal: Signal): fc.Arbitrary<Script> {
  const set = Op[`set_result_${signal}`];
  const steps = fc.oneof(
    { weight: 8, arbitrary: fc.tuple(fc.constant(set), fc.nat({ max: 50_000 }), fc.nat({ max: 50_000 })) },
    { weight: 2, arbitrary: fc.tuple(fc.constant(Op.grow), fc.nat({ max: 1 }), fc.constant(0)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant(set), fc.constantFrom(0, 9), fc.nat({ max: 4 * PAGE })) },
    { weight: 1, arbitrary: step },
  );
  return fc.array(steps, { maxLength: 10 }).map((all): Script => [...all, [Op.end, 0, 0]]);
}

const life = fc
  .constantFrom(...SIGNALS)
  .chain((signal) =>
    fc.tuple(scripts, receiving(signal)).map(([others, receive]) => ({ signal, scripts: { ...others, receive } })),
  );
type Life = typeof life extends fc.Arbitrary<infer T> ? T : never;

async function errorOf(work: Promise<unknown>): Promise<Error | undefined> {
  return work.then(
    () => undefined,
    (error: Error) => error,
  );
}

async function live({ scripts, signal }: Life): Promise<void> {
  const model = new Model(scripts, JSON.stringify(CONFIG), "processor");
  const made = model.instantiate();
  const loading = load(scriptedGuest(scripts), {
    ...OPTIONS,
    role: "receiver",
    signals: [signal],
    restart: { maxRestarts: 0 },
  });
  if ("error" in made) {
    const error = await errorOf(loading);
    // What cannot be loaded is said for good.
    assertOutcome(error, { ...made, permanent: (error as PluginError).permanent });
    return;
  }
  await using loaded = await loading;
  const { plugin, lines } = loaded;
  const began = model.start();
  const starting = errorOf(plugin.start());
  if ("error" in began) {
    assertOutcome(await starting, began);
    return;
  }
  assert.equal(await starting, undefined);

  const { outcome, delivered, refused } = model.receive(signal);
  const expected = "error" in outcome ? delivered : [...delivered, new Uint8Array(0)];
  const arrived: Uint8Array[] = [];
  const { promise: all, resolve } = Promise.withResolvers<void>();
  const done = errorOf(
    plugin.receive(signal, async (bytes) => {
      arrived.push(bytes);
      if (arrived.length === expected.length) resolve();
    }),
  );
  if ("error" in outcome) {
    const error = await done;
    assert.ok(error instanceof PluginError, String(error));
    for (const text of [...outcome.error, "the plugin has failed for good"])
      assert.ok(error.message.includes(text), `expected: ${text}\nwas: ${error.message}`);
  } else {
    assert.equal(await Promise.race([all, done]), undefined);
  }
  const ended = model.shutdown();
  const error = await errorOf(plugin.shutdown());
  // Of an instance that trapped nothing more is asked.
  if (!("error" in outcome)) {
    assertOutcome(error, ended);
    assert.equal(await done, undefined);
  } else assert.equal(error, undefined);
  assert.deepEqual(arrived, expected);
  assert.equal(plugin.stats.refused, refused);
  if (!("error" in outcome)) assertLines(lines, model.lines);
}

test("fuzz: whatever a receiver calls, with whatever arguments: the host delivers, refuses and ends as the model says", async () => {
  await fc.assert(fc.asyncProperty(life, live), runs(60));
});
