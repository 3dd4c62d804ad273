/** Each scenario for a moment; in full by `npm run chaos`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { play } from "./play.ts";
import { details } from "./report.ts";
import { SCENARIOS } from "./scenarios.ts";

for (const scenario of SCENARIOS) {
  test(`${scenario.name}: ${scenario.what}`, async (t) => {
    const played = await play(scenario, { requests: 300, seed: 1, times: 3 });
    t.diagnostic(details(played));
    assert.deepEqual(played.problems, []);
    assert.ok(played.happened.size > 0, "nothing went wrong: that proves nothing");
  });
}
