/** Each scenario for a moment; in full by `npm run chaos`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { whyNoDisk } from "./disk.ts";
import { overloadLine, playOverload, slowness } from "./overload.ts";
import { play } from "./play.ts";
import { details } from "./report.ts";
import { OVERLOADS, SCENARIOS } from "./scenarios.ts";

for (const scenario of SCENARIOS) {
  const skip = scenario.disk?.size === undefined ? false : (whyNoDisk() ?? false);
  test(`${scenario.name}: ${scenario.what}`, { skip }, async (t) => {
    const played = await play(scenario, { requests: 600, seed: 1, times: 3 });
    t.diagnostic(details(played));
    assert.deepEqual(played.problems, []);
    assert.ok(played.happened.size > 0, "nothing went wrong: that proves nothing");
  });
}

for (const overload of OVERLOADS) {
  test(`${overload.name}: ${overload.what}`, async (t) => {
    const result = await playOverload(overload, { seconds: 6, seed: 1 });
    t.diagnostic(overloadLine(result));
    assert.deepEqual(result.problems, []);
    assert.ok(result.ledger.outcomes.size > 0, "nothing was refused: that was no overload");
    // A matter of time, which is no test's to judge: `npm run chaos` does.
    for (const problem of slowness(result)) t.diagnostic(problem);
  });
}
