import assert from "node:assert/strict";
import { beforeEach, describe, type TestContext, test } from "node:test";
import fc from "fast-check";
import type { Consumer, Processor } from "../../component/component.ts";
import { ConsumerError, StatusCode } from "../../component/errors.ts";
import { type Count, Histogram, type Instrument, type Measuring } from "../../component/measuring.ts";
import { settingsWith } from "../../component/testing/settings.ts";
import { applySchema } from "../../config/schema.ts";
import { type Batch, SIGNALS } from "../../telemetry/batch.ts";
import { decode } from "../../telemetry/decode.ts";
import { decodeJson } from "../../telemetry/json.ts";
import { damaged } from "../../telemetry/testing/arbitrary.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { schema } from "./config.ts";
import { batchProcessor } from "./factory.ts";

/** Records with these numbers as their severity. */
function logs(...numbers: readonly number[]): Batch {
  const logRecords = numbers.map((timeUnixNano) => ({ timeUnixNano: String(timeUnixNano) }));
  const bytes = decodeJson("logs", JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }));
  return { signal: "logs", bytes };
}

function numbersIn(bytes: Uint8Array): number[] {
  return decode("logs", bytes).resourceLogs.flatMap((resource) =>
    resource.scopeLogs.flatMap((scope) => scope.logRecords.map((record) => Number(record.timeUnixNano))),
  );
}

/** A destination whose answers a test gives. */
class Destination implements Consumer {
  readonly capabilities = { mutatesData: false };
  readonly got: {
    readonly batch: Batch;
    readonly numbers: readonly number[];
    accept(): void;
    refuse(error: unknown): void;
  }[] = [];

  consume(batch: Batch): Promise<void> {
    return new Promise((accept, refuse) => this.got.push({ batch, numbers: numbersIn(batch.bytes), accept, refuse }));
  }

  get numbers(): readonly (readonly number[])[] {
    return this.got.map((each) => each.numbers);
  }
}

interface Sent {
  /** Once the promise has settled. */
  state: "waits" | "delivered" | ConsumerError;
}

function send(processor: Processor, batch: Batch): Sent {
  const sent: Sent = { state: "waits" };
  processor.consume(batch).then(
    () => (sent.state = "delivered"),
    (error) => (sent.state = error),
  );
  return sent;
}

/** Lets all promises run that can. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

let destination: Destination;
beforeEach(() => {
  destination = new Destination();
});

function create(config: object = {}, measuring?: Measuring, next: Consumer = destination): Processor {
  const settings = settingsWith({ id: "batch/x", signal: "logs", ...(measuring === undefined ? {} : { measuring }) });
  return batchProcessor.create(settings, schema.parse(config), next);
}

/** Tells the processor that several senders may be there, as a first burst does: what comes alone goes at once. */
async function warmUp(context: TestContext, processor: Processor, senders: number): Promise<void> {
  const sent = Array.from({ length: senders }, () => send(processor, logs(0)));
  context.mock.timers.tick(200);
  for (const each of destination.got) each.accept();
  await settled();
  assert.ok(sent.every(({ state }) => state === "delivered"));
  destination.got.length = 0;
}

function fakeTime(context: TestContext): void {
  context.mock.timers.enable({ apis: ["setTimeout"] });
}

describe("when a batch goes", () => {
  test("at send_batch_size items, and what comes later is in the next", async (context) => {
    fakeTime(context);
    const processor = create({ send_batch_size: 4 });
    await warmUp(context, processor, 9);
    const sent = [logs(1, 2), logs(3), logs(4, 5), logs(6)].map((batch) => send(processor, batch));
    assert.deepEqual(destination.numbers, [[1, 2, 3, 4, 5]]);
    destination.got[0]!.accept();
    await settled();
    assert.deepEqual(
      sent.map(({ state }) => state),
      ["delivered", "delivered", "delivered", "waits"],
    );
    context.mock.timers.tick(199);
    assert.equal(destination.got.length, 1);
    context.mock.timers.tick(1);
    assert.deepEqual(destination.numbers[1], [6]);
  });

  test("timeout after the first came, whatever comes after that", async (context) => {
    fakeTime(context);
    const processor = create({ timeout: "1s" });
    await warmUp(context, processor, 1);
    send(processor, logs(0));
    destination.got.length = 0;
    send(processor, logs(1));
    context.mock.timers.tick(600);
    send(processor, logs(2));
    context.mock.timers.tick(399);
    assert.equal(destination.got.length, 0);
    context.mock.timers.tick(1);
    assert.deepEqual(destination.numbers, [[1, 2]]);
    context.mock.timers.tick(5000);
    assert.equal(destination.got.length, 1, "an empty batch does not go");
  });

  for (const config of [{ timeout: 0 }, { send_batch_size: 0 }, { timeout: "0s", send_batch_max_size: 10_000 }])
    test(`at once: ${JSON.stringify(config)}`, async (context) => {
      fakeTime(context);
      const processor = create(config);
      const one = logs(1);
      send(processor, one);
      send(processor, logs(2, 3));
      assert.deepEqual(destination.numbers, [[1], [2, 3]]);
      assert.equal(destination.got[0]!.batch.bytes, one.bytes, "what is alone is not copied");
    });

  test("what has no items is nothing to deliver", async () => {
    await create().consume(logs());
    assert.equal(destination.got.length, 0);
  });

  test("before the waiting bytes become too many", async (context) => {
    fakeTime(context);
    const processor = create({ send_batch_size: 1_000_000 }, undefined, {
      capabilities: { mutatesData: false },
      consume: (batch) => {
        sizes.push(batch.bytes.length);
        return new Promise(() => {});
      },
    });
    const sizes: number[] = [];
    const large = buildPayload("logs", 60_000);
    for (let sent = 0; sent <= 2 * 64 * 1024 * 1024; sent += large.length)
      send(processor, { signal: "logs", bytes: large, items: 60_000 });
    assert.ok(sizes.length >= 2);
    for (const size of sizes) assert.ok(size <= 64 * 1024 * 1024, `${size}`);
  });
});

