/**
 * Any order of host calls, in every phase, with any arguments, one batch after the other and all at once: results, errors, log lines and the guest's memory are
 * those of a model. A few seconds; longer by OTELWASM_FUZZ_SECONDS (for each property). A failure prints its seed, for OTELWASM_FUZZ_SEED.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Isolation } from "../runtime/contract.ts";
import { WasmError } from "../runtime/errors.ts";
import { SIGNALS } from "../telemetry/batch.ts";
import type { PluginError } from "./errors.ts";
import { inspectModule } from "./inspect.ts";
import { runs } from "./testing/fuzz.ts";
import { guest } from "./testing/guests.ts";
import { assertLines, assertOutcome, CONFIG, OPTIONS, script, scripts, status } from "./testing/lives.ts";
import { inEachIsolation, type Loaded, load, part } from "./testing/load.ts";
import { bytesOf, Model, type Outcome, scriptedGuest } from "./testing/script.ts";

const batch = fc.record({
  signal: fc.constantFrom(...SIGNALS),
  bytes: fc.oneof(
    { weight: 9, arbitrary: script(status, 10).map(bytesOf) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) },
  ),
});

/** As many as take a few seconds. */
const RUNS: Readonly<Record<Isolation, number>> = { inline: 800, worker: 30, process: 10 };

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

inEachIsolation((isolation) => {
  async function live({ scripts, role, batches, together }: Life): Promise<void> {
    const model = new Model(scripts, JSON.stringify(CONFIG), role);
    const made = model.instantiate();
    const loading: Promise<Loaded> = load(scriptedGuest(scripts), {
      ...OPTIONS,
      role,
      signals: [...SIGNALS],
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

  test("fuzz: whatever a guest calls, whenever, with whatever arguments: the host does what the model does", async () => {
    await fc.assert(fc.asyncProperty(life, live), runs(RUNS[isolation]));
  });
});

test("fuzz: whatever bytes are given as a module: they are inspected or refused, and nothing else happens", () => {
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
