import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ConsumerError, StatusCode } from "../component/errors.ts";
import type { Batch } from "../telemetry/batch.ts";
import { type Branch, fanOut } from "./fanout.ts";

/** What it was given when it was called, and what it then made of it. */
interface Seen {
  readonly batch: Batch;
  readonly bytes: readonly number[];
}

type Outcome = "delivers" | "delivers later" | "throws" | "retryable" | "retryable later" | "permanent";

function branch(mutates: boolean, outcome: Outcome, name: string, seen: Map<string, Seen>): Branch {
  const fail = (): never => {
    if (outcome === "throws") throw new TypeError(name);
    throw new ConsumerError(name, outcome === "permanent", {
      ...(outcome === "permanent" ? { code: StatusCode.INVALID_ARGUMENT } : { retryAfterMs: name.length * 100 }),
    });
  };
  return {
    mutatesData: mutates,
    consumer: {
      capabilities: { mutatesData: mutates },
      consume(batch) {
        seen.set(name, { batch, bytes: [...batch.bytes] });
        // The worst that it may do: another content, and then nothing.
        if (mutates) {
          batch.bytes.fill(0xff);
          structuredClone(batch.bytes.buffer, { transfer: [batch.bytes.buffer as ArrayBuffer] });
        }
        if (outcome === "throws") fail();
        if (outcome === "delivers") return Promise.resolve();
        const later = outcome.endsWith("later")
          ? new Promise<void>((resolve) => setImmediate(resolve))
          : Promise.resolve();
        return later.then(() => (outcome === "delivers later" ? undefined : fail()));
      },
    },
  };
}

const outcomes: readonly Outcome[] = [
  "delivers",
  "delivers later",
  "throws",
  "retryable",
  "retryable later",
  "permanent",
];

describe("a fan-out", () => {
  test("whatever some do, all get the batch as it was; what went wrong is joined", async () => {
    const branches = fc.array(fc.tuple(fc.boolean(), fc.constantFrom(...outcomes)), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        branches,
        fc.boolean(),
        fc.array(fc.nat(255), { maxLength: 9 }),
        async (all, asBuffer, content) => {
          const seen = new Map<string, Seen>();
          const name = (index: number): string => "x".repeat(index + 1);
          const { consumer, mutatesData } = fanOut(
            all.map(([mutates, outcome], index) => branch(mutates, outcome, name(index), seen)),
          );
          const bytes = asBuffer ? Buffer.allocUnsafeSlow(content.length) : new Uint8Array(content.length);
          bytes.set(content);
          const batch: Batch = { signal: "logs", bytes, items: 7 };
          // A branch of its own may throw at once; that is its caller's to see.
          const error = await (async () => consumer.consume(batch))().then(
            () => undefined,
            (thrown: unknown) => ConsumerError.from(thrown),
          );
          assert.equal(seen.size, all.length);
          for (const { bytes: got, batch: given } of seen.values()) {
            assert.deepEqual(got, content);
            assert.deepEqual([given.signal, given.items], ["logs", 7]);
          }
          // Whoever only reads has it still.
          assert.equal(
            mutatesData,
            all.every(([mutates]) => mutates),
          );
          for (const [index, [mutates]] of all.entries())
            if (!mutates) assert.deepEqual([...seen.get(name(index))!.batch.bytes], content);
          if (!mutatesData) assert.deepEqual([...bytes], content);

          const failed = all.flatMap(([, outcome], index) =>
            outcome.startsWith("delivers") ? [] : [{ outcome, index }],
          );
          if (failed.length === 0) {
            assert.equal(error, undefined);
            return;
          }
          assert.ok(error !== undefined);
          const permanent = failed.some(({ outcome }) => outcome === "permanent");
          assert.equal(error.permanent, permanent);
          assert.equal(error.code, permanent ? StatusCode.INVALID_ARGUMENT : StatusCode.UNAVAILABLE);
          assert.deepEqual(
            error.message.split("; ").sort(),
            failed.map(({ index }) => name(index)),
          );
          const delays = failed.flatMap(({ outcome, index }) =>
            outcome.startsWith("retryable") ? [(index + 1) * 100] : [],
          );
          assert.equal(error.retryAfterMs, delays.length === 0 ? undefined : Math.max(...delays));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("answers when the last has answered, and no sooner for an error", async () => {
    let finish: () => void = () => {};
    const slow: Branch = {
      mutatesData: false,
      consumer: {
        capabilities: { mutatesData: false },
        consume: () => new Promise<void>((resolve) => (finish = resolve)),
      },
    };
    const { consumer } = fanOut([branch(false, "permanent", "x", new Map()), slow]);
    let settled = false;
    const answer = consumer.consume({ signal: "logs", bytes: Uint8Array.of(1) }).finally(() => (settled = true));
    const outcome = assert.rejects(answer, { message: "x", permanent: true });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(settled, false);
    finish();
    await outcome;
  });
});