describe("senders that wait for each answer", () => {
  test("one alone never waits", async (context) => {
    fakeTime(context);
    const processor = create();
    for (let i = 0; i < 5; i++) {
      const sent = send(processor, logs(i));
      assert.deepEqual(destination.numbers[i], [i]);
      destination.got[i]!.accept();
      await settled();
      assert.equal(sent.state, "delivered");
    }
  });

  test("four of them: all in one batch that goes as soon as they are together", async (context) => {
    fakeTime(context);
    const processor = create();
    // The first goes alone; the others come while it is on its way.
    let sent = [1, 2, 3, 4].map((n) => send(processor, logs(n)));
    assert.deepEqual(destination.numbers, [[1]]);
    destination.got[0]!.accept();
    await settled();
    sent[0] = send(processor, logs(5));
    assert.deepEqual(destination.numbers[1], [2, 3, 4, 5]);
    for (let round = 2; round < 10; round++) {
      destination.got[round - 1]!.accept();
      await settled();
      assert.ok(sent.every(({ state }) => state === "delivered"));
      sent = [1, 2, 3, 4].map((n) => send(processor, logs(round * 10 + n)));
      assert.equal(destination.got.length, round + 1);
      assert.equal(destination.numbers[round]!.length, 4);
    }
  });

  test("one that goes away costs the others one timeout; one that comes is waited for", async (context) => {
    fakeTime(context);
    const processor = create();
    await warmUp(context, processor, 3);
    const round = async (...numbers: number[]): Promise<void> => {
      for (const n of numbers) send(processor, logs(n));
      await settled();
    };
    await round(1, 2);
    assert.equal(destination.got.length, 0);
    context.mock.timers.tick(200);
    assert.deepEqual(destination.numbers, [[1, 2]]);
    destination.got[0]!.accept();
    await settled();
    await round(3, 4);
    assert.deepEqual(destination.numbers[1], [3, 4]);
    // Here is the third again.
    await round(5);
    assert.equal(destination.got.length, 2);
    destination.got[1]!.accept();
    await settled();
    await round(6, 7);
    assert.deepEqual(destination.numbers[2], [5, 6, 7]);
  });
});

