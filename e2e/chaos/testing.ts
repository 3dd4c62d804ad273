/** A scenario as a test: for some hundred requests; in full by `npm run chaos`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { whyNoDisk } from "./disk.ts";
import { play } from "./play.ts";
import { details } from "./report.ts";
import type { Scenario } from "./scenario.ts";

const REQUESTS = 400;
const TIMES = 3;

export function testScenario(scenario: Scenario): void {
  const skip = scenario.disk?.size === undefined ? false : (whyNoDisk() ?? false);
  test(`${scenario.name}: ${scenario.what}`, { skip }, async (t) => {
    const played = await play(scenario, { requests: REQUESTS, seed: 1, times: TIMES });
    t.diagnostic(details(played));
    assert.deepEqual(played.problems, []);
    assert.ok(played.happened.size > 0, "nothing went wrong: that proves nothing");
  });
}
