/** What is acknowledged when it is delivered. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { overloadLine, playOverload, slowness } from "./overload.ts";
import { OVERLOADS, SCENARIOS } from "./scenarios.ts";
import { testScenario } from "./testing.ts";

for (const scenario of SCENARIOS) if (scenario.queue !== "disk") testScenario(scenario);

// Where the clients share what is the limit, there is nothing to be judged.
for (const overload of OVERLOADS.filter(({ holdMs }) => holdMs > 0)) {
  test(`${overload.name}: ${overload.what}`, async (t) => {
    const result = await playOverload(overload, { seconds: 4, seed: 1 });
    t.diagnostic(overloadLine(result));
    assert.deepEqual(result.problems, []);
    assert.ok(result.ledger.outcomes.size > 0, "nothing was refused: that was no overload");
    // A matter of time, which is no test's to judge: `npm run chaos` does.
    for (const problem of slowness(result)) t.diagnostic(problem);
  });
}