describe("what senders hear", () => {
  test("an error is for all whose items were in the batch", async (context) => {
    fakeTime(context);
    const processor = create({ send_batch_size: 2 });
    await warmUp(context, processor, 9);
    const sent = [1, 2, 3, 4].map((n) => send(processor, logs(n)));
    destination.got[0]!.refuse(
      ConsumerError.retryable("full", { code: StatusCode.RESOURCE_EXHAUSTED, retryAfterMs: 7 }),
    );
    destination.got[1]!.accept();
    await settled();
    for (const { state } of sent.slice(0, 2)) {
      assert.ok(state instanceof ConsumerError);
      assert.deepEqual([state.message, state.permanent, state.code, state.retryAfterMs], ["full", false, 8, 7]);
    }
    assert.deepEqual(
      sent.slice(2).map(({ state }) => state),
      ["delivered", "delivered"],
    );
  });

  test("of a batch that was split: for whose items were in the part; of two that failed, that which may pass counts: what it had is not to be lost", async (context) => {
    fakeTime(context);
    const processor = create({ send_batch_size: 3, send_batch_max_size: 3 });
    await warmUp(context, processor, 9);
    const sent = [logs(1, 2), logs(3, 4, 5, 6, 7), logs(8)].map((batch) => send(processor, batch));
    assert.deepEqual(destination.numbers, [[1, 2, 3], [4, 5, 6], [7]]);
    context.mock.timers.tick(200);
    assert.deepEqual(destination.numbers[3], [8]);
    const [first, second, third, fourth] = destination.got;
    second!.refuse(ConsumerError.permanent("never", { code: StatusCode.INVALID_ARGUMENT }));
    first!.accept();
    await settled();
    assert.deepEqual(
      sent.map(({ state }) => state),
      ["delivered", "waits", "waits"],
    );
    third!.refuse(new Error("busy"));
    fourth!.accept();
    await settled();
    const { state } = sent[1]!;
    assert.ok(state instanceof ConsumerError);
    assert.deepEqual([state.message, state.permanent, state.code], ["busy", false, StatusCode.UNAVAILABLE]);
    assert.equal(sent[2]!.state, "delivered");
  });

  test("a destination that throws at once is one that refuses", async () => {
    const next: Consumer = {
      capabilities: { mutatesData: false },
      consume: () => {
        throw new TypeError("oops");
      },
    };
    await assert.rejects(create({}, undefined, next).consume(logs(1)), { name: "ConsumerError", message: "oops" });
  });

  test("whatever comes and is refused: each item is delivered once, in order, and each sender hears of its own", async (context) => {
    fakeTime(context);
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant("send" as const), items: fc.integer({ min: 0, max: 9 }) }) },
      { weight: 1, arbitrary: fc.constant({ do: "wait" as const }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("answer" as const), which: fc.nat(), ok: fc.boolean() }) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 0, max: 6 }),
        async (steps, size, more) => {
          destination = new Destination();
          const max = more === 0 ? 0 : size + more - 1;
          const processor = create({ send_batch_size: size, send_batch_max_size: max });
          const sent: { readonly numbers: readonly number[]; readonly sent: Sent }[] = [];
          const refused = new Set<number>();
          const open = new Set<number>();
          let next = 0;
          let seen = 0;
          const answer = (which: number, ok: boolean): void => {
            open.delete(which);
            const { accept, refuse, numbers } = destination.got[which]!;
            if (ok) accept();
            else {
              for (const n of numbers) refused.add(n);
              refuse(new Error("no"));
            }
          };
          for (const each of steps) {
            if (each.do === "send") {
              const numbers = Array.from({ length: each.items }, () => next++);
              sent.push({ numbers, sent: send(processor, logs(...numbers)) });
            } else if (each.do === "wait") context.mock.timers.tick(200);
            else if (open.size > 0) answer([...open][each.which % open.size]!, each.ok);
            for (; seen < destination.got.length; seen++) open.add(seen);
            await settled();
          }
          const stopped = processor.shutdown();
          for (; seen < destination.got.length; seen++) open.add(seen);
          for (const which of open) answer(which, true);
          await stopped;
          await settled();
          assert.deepEqual(
            destination.numbers.flat(),
            Array.from({ length: next }, (_, n) => n),
          );
          for (const { numbers } of destination.got) assert.ok(max === 0 || numbers.length <= max);
          for (const {
            numbers,
            sent: { state },
          } of sent) {
            assert.notEqual(state, "waits");
            assert.equal(state === "delivered", !numbers.some((n) => refused.has(n)));
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  test("whatever the bytes are, every sender is answered", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(damaged("logs"), fc.uint8Array({ maxLength: 60 })), { maxLength: 5 }),
        async (all) => {
          const next: Consumer = { capabilities: { mutatesData: false }, consume: async () => {} };
          const processor = create({ send_batch_size: 2, send_batch_max_size: 2 }, undefined, next);
          const answers = all.map((bytes) => processor.consume({ signal: "logs", bytes }).catch(() => {}));
          await processor.shutdown();
          await Promise.all(answers);
        },
      ),
      { numRuns: 300 },
    );
  });
});

test("shutdown sends what waits, waits for its delivery, and nothing comes after it", async (context) => {
  fakeTime(context);
  const processor = create({ timeout: "1h" });
  await processor.start();
  await warmUp(context, processor, 1);
  const sent = [1, 2, 3].map((n) => send(processor, logs(n)));
  assert.deepEqual(destination.numbers, [[1]]);
  processor.stopping?.();
  let stopped = false;
  const stop = processor.shutdown().then(() => (stopped = true));
  assert.deepEqual(destination.numbers, [[1], [2, 3]]);
  destination.got[0]!.accept();
  await settled();
  assert.equal(stopped, false);
  destination.got[1]!.refuse(new Error("gone"));
  await stop;
  assert.deepEqual(
    sent.map(({ state }) => (state instanceof ConsumerError ? state.message : state)),
    ["delivered", "gone", "gone"],
  );
  await assert.rejects(processor.consume(logs(4)), { name: "ConsumerError", permanent: false });
  await create().shutdown();
});

