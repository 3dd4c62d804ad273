import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Exporter } from "../component/component.ts";
import { ConfigError, ConsumerError, StatusCode } from "../component/errors.ts";
import type { ComponentSettings } from "../component/factory.ts";
import { LineWriter, type LogAttributes } from "../component/logger.ts";
import { settingsWith } from "../component/testing/settings.ts";
import type { Batch } from "../telemetry/batch.ts";
import { summarize } from "../telemetry/count.ts";
import { decodeJson } from "../telemetry/json.ts";
import { buildPayload } from "../telemetry/testing/payload.ts";
import { deliveryKeys } from "./config.ts";
import { withDelivery } from "./delivery.ts";
import { FakeClock, settled } from "./testing/clock.ts";
import { Destination, type Outcome } from "./testing/destination.ts";
import { MapStorage } from "./testing/map-storage.ts";
import { type Watched, watched } from "./testing/sender.ts";

const retryable = (message = "busy", retryAfterMs?: number): ConsumerError =>
  ConsumerError.retryable(message, retryAfterMs === undefined ? {} : { retryAfterMs });
const permanent = (): ConsumerError => ConsumerError.permanent("never");
const batchOf = (items: number): Batch => ({ signal: "logs", bytes: Uint8Array.from(buildPayload("logs", items)) });
/** Log records whose bodies are the id and a number each. */
function recordsOf(id: string, count: number): Uint8Array {
  const logRecords = Array.from({ length: count }, (_, index) => ({ body: { stringValue: `${id}${index}.` } }));
  return Uint8Array.from(decodeJson("logs", JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })));
}
const EXACT = { randomization_factor: 0 };

interface Parts {
  readonly retry?: object;
  readonly queue?: object;
  readonly timeout?: number;
  readonly takesBuffers?: boolean;
  readonly more?: Partial<ComponentSettings>;
}

/** Level, message, and numbers of what was lost. */
class LineLog extends LineWriter {
  readonly #lines: string[];

  constructor(lines: string[]) {
    super();
    this.#lines = lines;
  }

  override write(level: string, message: string, attributes: LogAttributes = {}): void {
    this.#lines.push(
      [level, message, attributes.batches, attributes.items].filter((part) => part !== undefined).join(" "),
    );
  }
}

function made(outcomes: readonly Outcome[] | ((index: number) => Outcome), parts: Parts = {}) {
  const { retry = {}, queue = {}, timeout, takesBuffers = false, more = {} } = parts;
  const clock = new FakeClock();
  const outcome = typeof outcomes === "function" ? outcomes : (index: number) => outcomes[index] ?? "takes";
  const destination = new Destination(outcome, () => clock.now(), takesBuffers);
  const config = {
    retry_on_failure: deliveryKeys.retry_on_failure.parse(retry),
    sending_queue: deliveryKeys.sending_queue.parse(queue),
  };
  const lines: string[] = [];
  const settings = settingsWith({ id: "x", signal: "logs", logger: new LineLog(lines), ...more });
  return {
    clock,
    destination,
    lines,
    exporter: withDelivery(settings, config, destination, { attemptTimeoutMs: timeout, clock }),
  };
}

const times = (destination: Destination): number[] => destination.attempts.map(({ at }) => at);
const stateOf = ({ state }: Watched): string => (state instanceof ConsumerError ? state.message : state);

