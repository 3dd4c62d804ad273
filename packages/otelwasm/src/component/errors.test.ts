import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError, ConsumerError, StatusCode } from "./errors.ts";

describe("ConsumerError", () => {
  test("has a code that fits, unless it is told another", () => {
    assert.equal(ConsumerError.permanent("x").code, StatusCode.INTERNAL);
    assert.equal(ConsumerError.retryable("x").code, StatusCode.UNAVAILABLE);
    const error = ConsumerError.permanent("x", { code: StatusCode.INVALID_ARGUMENT, retryAfterMs: 5, cause: 1 });
    assert.deepEqual([error.code, error.retryAfterMs, error.cause, error.permanent], [3, 5, 1, true]);
    assert.equal("cause" in ConsumerError.permanent("x"), false);
  });

  test("from: what nobody classified is retryable, and kept as the cause", () => {
    const own = ConsumerError.permanent("x");
    assert.equal(ConsumerError.from(own), own);
    const failure = new TypeError("oops");
    const from = ConsumerError.from(failure);
    assert.deepEqual([from.message, from.permanent, from.cause], ["oops", false, failure]);
    assert.equal(ConsumerError.from("text").message, "text");
    assert.equal(ConsumerError.from(undefined).message, "undefined");
  });

  test("join: one stays itself", () => {
    const own = ConsumerError.retryable("x");
    assert.equal(ConsumerError.join([own]), own);
  });

  test("join: permanent if any is, with that one's code; the longest delay", () => {
    const joined = ConsumerError.join([
      ConsumerError.retryable("busy", { retryAfterMs: 10 }),
      ConsumerError.permanent("bad", { code: StatusCode.INVALID_ARGUMENT }),
      ConsumerError.retryable("full", { retryAfterMs: 30 }),
    ]);
    assert.equal(joined.message, "busy; bad; full");
    assert.deepEqual([joined.permanent, joined.code, joined.retryAfterMs], [true, StatusCode.INVALID_ARGUMENT, 30]);
    assert.equal((joined.cause as AggregateError).errors.length, 3);
  });

  test("join: retryable errors have the first one's code, and no delay if none has", () => {
    const joined = ConsumerError.join([
      ConsumerError.retryable("a", { code: StatusCode.RESOURCE_EXHAUSTED }),
      ConsumerError.retryable("b"),
    ]);
    assert.deepEqual(
      [joined.permanent, joined.code, joined.retryAfterMs],
      [false, StatusCode.RESOURCE_EXHAUSTED, undefined],
    );
  });
});

test("ConfigError lists its issues", () => {
  assert.equal(new ConfigError(["a: b"]).message, "a: b");
  assert.equal(new ConfigError(["a: b", "c: d"]).message, "2 errors:\n  - a: b\n  - c: d");
  assert.deepEqual(new ConfigError(["a", "b"]).issues, ["a", "b"]);
});
