import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LimitedLogger } from "./log-limit.ts";
import { RestartPolicy } from "./restart.ts";
import { LineLogger } from "./testing/guests.ts";

const OPTIONS = { initialIntervalMs: 100, maxIntervalMs: 1000, maxRestarts: 7, windowMs: 60_000 };

describe("restart policy", () => {
  test("the first at once, then twice as long each time, up to the maximum; then no more", () => {
    const policy = new RestartPolicy(
      OPTIONS,
      () => 0,
      () => 1,
    );
    const delays = Array.from({ length: 8 }, () => policy.next());
    assert.deepEqual(delays, [0, 100, 200, 400, 800, 1000, 1000, undefined]);
  });

  test("the jitter takes up to half of it away", () => {
    const policy = new RestartPolicy(
      OPTIONS,
      () => 0,
      () => 0,
    );
    assert.deepEqual([policy.next(), policy.next(), policy.next()], [0, 50, 100]);
  });

  test("after a success the next one is at once again; attempts count until the window has passed", () => {
    let now = 0;
    const policy = new RestartPolicy(
      { ...OPTIONS, maxRestarts: 2 },
      () => now,
      () => 1,
    );
    assert.equal(policy.next(), 0);
    policy.worked();
    now = 30_000;
    assert.equal(policy.next(), 0);
    policy.worked();
    assert.equal(policy.next(), undefined);
    now = 60_000;
    assert.equal(policy.next(), 0, "the first one is out of the window");
    policy.worked();
    assert.equal(policy.next(), undefined);
  });
});

test("log limit: a burst, then so many a second; what was suppressed is said before the next line and at the end", () => {
  let now = 0;
  const inner = new LineLogger();
  const logger = new LimitedLogger(inner, () => now);
  for (let n = 0; n < 250; n++) logger.info(`line ${n}`);
  assert.equal(inner.lines.length, 200);
  now = 20;
  logger.child({ a: 1 }).warn("two more");
  logger.info("may come");
  logger.info("and this may not");
  assert.deepEqual(inner.lines.slice(200), [
    "warn: 50 lines of the plugin were suppressed: it may write 100 a second, 200 at once",
    "warn: two more",
    "info: may come",
  ]);
  assert.deepEqual(inner.attributes[201], { a: 1 });
  logger.flush();
  assert.match(inner.lines.at(-1)!, /^warn: 1 lines of the plugin were suppressed/);
});