for (const [name, queue] of [
  ["with a queue", {}],
  ["without a queue", { enabled: false }],
] as const)
  describe(`retry_on_failure, ${name}`, () => {
    test("what is taken is answered at once", async () => {
      const { exporter, destination } = made(["takes"], { queue });
      await exporter.start();
      await exporter.consume(batchOf(1));
      assert.equal(destination.attempts.length, 1);
      await exporter.shutdown();
      assert.equal(destination.state, "shut down");
    });

    test("the back-off, and the server's wish if that is longer", async () => {
      const { exporter, destination, clock } = made([retryable(), retryable("busy", 20_000), retryable("busy", 1)], {
        queue,
        retry: EXACT,
      });
      await exporter.start();
      const sender = watched(exporter.consume(batchOf(1)));
      await clock.advance(60_000);
      assert.deepEqual([times(destination), sender.state], [[0, 5_000, 25_000, 36_250], "done"]);
      assert.equal(clock.timers, 0);
      await exporter.shutdown();
    });

    test("a permanent error is not tried again", async () => {
      const error = permanent();
      const { exporter, destination } = made([error], { queue });
      await exporter.start();
      await assert.rejects(exporter.consume(batchOf(1)), error);
      assert.equal(destination.attempts.length, 1);
      await exporter.shutdown();
    });

    test("when the time is up, the last error goes back, with what the server wished", async () => {
      const { exporter, destination, clock } = made(() => retryable("busy", 2_000), {
        queue,
        retry: { ...EXACT, initial_interval: "1s", max_interval: "2s", max_elapsed_time: "5s" },
      });
      await exporter.start();
      const sender = watched(exporter.consume(batchOf(1)));
      await clock.advance(60_000);
      assert.deepEqual(times(destination), [0, 2_000, 4_000]);
      assert.ok(sender.state instanceof ConsumerError);
      const { message, permanent: forGood, code, retryAfterMs } = sender.state;
      assert.deepEqual(
        [message, forGood, code, retryAfterMs],
        ["no more retries left: busy", false, StatusCode.UNAVAILABLE, 2_000],
      );
      await exporter.shutdown();
    });

    test("max_elapsed_time 0 has no end", async () => {
      const { exporter, destination, clock } = made((index) => (index < 500 ? retryable() : "takes"), {
        queue,
        retry: { ...EXACT, max_elapsed_time: 0 },
      });
      await exporter.start();
      const sender = watched(exporter.consume(batchOf(1)));
      await clock.advance(500 * 30_000);
      assert.deepEqual([destination.attempts.length, sender.state], [501, "done"]);
      await exporter.shutdown();
    });

    test("not enabled: one attempt, and its error as it is", async () => {
      const error = retryable();
      const { exporter } = made([error], { queue, retry: { enabled: false } });
      await exporter.start();
      await assert.rejects(exporter.consume(batchOf(1)), error);
      await exporter.shutdown();
    });

    test("a consumer that throws is a failed attempt, a foreign error a retryable one", async () => {
      const { clock, destination } = made([]);
      let calls = 0;
      const throwing: Exporter = {
        capabilities: { mutatesData: false },
        start: () => destination.start(),
        shutdown: () => destination.shutdown(),
        consume: () => {
          if (++calls === 1) throw new TypeError("thrown");
          return calls === 2 ? Promise.reject(new Error("foreign")) : Promise.resolve();
        },
      };
      const config = {
        retry_on_failure: deliveryKeys.retry_on_failure.parse(EXACT),
        sending_queue: deliveryKeys.sending_queue.parse(queue),
      };
      const exporter = withDelivery(settingsWith({ id: "x", signal: "logs" }), config, throwing, { clock });
      await exporter.start();
      const sender = watched(exporter.consume(batchOf(1)));
      await clock.advance(20_000);
      assert.deepEqual([calls, sender.state], [3, "done"]);
      await exporter.shutdown();
    });

    test("an exporter that takes buffers away gets the bytes again", async () => {
      const { exporter, destination, clock } = made([retryable(), retryable()], { queue, takesBuffers: true });
      assert.equal(exporter.capabilities.mutatesData, false);
      await exporter.start();
      const batch = batchOf(3);
      const expected = new Uint8Array(batch.bytes);
      const sender = watched(exporter.consume(batch));
      await clock.advance(60_000);
      assert.equal(sender.state, "done");
      assert.deepEqual(
        destination.attempts.map(({ bytes }) => bytes),
        [expected, expected, expected],
      );
      await exporter.shutdown();
      const once = made([], { queue, takesBuffers: true, retry: { enabled: false } });
      assert.equal(once.exporter.capabilities.mutatesData, true);
    });

    test("timeout: an attempt that says nothing is followed by another, and what it says later counts no more", async () => {
      const { exporter, destination, clock } = made(["hangs"], { queue, retry: EXACT, timeout: 1_000 });
      await exporter.start();
      const sender = watched(exporter.consume(batchOf(1)));
      await clock.advance(1_000);
      destination.attempts[0]!.answer(permanent());
      await clock.advance(4_999);
      assert.equal(sender.state, "open");
      await clock.advance(1);
      assert.deepEqual([times(destination), sender.state], [[0, 6_000], "done"]);
      await exporter.shutdown();
    });

    test("stopping: what waits has its attempt now, and what fails is told at once", async () => {
      const error = retryable("still busy");
      const { exporter, destination, clock } = made([retryable(), error, error], { queue });
      await exporter.start();
      const sender = watched(exporter.consume(batchOf(1)));
      await settled();
      exporter.stopping!();
      await settled();
      assert.equal(sender.state, error);
      await assert.rejects(exporter.consume(batchOf(1)), error);
      await exporter.consume(batchOf(1));
      await exporter.shutdown();
      assert.deepEqual([times(destination), clock.timers], [[0, 0, 0, 0], 0]);
      await assert.rejects(exporter.consume(batchOf(1)), { permanent: false, message: /shut down/ });
    });

    test("a shutdown waits for an attempt that runs, but not for ever", async () => {
      for (const answers of [true, false]) {
        const { exporter, destination, clock } = made(["hangs"], { queue });
        await exporter.start();
        const sender = watched(exporter.consume(batchOf(1)));
        await settled();
        const end = watched(exporter.shutdown());
        await clock.advance(9_999);
        assert.deepEqual([end.state, destination.state], ["open", "started"]);
        if (answers) destination.attempts[0]!.answer();
        await clock.advance(1);
        assert.deepEqual([end.state, destination.state], ["done", "shut down"]);
        if (answers) assert.equal(sender.state, "done");
        else assert.match(stateOf(sender), /not delivered: the collector was shut down/);
        assert.equal(clock.timers, 0);
      }
    });
  });

