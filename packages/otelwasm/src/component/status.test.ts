import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConsumerError, StatusCode } from "./errors.ts";
import { codeOfHttpStatus, httpStatusOf, isRetryableCode, isRetryableHttpStatus, toRpcStatus } from "./status.ts";

describe("what a sender is told", () => {
  test("a permanent error, a retryable one, one with a delay, one that nobody knows", () => {
    assert.deepEqual(toRpcStatus(ConsumerError.permanent("bad")), { code: StatusCode.INTERNAL, message: "bad" });
    assert.deepEqual(toRpcStatus(ConsumerError.retryable("busy")), { code: StatusCode.UNAVAILABLE, message: "busy" });
    assert.deepEqual(
      toRpcStatus(ConsumerError.retryable("full", { code: StatusCode.RESOURCE_EXHAUSTED, retryAfterMs: 9 })),
      {
        code: StatusCode.RESOURCE_EXHAUSTED,
        message: "full",
        retryAfterMs: 9,
      },
    );
    assert.deepEqual(toRpcStatus(new Error("oops")), { code: StatusCode.UNAVAILABLE, message: "oops" });
  });

  test("every gRPC code has its HTTP status", () => {
    const statuses = Object.fromEntries(Object.entries(StatusCode).map(([name, code]) => [name, httpStatusOf(code)]));
    assert.deepEqual(statuses, {
      OK: 200,
      CANCELLED: 503,
      UNKNOWN: 500,
      INVALID_ARGUMENT: 400,
      DEADLINE_EXCEEDED: 503,
      NOT_FOUND: 500,
      ALREADY_EXISTS: 500,
      PERMISSION_DENIED: 403,
      RESOURCE_EXHAUSTED: 429,
      FAILED_PRECONDITION: 500,
      ABORTED: 503,
      OUT_OF_RANGE: 503,
      UNIMPLEMENTED: 404,
      INTERNAL: 500,
      UNAVAILABLE: 503,
      DATA_LOSS: 503,
      UNAUTHENTICATED: 401,
    });
  });

  test("a retryable code never becomes an HTTP status that says not to try again, nor the other way round", () => {
    for (const code of Object.values(StatusCode)) {
      if (code === StatusCode.OK) continue;
      assert.equal(isRetryableHttpStatus(httpStatusOf(code)), isRetryableCode(code, true), `code ${code}`);
    }
  });
});

describe("what a destination answered", () => {
  test("HTTP statuses have their gRPC codes", () => {
    const codes = [400, 401, 403, 404, 429, 502, 503, 504, 418, 500].map(codeOfHttpStatus);
    assert.deepEqual(codes, [3, 16, 7, 12, 8, 14, 14, 14, 2, 2]);
  });

  test("429, 502, 503 and 504 are tried again, nothing else", () => {
    const retried = Array.from({ length: 500 }, (_, i) => i + 100).filter(isRetryableHttpStatus);
    assert.deepEqual(retried, [429, 502, 503, 504]);
  });

  test("RESOURCE_EXHAUSTED is tried again only when the server said when", () => {
    assert.equal(isRetryableCode(StatusCode.RESOURCE_EXHAUSTED, false), false);
    assert.equal(isRetryableCode(StatusCode.RESOURCE_EXHAUSTED, true), true);
    const retried = Object.values(StatusCode).filter((code) => isRetryableCode(code, false));
    assert.deepEqual(retried, [1, 4, 10, 11, 14, 15]);
  });
});
