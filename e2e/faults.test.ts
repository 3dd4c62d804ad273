import assert from "node:assert/strict";
import { test } from "node:test";
import { type FaultResult, faults, problemsOf } from "./faults.ts";
import { fateOf, Ledger } from "./ledger.ts";
import { decode, encode, requestType } from "./proto.ts";
import { Requests } from "./requests.ts";

// A minute and figures by `e2e/faults.ts`. Which of the requests the plugin breaks on is decided by their bytes: always the same ones at the first attempt.
const REQUESTS = 6000;

test(`${REQUESTS} requests through a plugin that traps and hangs: every acknowledged batch is at the sink, no refused one is`, async () => {
  const result = await faults({ requests: REQUESTS, callTimeoutMs: 500 });
  assert.deepEqual(result.problems, []);
  const { ledger, restarts } = result;
  assert.equal(ledger.acknowledged, REQUESTS);
  assert.equal(ledger.received, REQUESTS);
  assert.equal(ledger.attempts, REQUESTS + ledger.refused);
  assert.ok(restarts.afterTraps > 0 && ledger.refusedBecause.trapped === restarts.afterTraps, JSON.stringify(result));
  assert.ok(restarts.afterDeadlines > 0 && ledger.refusedBecause.deadline === restarts.afterDeadlines);
});

test("the same with two instances", async () => {
  const result = await faults({ requests: 2000, instances: 2, callTimeoutMs: 500 });
  assert.deepEqual(result.problems, []);
  assert.equal(result.ledger.received, 2000);
});

test("the ledger notices what is lost, doubled, delivered although refused, acknowledged although broken, and torn", () => {
  const requests = new Requests();
  const message = (request: number, attempt: number) =>
    decode(requestType.traces, requests.attempt(request, attempt).bytes);
  const problemsAfter = (change: (ledger: Ledger) => void): string => {
    const ledger = new Ledger();
    for (const request of [1, 2, 3]) {
      const attempt = requests.attempt(request, 0);
      assert.equal(fateOf(attempt.bytes), "works");
      ledger.sent(attempt);
      if (request < 3) ledger.acknowledged(attempt);
      else ledger.refused(attempt, "busy");
    }
    ledger.received(message(1, 0));
    change(ledger);
    return ledger.problems().join("; ");
  };
  const second = (ledger: Ledger): void => ledger.received(message(2, 0));
  assert.equal(problemsAfter(second), "");
  assert.equal(
    problemsAfter(() => undefined),
    "1 acknowledged attempts are not at the sink",
  );
  const also = (more: (ledger: Ledger) => void) =>
    problemsAfter((ledger) => {
      second(ledger);
      more(ledger);
    });
  assert.equal(also(second), "1 attempts came more than once");
  assert.equal(
    also((ledger) => ledger.received(message(3, 0))),
    "1 refused attempts are at the sink",
  );
  assert.equal(
    also((ledger) => ledger.received(message(3, 1))),
    "1 attempts came that nobody sent",
  );
  assert.equal(
    also((ledger) => ledger.sent(requests.attempt(9, 0))),
    "1 attempts were neither acknowledged nor refused",
  );
  const torn = encode(requestType.traces, {
    resourceSpans: [1, 2].flatMap(
      (request) =>
        requestType.traces.toObject(requestType.traces.decode(requests.attempt(request, 0).bytes)).resourceSpans,
    ),
  });
  assert.equal(
    also((ledger) => ledger.received(decode(requestType.traces, torn))),
    "20 spans of 2 requests in one",
  );

  let fatal = 0;
  while (fateOf(requests.attempt(fatal, 0).bytes) !== "traps") fatal++;
  const broken = also((ledger) => {
    const attempt = requests.attempt(fatal, 0);
    ledger.sent(attempt);
    ledger.acknowledged(attempt);
    ledger.received(message(fatal, 0));
  });
  assert.equal(broken, "1 attempts were acknowledged although the plugin breaks on them");
});

test("growth and lost threads are noticed", () => {
  const flat = { rss: 1e8, heap: 1e7, buffers: 1e6, workers: 1, workersEver: 9 };
  const base: Omit<FaultResult, "problems"> = {
    seconds: 1,
    attemptsPerSecond: 1,
    itemsPerSecond: 10,
    ledger: {
      attempts: 1,
      acknowledged: 1,
      refused: 0,
      refusedBecause: {},
      received: 1,
      itemsReceived: 10,
      trapsDue: 3,
      hangsDue: 1,
    },
    restarts: { afterTraps: 3, afterDeadlines: 1, others: 0 },
    acknowledgedMs: { p50: 1, p90: 1, p99: 1, max: 1 },
    refusedMs: { p50: 1, p90: 1, p99: 1, max: 1 },
    guestPages: [2],
    afterWarmUp: flat,
    atEnd: flat,
  };
  assert.deepEqual(problemsOf(base, 1), []);
  assert.equal(problemsOf({ ...base, guestPages: [3] }, 1).length, 1);
  assert.equal(problemsOf({ ...base, guestPages: [] }, 1).length, 1);
  assert.equal(problemsOf({ ...base, restarts: { afterTraps: 4, afterDeadlines: 2, others: 1 } }, 1).length, 3);
  const grown = { rss: 4e8, heap: 2e7, buffers: 1e7, workers: 2, workersEver: 9 };
  assert.equal(problemsOf({ ...base, atEnd: grown }, 1).length, 4);
});