describe("without a queue", () => {
  test("so many may wait to be tried again; one more is told at once", async () => {
    const error = retryable();
    const { exporter, clock } = made((index) => (index < 1001 ? error : "takes"), { queue: { enabled: false } });
    await exporter.start();
    const senders = Array.from({ length: 1001 }, () => watched(exporter.consume(batchOf(1))));
    await settled();
    assert.deepEqual(
      senders.map(({ state }) => state),
      [...new Array(1000).fill("open"), error],
    );
    assert.equal(clock.timers, 1);
    await clock.advance(10_000);
    assert.ok(senders.slice(0, 1000).every(({ state }) => state === "done"));
    await exporter.shutdown();
  });
});

describe("sending_queue", () => {
  test("num_consumers at the same time, in their order; the rest waits, then is refused", async () => {
    const { exporter, destination } = made(() => "hangs", { queue: { num_consumers: 2, queue_size: 4 } });
    await exporter.start();
    const senders = [1, 2, 3, 4, 5].map((items) => watched(exporter.consume(batchOf(items))));
    await settled();
    assert.equal(destination.open, 2);
    assert.equal(stateOf(senders[4]!), "sending queue is full");
    for (let i = 0; i < 4; i++) {
      destination.attempts[i]!.answer();
      await settled();
      assert.equal(senders[i]!.state, "done");
    }
    assert.deepEqual(
      destination.attempts.map(({ bytes }) => summarize({ signal: "logs", bytes }).items),
      [1, 2, 3, 4],
    );
    assert.equal(destination.mostOpen, 2);
    await exporter.shutdown();
  });

  test("wait_for_result: false: the sender is answered when the batch is in the queue", async () => {
    const { exporter, destination } = made(["hangs"], { queue: { wait_for_result: false } });
    await exporter.start();
    await exporter.consume(batchOf(1));
    destination.attempts[0]!.answer(permanent());
    await exporter.shutdown();
  });

  test("a shutdown sends what is queued, each once", async () => {
    const { exporter, destination } = made((index) => (index < 2 ? "hangs" : index % 3 === 0 ? retryable() : "takes"), {
      queue: { num_consumers: 2 },
    });
    await exporter.start();
    const senders = Array.from({ length: 12 }, () => watched(exporter.consume(batchOf(1))));
    const end = exporter.shutdown();
    destination.attempts[0]!.answer();
    destination.attempts[1]!.answer();
    await end;
    assert.equal(destination.attempts.length, 12);
    assert.deepEqual(
      senders.map(stateOf),
      senders.map((_, index) => (index > 2 && index % 3 === 0 ? "busy" : "done")),
    );
  });

  test("a shutdown says in one line how much was not delivered", async () => {
    for (const [waits, line] of [
      [true, "warn Not all data was delivered before the shutdown; its senders were told. 5 15"],
      [false, "error Not all data was delivered before the shutdown; it is lost. 5 15"],
    ] as const) {
      const { exporter, lines } = made(() => retryable(), { queue: { num_consumers: 2, wait_for_result: waits } });
      await exporter.start();
      const senders = [1, 2, 3, 4, 5].map((count) => watched(exporter.consume(batchOf(count))));
      await settled();
      await exporter.shutdown();
      assert.equal(lines.at(-1), line);
      assert.ok(senders.every(({ settled: told }) => told === 1));
    }
  });

  test("storage: an extension that is not there, and one that keeps nothing", () => {
    const create = (extensions: ReadonlyMap<string, object>) =>
      withDelivery(
        {
          ...settingsWith({ id: "otlp_http", signal: "logs" }),
          host: { extension: (id) => extensions.get(id) as never },
        },
        {
          retry_on_failure: deliveryKeys.retry_on_failure.parse({}),
          sending_queue: deliveryKeys.sending_queue.parse({ storage: "disk" }),
        },
        made([]).destination,
      );
    assert.throws(
      () => create(new Map()),
      (error: unknown) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, /^exporters::otlp_http::sending_queue::storage: the extension "disk" is not there/);
        return true;
      },
    );
    assert.throws(() => create(new Map([["disk", {}]])), /"disk" cannot keep data/);
  });
});