test("when the collector is about to stop, nothing waits for more any more", async (context) => {
  fakeTime(context);
  const processor = create({ timeout: "1h" });
  for (let n = 1; n <= 3; n++) send(processor, logs(n));
  assert.deepEqual(destination.numbers, [[1]]);
  processor.stopping?.();
  send(processor, logs(4));
  assert.deepEqual(destination.numbers, [[1], [2, 3], [4]]);
});

test("what was sent does not keep what the senders gave", async (context) => {
  fakeTime(context);
  const processor = create({ send_batch_size: 50 });
  await warmUp(context, processor, 200);
  const given: WeakRef<Uint8Array>[] = [];
  (() => {
    for (let i = 0; i < 50; i++) {
      const batch = logs(i);
      given.push(new WeakRef(batch.bytes));
      send(processor, batch);
    }
  })();
  assert.equal(destination.got.length, 1);
  const { setFlagsFromString } = await import("node:v8");
  const { runInNewContext } = await import("node:vm");
  setFlagsFromString("--expose-gc");
  const gc: unknown = runInNewContext("gc");
  assert.ok(typeof gc === "function");
  await settled();
  gc();
  assert.ok(given.filter((each) => each.deref() !== undefined).length < 5);
});

describe("configuration", () => {
  test("the defaults and the examples of the Collector's documentation", () => {
    const parsed = (config: object) => Object.values(schema.parse(config));
    assert.deepEqual(parsed({}), [8192, 200, 0]);
    assert.deepEqual(parsed({ send_batch_size: 10_000, timeout: "10s" }), [10_000, 10_000, 0]);
    assert.deepEqual(parsed({ send_batch_max_size: 10_000, timeout: "0s" }), [8192, 0, 10_000]);
    assert.deepEqual(parsed({ metadata_keys: [], metadata_cardinality_limit: 10 }), [8192, 200, 0]);
  });

  test("what cannot be is refused", () => {
    const issues = (config: object) => {
      const checked = applySchema(schema, config, ["processors", "batch"]);
      return checked.ok ? [] : checked.issues;
    };
    assert.deepEqual(issues({ send_batch_max_size: 10 }), [
      "processors::batch: send_batch_max_size must be greater or equal to send_batch_size",
    ]);
    assert.deepEqual(issues({ metadata_keys: ["tenant_id"], send_batch_size: -1, timeout: 200, send_batch_sizes: 1 }), [
      "processors::batch::send_batch_size: must be at least 0",
      'processors::batch::timeout: needs a unit, for example "200s" or "200ms"',
      "processors::batch::metadata_keys: batches by the sender's metadata are not supported in this version; remove it",
      'processors::batch::send_batch_sizes: unknown key; did you mean "send_batch_size"?',
    ]);
  });

  test("every signal", () => assert.deepEqual(batchProcessor.signals, SIGNALS));
});

test("own metrics have the Collector's names", async (context) => {
  fakeTime(context);
  const counts = new Map<string, Count>();
  const histograms = new Map<string, Histogram>();
  const gauges = new Map<string, () => number | undefined>();
  const measuring: Measuring = {
    level: "detailed",
    counter({ name }: Instrument, attributes) {
      assert.deepEqual(attributes, { processor: "batch/x" });
      const count = { value: 0 };
      counts.set(name, count);
      return count;
    },
    observeCounter: () => assert.fail(),
    observeGauge({ name }, _attributes, read) {
      gauges.set(name, read);
      return () => void gauges.delete(name);
    },
    histogram({ name }, _attributes, boundaries) {
      const histogram = new Histogram(boundaries);
      histograms.set(name, histogram);
      return histogram;
    },
  };
  const processor = create({ send_batch_size: 2, send_batch_max_size: 2 }, measuring);
  await warmUp(context, processor, 1);
  send(processor, logs(1, 2, 3));
  send(processor, logs(4));
  context.mock.timers.tick(200);
  assert.equal(counts.get("otelcol_processor_batch_batch_size_trigger_send")?.value, 2);
  assert.equal(counts.get("otelcol_processor_batch_timeout_trigger_send")?.value, 2);
  const sizes = histograms.get("otelcol_processor_batch_batch_send_size");
  assert.deepEqual([sizes?.count, sizes?.sum, sizes?.max], [4, 5, 2]);
  const bytes = histograms.get("otelcol_processor_batch_batch_send_size_bytes");
  assert.equal(
    bytes?.sum,
    destination.got.reduce((sum, { batch }) => sum + batch.bytes.length, logs(0).bytes.length),
  );
  assert.equal(gauges.get("otelcol_processor_batch_metadata_cardinality")?.(), 1);
  for (const each of destination.got) each.accept();
  await processor.shutdown();
  assert.equal(gauges.size, 0);
});
