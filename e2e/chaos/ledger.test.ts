/** What judges others must itself be right. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { decode, encode, type Plain, requestType, SIGNALS } from "../proto.ts";
import { Random } from "../random.ts";
import { type Attempt, ITEMS, idsIn, Requests } from "../requests.ts";
import { Ledger, type Receipts } from "./ledger.ts";
import type { Line } from "./relay.ts";

const requests = new Requests("traces");

function message({ bytes }: Attempt): Plain {
  return decode(requestType.traces, bytes);
}

interface Books {
  readonly ledger: Ledger;
  readonly sink: Receipts;
  /** Sent, for the first time or again. */
  send(request: number, attempt?: number): Attempt;
}

function books(sent: number): Books {
  const ledger = new Ledger();
  const sink = ledger.sink(["traces"]);
  const send = (request: number, attempt = 0): Attempt => {
    const made = requests.attempt(request, attempt);
    ledger.sent(made);
    return made;
  };
  for (let n = 0; n < sent; n++) send(ledger.next("traces"));
  return { ledger, sink, send };
}

const unheard = { kind: "unanswered", why: "reset" } as const;
const open: Line = { cut: undefined, givenUp: [] };

describe("the ledger", () => {
  test("says what is lost, item by item, and nothing of what was not acknowledged", () => {
    const { ledger, sink, send } = books(3);
    for (const request of [0, 1]) ledger.acknowledged(send(request));
    ledger.notAcknowledged(send(2), unheard);
    sink.took("traces", message(requests.attempt(0, 0)), open)(true);
    assert.deepEqual(ledger.problems(), [`${ITEMS} items were acknowledged, and are not where they should be`]);
    assert.deepEqual([...ledger.lost()][0], { request: 1, index: 0 });
    sink.took("traces", message(requests.attempt(1, 0)), open, 3)(true);
    assert.deepEqual(ledger.problems(), [], "what a partial success names is turned away, and not lost");
    const { acknowledged, open: unsettled, received, turnedAway } = ledger.totals;
    assert.deepEqual([acknowledged, unsettled, received, turnedAway], [2, 1, 17, 3]);
  });

  test("every sink has to have it, if it takes the signal", () => {
    const { ledger, sink, send } = books(1);
    ledger.acknowledged(send(0));
    sink.took("traces", message(send(0)), open)(true);
    const second = ledger.sink(["traces", "logs"]);
    ledger.sink(["logs"]);
    assert.equal(ledger.totals.lost, ITEMS);
    second.turnedAway("traces", message(send(0)));
    assert.equal(ledger.totals.lost, 0);
  });

  test("what comes again needs a reason", () => {
    const cases: readonly (readonly [cause: RegExp, again: (given: Books) => void])[] = [
      [/UNEXPLAINED/, ({ sink, send }) => sink.took("traces", message(send(0)), open)(true)],
      [
        /sent again by the client: reset/,
        ({ ledger, sink, send }) => {
          ledger.notAcknowledged(send(0), unheard);
          sink.took("traces", message(send(0, 1)), open)(true);
        },
      ],
      [/UNEXPLAINED/, ({ sink, send }) => sink.took("traces", message(send(0, 1)), open)(true)],
      [
        /sent again after kill -9/,
        ({ ledger, sink, send }) => {
          ledger.kills.push(performance.now());
          sink.took("traces", message(send(0)), open)(true);
        },
      ],
    ];
    for (const [cause, again] of cases) {
      const given = books(1);
      given.sink.took("traces", message(given.send(0)), open)(true);
      again(given);
      const { causes, duplicates } = given.ledger.totals;
      assert.equal(duplicates, ITEMS);
      assert.match([...causes.keys()].join(), cause);
      assert.equal(given.ledger.problems().length, cause.source === "UNEXPLAINED" ? 1 : 0);
    }
  });

  test("an answer that was not heard, a line that was cut or closed, and a call that was given up are reasons", () => {
    const soon = performance.now() + 1;
    const cases: readonly (readonly [line: Line, heard: boolean])[] = [
      [{ cut: "reset", givenUp: [] }, true],
      [{ cut: undefined, givenUp: [], ended: soon }, true],
      [open, false],
    ];
    for (const [line, heard] of cases) {
      const { ledger, sink, send } = books(1);
      sink.took("traces", message(send(0)), line)(heard);
      sink.took("traces", message(send(0)), open)(true);
      assert.match([...ledger.totals.causes.keys()].join(), /sent again by the collector/);
    }
    const { ledger, sink, send } = books(1);
    const line: Line = { cut: undefined, givenUp: [] };
    sink.took("traces", message(send(0)), line)(true);
    line.givenUp.push(performance.now());
    sink.took("traces", message(send(0)), open)(true);
    assert.match([...ledger.totals.causes.keys()].join(), /it had given up waiting/);
  });

  test("items that nobody sent, and ids that do not belong together, are malformed", () => {
    const { ledger, sink, send } = books(1);
    sink.took("traces", message(requests.attempt(7, 0)), open)(true);
    assert.equal(ledger.malformed.length, ITEMS);
    const [first, second] = [send(0), requests.attempt(3, 0)].map(({ bytes }) => bytes) as [Buffer, Buffer];
    // The span's id of another request.
    const at = second.indexOf(Buffer.from([0, 0, 0, 3, 0, 0, 0, 1]));
    second.copy(first, at, at, at + 8);
    sink.took("traces", decode(requestType.traces, first), open)(true);
    assert.equal(ledger.malformed.length, ITEMS + 1);
    assert.match(ledger.problems()[0]!, /malformed/);
  });
});

describe("ids", () => {
  test("come back from every signal, also when items of several requests are in one", () => {
    for (const signal of SIGNALS) {
      const made = new Requests(signal);
      fc.assert(
        fc.property(fc.array(fc.tuple(fc.nat(1e8), fc.nat(255)), { minLength: 1, maxLength: 3 }), (all) => {
          const bytes = Buffer.concat(all.map(([request, attempt]) => made.attempt(request, attempt).bytes));
          const found = idsIn(signal, decode(requestType[signal], bytes));
          assert.equal(found.length, all.length * ITEMS);
          for (const [at, [request, attempt]] of all.entries()) {
            const ids = found.slice(at * ITEMS, (at + 1) * ITEMS);
            assert.deepEqual(new Set(ids.map((id) => id?.index)).size, ITEMS);
            assert.ok(ids.every((id) => id?.request === request && id.attempt === attempt));
          }
        }),
        { numRuns: 20 },
      );
    }
    assert.deepEqual(idsIn("traces", decode(requestType.traces, encode(requestType.traces, {}))), []);
  });
});

test("the same seed is the same chance", () => {
  const numbers = (seed: number): number[] => {
    const random = new Random(seed);
    return Array.from({ length: 5 }, () => random.next());
  };
  assert.deepEqual(numbers(7), numbers(7));
  assert.notDeepEqual(numbers(7), numbers(8));
  assert.ok(numbers(7).every((number) => number >= 0 && number < 1));
});