describe("sending_queue::storage", () => {
  const stored = (storage: MapStorage, outcomes: Parameters<typeof made>[0], parts: Parts = {}) => {
    const extension = { start: async () => {}, shutdown: async () => {}, storage };
    return made(outcomes, {
      ...parts,
      queue: { storage: "disk", ...parts.queue },
      more: { host: { extension: (id) => (id === "disk" ? extension : undefined) } },
    });
  };
  const turns = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await settled();
  };

  test("a sender is answered when its batch is stored; it leaves the store when it was delivered", async () => {
    const storage = new MapStorage();
    const { exporter, destination } = stored(storage, ["hangs"]);
    await exporter.start();
    await exporter.consume(batchOf(1));
    await turns();
    assert.deepEqual([storage.entries.size, destination.attempts.length], [1, 1]);
    destination.attempts[0]!.answer();
    await exporter.shutdown();
    assert.equal(storage.entries.size, 0);
  });

  test("what was not delivered is there for the next, and what is refused for good is not", async () => {
    const storage = new MapStorage();
    const before = stored(storage, [permanent(), retryable(), retryable(), "hangs", retryable(), "takes"], {
      queue: { num_consumers: 3 },
    });
    await before.exporter.start();
    for (let items = 1; items <= 5; items++) await before.exporter.consume(batchOf(items));
    await turns();
    const end = watched(before.exporter.shutdown());
    await before.clock.advance(10_000);
    assert.equal(end.state, "done");
    // The third had its last attempt, and was taken then; the fifth had none.
    assert.equal(storage.entries.size, 3);
    const after = stored(storage, []);
    await after.exporter.start();
    await turns();
    assert.deepEqual(
      after.destination.attempts.map(({ bytes }) => summarize({ signal: "logs", bytes }).items),
      [2, 4, 5],
    );
    await after.exporter.shutdown();
    assert.equal(storage.entries.size, 0);
  });

  for (const [name, retry] of [
    ["when the time is up", { ...EXACT, initial_interval: "2s", max_interval: "2s", max_elapsed_time: "3s" }],
    ["without retry_on_failure", { enabled: false, initial_interval: "2s" }],
  ] as const)
    test(`nothing is given up, and no attempt comes before its time: ${name}`, async () => {
      const storage = new MapStorage();
      const { exporter, destination, clock } = stored(storage, (index) => (index < 3 ? retryable() : "takes"), {
        retry,
      });
      await exporter.start();
      await exporter.consume(batchOf(1));
      for (let i = 0; i < 20; i++) {
        await turns();
        await clock.advance(500);
      }
      assert.deepEqual(times(destination), [0, 2_000, 4_000, 6_000]);
      await exporter.shutdown();
      assert.equal(storage.entries.size, 0);
    });

  test("a wish of the server that is longer than max_elapsed_time is heard", async () => {
    const storage = new MapStorage();
    const { exporter, destination, clock } = stored(storage, [retryable("slow down", 600_000)]);
    await exporter.start();
    await exporter.consume(batchOf(1));
    await turns();
    await clock.advance(599_999);
    await turns();
    assert.equal(destination.attempts.length, 1);
    await clock.advance(1);
    await turns();
    assert.equal(destination.attempts.length, 2);
    await exporter.shutdown();
  });
});

