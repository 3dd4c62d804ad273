import assert from "node:assert/strict";
import { test } from "node:test";
import { malformed } from "./malformed.ts";

const REQUESTS = 10_000;

test(`${REQUESTS} malformed requests: a right status each, well-formed ones between them succeed, nothing is left of them`, async () => {
  const { problems, outcomes, healthy } = await malformed(REQUESTS, 1);
  assert.deepEqual(problems, []);
  assert.ok(healthy > 0);
  let answered = 0;
  for (const counts of outcomes.values()) for (const count of counts.values()) answered += count;
  assert.equal(answered, REQUESTS);
});
