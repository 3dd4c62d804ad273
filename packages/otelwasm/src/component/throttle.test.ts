import assert from "node:assert/strict";
import { test } from "node:test";
import { Throttle } from "./throttle.ts";

test("the first of a kind at once, then one in each period with the number of those before it", () => {
  let now = 0;
  const throttle = new Throttle(1000, () => now);
  assert.equal(throttle.count("a"), 1);
  assert.equal(throttle.count("a"), 0);
  assert.equal(throttle.count("b"), 1, "another kind is not kept back");
  now = 999;
  assert.equal(throttle.count("a"), 0);
  now = 1000;
  assert.equal(throttle.count("a"), 3);
  assert.equal(throttle.count("a"), 0);
  now = 5000;
  assert.equal(throttle.count("a"), 2);
  assert.equal(throttle.count("b"), 1);
});