describe("sending_queue::batch", () => {
  const items = (destination: Destination): number[] =>
    destination.attempts.map(({ bytes }) => summarize({ signal: "logs", bytes }).items);

  test("waits for more, no longer than flush_timeout; all in it have one outcome", async () => {
    const error = retryable();
    const { exporter, destination, clock } = made(["takes", error], {
      queue: { batch: { min_size: 5 } },
      retry: { enabled: false },
    });
    await exporter.start();
    const first = [2, 2, 2].map((count) => watched(exporter.consume(batchOf(count))));
    await settled();
    assert.deepEqual([items(destination), first.map(({ state }) => state)], [[6], ["done", "done", "done"]]);
    const second = [1, 2].map((count) => watched(exporter.consume(batchOf(count))));
    await clock.advance(199);
    assert.equal(destination.attempts.length, 1);
    await clock.advance(1);
    assert.deepEqual(
      [items(destination), second.map(({ state }) => state)],
      [
        [6, 3],
        [error, error],
      ],
    );
    const { bytes } = destination.attempts[1]!;
    assert.deepEqual(bytes, Uint8Array.from(Buffer.concat([batchOf(1).bytes, batchOf(2).bytes])));
    await exporter.shutdown();
  });

  test("max_size: what is there is filled up, and what is too large is taken apart; its outcome is that of all parts", async () => {
    const { exporter, destination, clock } = made(["takes", "takes", retryable(), "takes"], {
      queue: { batch: { min_size: 3, max_size: 4 } },
      retry: { enabled: false },
    });
    await exporter.start();
    const small = watched(exporter.consume(batchOf(2)));
    const large = watched(exporter.consume(batchOf(11)));
    await clock.advance(200);
    assert.deepEqual(items(destination), [4, 4, 4, 1]);
    assert.deepEqual([small.state, stateOf(large)], ["done", "busy"]);
    await exporter.shutdown();
  });

  test("of a batch that was taken apart, what may be taken later counts more than what never will be", async () => {
    const { exporter, destination } = made([permanent(), retryable(), "takes"], {
      queue: { batch: { min_size: 2, max_size: 2 } },
      retry: { enabled: false },
    });
    await exporter.start();
    const sender = watched(exporter.consume(batchOf(6)));
    await settled();
    assert.deepEqual([items(destination), stateOf(sender)], [[2, 2, 2], "busy"]);
    await exporter.shutdown();
  });

  test("what is refused for good in a merged batch is sent on its own: one's mistake is not the others' loss", async () => {
    const bad = ConsumerError.permanent("bad data", { code: StatusCode.INVALID_ARGUMENT });
    const { exporter, destination } = made(["hangs", bad, "takes", bad, bad, "takes"], {
      queue: { num_consumers: 1, batch: { min_size: 6 } },
    });
    await exporter.start();
    const first = watched(exporter.consume(batchOf(6)));
    const senders = [1, 2, 3].map((count) => watched(exporter.consume(batchOf(count))));
    destination.attempts[0]!.answer();
    await settled();
    assert.deepEqual(items(destination), [6, 6, 1, 5, 2, 3]);
    assert.deepEqual([first, ...senders].map(stateOf), ["done", "done", "bad data", "done"]);
    await exporter.shutdown();
  });

  test("a refusal that is not of the data is everybody's", async () => {
    const stranger = ConsumerError.permanent("who are you", { code: StatusCode.UNAUTHENTICATED });
    const { exporter, destination } = made(() => stranger, { queue: { batch: { min_size: 3 } } });
    await exporter.start();
    const senders = [1, 2].map((count) => watched(exporter.consume(batchOf(count))));
    await settled();
    assert.deepEqual([items(destination), senders.map(stateOf)], [[3], ["who are you", "who are you"]]);
    await exporter.shutdown();
  });

  test("a shutdown does not wait for more", async () => {
    const { exporter, destination } = made([], { queue: { batch: {} } });
    await exporter.start();
    const sender = watched(exporter.consume(batchOf(2)));
    await exporter.shutdown();
    assert.deepEqual([items(destination), sender.state], [[2], "done"]);
  });
});

test("whatever the destination does: who is told success has its data there, everybody is told once, and nothing is left behind", async () => {
  const outcome = fc.oneof(
    { weight: 3, arbitrary: fc.constant("takes" as const) },
    fc.constant("hangs" as const),
    fc.record({ permanent: fc.boolean(), retryAfterMs: fc.option(fc.integer({ min: 0, max: 40_000 })) }),
  );
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant("send" as const), items: fc.integer({ min: 1, max: 9 }) }) },
    fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 20_000 }) }),
    fc.record({ do: fc.constant("answer" as const), which: fc.nat(), fails: fc.boolean() }),
  );
  const batch = fc.option(fc.record({ min_size: fc.integer({ min: 0, max: 6 }), max_size: fc.constantFrom(0, 6, 8) }), {
    nil: undefined,
  });
  const shape = fc.record({
    queue: fc.boolean(),
    retry: fc.boolean(),
    waits: fc.boolean(),
    blocks: fc.boolean(),
    takesBuffers: fc.boolean(),
    timeout: fc.constantFrom(undefined, 3_000),
    sizer: fc.constantFrom("requests", "items"),
    consumers: fc.integer({ min: 1, max: 3 }),
    batch,
  });
  await fc.assert(
    fc.asyncProperty(
      shape,
      fc.array(outcome, { maxLength: 30 }),
      fc.array(step, { maxLength: 30 }),
      async (of, outcomes, steps) => {
        const { exporter, destination, clock } = made(
          (index) => {
            const one = outcomes[index];
            if (one === undefined || typeof one === "string") return one ?? "takes";
            const options = one.retryAfterMs === null ? {} : { retryAfterMs: one.retryAfterMs };
            return new ConsumerError("no", one.permanent, options);
          },
          {
            retry: { enabled: of.retry },
            queue: {
              enabled: of.queue,
              num_consumers: of.consumers,
              queue_size: of.sizer === "items" ? 20 : 5,
              sizer: of.sizer,
              wait_for_result: of.waits,
              block_on_overflow: of.blocks,
              ...(of.batch === undefined ? {} : { batch: { sizer: "items", ...of.batch } }),
            },
            takesBuffers: of.takesBuffers,
            ...(of.timeout === undefined ? {} : { timeout: of.timeout }),
          },
        );
        await exporter.start();
        /** What the destination has said yes to, also late. */
        const taken: Uint8Array[] = [];
        const answered = new Set<number>();
        const senders: { id: string; items: number; watch: Watched }[] = [];
        for (const one of steps) {
          if (one.do === "wait") await clock.advance(one.ms);
          else if (one.do === "answer") {
            const open = destination.attempts.flatMap(({ outcome: said }, index) =>
              said === "hangs" && !answered.has(index) ? [index] : [],
            );
            const index = open[one.which % Math.max(1, open.length)];
            if (index === undefined) continue;
            answered.add(index);
            const attempt = destination.attempts[index]!;
            if (!one.fails) taken.push(attempt.bytes);
            attempt.answer(one.fails ? retryable("late") : undefined);
            await settled();
          } else {
            const id = `sender-${senders.length}-`;
            const bytes = recordsOf(id, one.items);
            senders.push({ id, items: one.items, watch: watched(exporter.consume({ signal: "logs", bytes })) });
            await settled();
          }
          if (of.queue && of.timeout === undefined) assert.ok(destination.open <= of.consumers);
          assert.ok(clock.timers <= 1);
        }
        const end = watched(exporter.shutdown());
        await clock.advance(30_000);
        assert.deepEqual([end.state, destination.state, clock.timers], ["done", "shut down", 0]);
        const delivered = Buffer.concat([...taken, ...destination.taken]).toString("latin1");
        const refused = Buffer.concat(
          destination.attempts.flatMap(({ outcome: said, bytes }) =>
            said instanceof ConsumerError && said.permanent ? [bytes] : [],
          ),
        ).toString("latin1");
        for (const { id, items, watch } of senders) {
          assert.equal(watch.settled, 1, "each sender is told once");
          const forGood = watch.state instanceof ConsumerError && watch.state.permanent;
          for (let item = 0; forGood && item < items; item++)
            assert.ok(
              delivered.includes(`${id}${item}.`) || refused.includes(`${id}${item}.`),
              `${id}${item} was refused`,
            );
          if (watch.state !== "done" || (of.queue && !of.waits)) continue;
          for (let item = 0; item < items; item++)
            assert.ok(delivered.includes(`${id}${item}.`), `${id}${item} was acknowledged`);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("in a store: what was acknowledged is delivered, by this process or the next, or was refused for good", async () => {
  const outcome = fc.oneof(
    { weight: 3, arbitrary: fc.constant("takes" as const) },
    fc.constant("hangs" as const),
    fc.record({ permanent: fc.boolean(), retryAfterMs: fc.option(fc.integer({ min: 0, max: 40_000 })) }),
  );
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant("send" as const), items: fc.integer({ min: 1, max: 9 }) }) },
    fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 20_000 }) }),
    fc.record({ do: fc.constant("restart" as const) }),
  );
  const shape = fc.record({
    retry: fc.boolean(),
    takesBuffers: fc.boolean(),
    consumers: fc.integer({ min: 1, max: 3 }),
    batch: fc.option(fc.record({ min_size: fc.integer({ min: 0, max: 6 }), max_size: fc.constantFrom(0, 6, 8) }), {
      nil: undefined,
    }),
  });
  await fc.assert(
    fc.asyncProperty(
      shape,
      fc.array(outcome, { maxLength: 20 }),
      fc.array(step, { maxLength: 25 }),
      async (of, outcomes, steps) => {
        const storage = new MapStorage();
        const extension = { start: async () => {}, shutdown: async () => {}, storage };
        let attempts = 0;
        const lives: Destination[] = [];
        const life = async (says: () => Outcome): Promise<ReturnType<typeof made>> => {
          const begun = made(says, {
            retry: { enabled: of.retry },
            queue: {
              storage: "disk",
              num_consumers: of.consumers,
              ...(of.batch === undefined ? {} : { batch: { sizer: "items", ...of.batch } }),
            },
            takesBuffers: of.takesBuffers,
            more: { host: { extension: (id) => (id === "disk" ? extension : undefined) } },
          });
          lives.push(begun.destination);
          await begun.exporter.start();
          return begun;
        };
        const end = async ({ exporter, clock }: ReturnType<typeof made>): Promise<void> => {
          const ended = watched(exporter.shutdown());
          await clock.advance(10_000);
          for (let turn = 0; turn < 5; turn++) await settled();
          assert.deepEqual([ended.state, clock.timers], ["done", 0]);
        };
        const says = (): Outcome => {
          const one = outcomes[attempts++];
          if (one === undefined || typeof one === "string") return one ?? "takes";
          const options = one.retryAfterMs === null ? {} : { retryAfterMs: one.retryAfterMs };
          return new ConsumerError("no", one.permanent, options);
        };
        let now = await life(says);
        const senders: { readonly id: string; readonly items: number; readonly watch: Watched }[] = [];
        for (const one of steps) {
          if (one.do === "wait") await now.clock.advance(one.ms);
          else if (one.do === "restart") {
            await end(now);
            now = await life(says);
          } else {
            const id = `sender-${senders.length}-`;
            const bytes = recordsOf(id, one.items);
            senders.push({ id, items: one.items, watch: watched(now.exporter.consume({ signal: "logs", bytes })) });
          }
          for (let turn = 0; turn < 3; turn++) await settled();
        }
        await end(now);
        const last = await life(() => "takes");
        for (let turn = 0; turn < 50 && storage.entries.size > 0; turn++) await last.clock.advance(200);
        await end(last);
        assert.equal(storage.entries.size, 0);
        const dealtWith = lives.flatMap((destination) =>
          destination.attempts.flatMap(({ outcome: said, bytes }) =>
            said === "takes" || (said instanceof ConsumerError && said.permanent) ? [bytes] : [],
          ),
        );
        const text = Buffer.concat(dealtWith).toString("latin1");
        for (const { id, items, watch } of senders) {
          assert.equal(watch.settled, 1);
          if (watch.state !== "done") continue;
          for (let item = 0; item < items; item++) assert.ok(text.includes(`${id}${item}.`), `${id}${item}`);
        }
      },
    ),
    { numRuns: 150 },
  );
});
