import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import type { Consumer } from "../../component/component.ts";
import { StatusCode } from "../../component/errors.ts";
import { LineWriter } from "../../component/logger.ts";
import type { Count, Measuring } from "../../component/measuring.ts";
import { settingsWith } from "../../component/testing/settings.ts";
import { applySchema } from "../../config/schema.ts";
import { type Batch, SIGNALS, type Signal } from "../../telemetry/batch.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { schema } from "./config.ts";
import { memoryLimiterProcessor } from "./factory.ts";
import { MemoryLimiter } from "./limiter.ts";
import { processMemory } from "./memory.ts";

const MIB = 2 ** 20;

describe("configuration", () => {
  test("the Collector's defaults, and the examples of its documentation", () => {
    const limits = (config: object, totalMib = 1000) => {
      const memory = { used: () => 0, total: () => totalMib * MIB, collect: undefined };
      const { hard, soft } = new MemoryLimiter(schema.parse(config), memory, new Lines());
      return [hard / MIB, soft / MIB];
    };
    assert.deepEqual(limits({ check_interval: "1s", limit_mib: 4000, spike_limit_mib: 800 }), [4000, 3200]);
    assert.deepEqual(limits({ check_interval: "1s", limit_percentage: 80, spike_limit_percentage: 15 }), [800, 650]);
    assert.deepEqual(limits({ check_interval: "1s", limit_mib: 1000 }), [1000, 800]);
    assert.deepEqual(limits({ check_interval: "1s", limit_percentage: 50 }), [500, 400]);
    assert.deepEqual(limits({ check_interval: "1s", limit_mib: 100, limit_percentage: 50 }), [100, 80]);
  });

  const cases: readonly (readonly [config: object, issue: string])[] = [
    [{ limit_mib: 1 }, "'check_interval' must be greater than zero"],
    [{ check_interval: 0, limit_mib: 1 }, "'check_interval' must be greater than zero"],
    [{ check_interval: "1s" }, "'limit_mib' or 'limit_percentage' must be greater than zero"],
    [
      { check_interval: "1s", limit_percentage: 101 },
      "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and less than or equal to hundred",
    ],
    [
      { check_interval: "1s", limit_mib: 10, spike_limit_mib: 10 },
      "'spike_limit_mib' must be smaller than 'limit_mib'",
    ],
    [
      { check_interval: "1s", limit_percentage: 10, spike_limit_percentage: 20 },
      "'spike_limit_percentage' must be smaller than 'limit_percentage'",
    ],
    [
      { check_interval: "1s", limit_mib: 1, min_gc_interval_when_hard_limited: "11s" },
      "'min_gc_interval_when_soft_limited' should be larger than 'min_gc_interval_when_hard_limited'",
    ],
  ];
  for (const [config, issue] of cases)
    test(issue, () => {
      const checked = applySchema(schema, config, ["processors", "memory_limiter"]);
      assert.deepEqual(checked.ok ? [] : checked.issues, [`processors::memory_limiter: ${issue}`]);
    });

  test("unknown keys and wrong values", () => {
    const checked = applySchema(schema, { limit_mb: 1, check_interval: "1", limit_mib: -1 }, ["processors", "m"]);
    assert.deepEqual(checked.ok ? [] : checked.issues, [
      'processors::m::check_interval: "1" needs a unit, for example "200ms", "5s" or "1m30s"',
      "processors::m::limit_mib: must be at least 0",
      'processors::m::limit_mb: unknown key; did you mean "limit_mib"?',
    ]);
  });
});

class Lines extends LineWriter {
  readonly lines: string[] = [];

  override write(level: string, message: string): void {
    if (level !== "debug") this.lines.push(`${level}: ${message}`);
  }
}

/** A limiter of 100 MiB, soft 80, for a process whose memory the test says. */
function limited(config: object = {}, canCollect = true) {
  const state = { used: 0, live: 0, collections: 0, now: 0, collectionMs: 0 };
  const log = new Lines();
  const memory = {
    used: () => state.used * MIB,
    total: () => 0,
    collect: canCollect
      ? () => {
          state.used = state.live;
          state.collections++;
          state.now += state.collectionMs;
        }
      : undefined,
  };
  const parsed = schema.parse({ check_interval: "1s", limit_mib: 100, ...config });
  const limiter = new MemoryLimiter(parsed, memory, log, () => state.now);
  return { state, limiter, lines: log.lines };
}

describe("the limiter", () => {
  test("garbage does not count; what is in use does, from the soft limit on, until there is less again", () => {
    const { state, limiter, lines } = limited();
    const check = (used: number, live: number): boolean => {
      Object.assign(state, { used, live, now: state.now + 1000 });
      limiter.check();
      return limiter.refuses(0);
    };
    assert.equal(check(79, 79), false);
    assert.equal(state.collections, 0);
    assert.equal(check(90, 10), false);
    assert.equal(check(120, 79), false);
    assert.equal(check(80, 80), true);
    assert.equal(check(85, 81), true);
    assert.equal(check(130, 100), true);
    assert.equal(check(85, 79), false);
    assert.equal(check(10, 10), false);
    assert.deepEqual(lines, [
      "info: Memory usage is above soft limit. Forcing a GC.",
      "warn: Memory usage is above hard limit. Forcing a GC.",
      "info: Memory usage is above soft limit. Forcing a GC.",
      "warn: Memory usage is above soft limit. Refusing data.",
      "info: Memory usage back within limits. Resuming normal operation.",
    ]);
  });

  test("collections keep the configured distance, and take a tenth of the time at most", () => {
    const config = { min_gc_interval_when_soft_limited: "10s", min_gc_interval_when_hard_limited: "3s" };
    const { state, limiter } = limited(config);
    const at = (now: number, used: number): number => {
      Object.assign(state, { now, used, live: used });
      limiter.check();
      return state.collections;
    };
    assert.deepEqual([at(0, 90), at(9_999, 90), at(10_000, 90), at(12_000, 110), at(13_000, 110)], [1, 1, 2, 2, 3]);

    const slow = limited();
    Object.assign(slow.state, { used: 90, live: 90, collectionMs: 500 });
    slow.limiter.check();
    slow.state.now += 4_999;
    slow.limiter.check();
    assert.equal(slow.state.collections, 1);
    slow.state.now += 1;
    slow.limiter.check();
    assert.equal(slow.state.collections, 2);
  });

  test("where garbage cannot be collected the limits hold all the same", () => {
    const { state, limiter, lines } = limited({}, false);
    state.used = 90;
    limiter.check();
    assert.equal(limiter.refuses(0), true);
    state.used = 10;
    limiter.check();
    assert.equal(limiter.refuses(0), false);
    assert.equal(lines.length, 2);
  });

  test("when as much has come as would reach the limit it looks at once, and not for each batch", () => {
    const { state, limiter } = limited();
    state.used = 60;
    limiter.check();
    state.now = 1000;
    assert.equal(limiter.refuses(19 * MIB), false);
    Object.assign(state, { used: 90, live: 90 });
    assert.equal(limiter.refuses(MIB), true);
    assert.equal(limiter.refuses(0), true);

    const other = limited();
    other.limiter.check();
    other.state.used = 79;
    other.state.now = 19;
    assert.equal(other.limiter.refuses(85 * MIB), false);
    Object.assign(other.state, { used: 95, live: 95 });
    assert.equal(other.limiter.refuses(MIB), false, "it has looked a moment ago");
    other.state.now = 20;
    assert.equal(other.limiter.refuses(MIB), true);
  });

  test("looks at the start and every check_interval, until the last that uses it stops", (context: TestContext) => {
    context.mock.timers.enable({ apis: ["setInterval"] });
    const { state, limiter, lines } = limited({ check_interval: "100ms" });
    Object.assign(state, { used: 90, live: 90 });
    limiter.start();
    limiter.start();
    assert.equal(limiter.refuses(0), true);
    state.used = 10;
    limiter.stop();
    context.mock.timers.tick(99);
    assert.equal(limiter.refuses(0), true);
    context.mock.timers.tick(1);
    assert.equal(limiter.refuses(0), false);
    limiter.stop();
    state.used = 90;
    context.mock.timers.tick(1000);
    assert.equal(limiter.refuses(0), false);
    assert.equal(lines[0], "info: Memory limiter configured");
  });
});

describe("the processor", () => {
  const nop: Consumer = { capabilities: { mutatesData: false }, consume: async () => {} };

  test("hands on what it gets, and counts it; refuses when there is too little memory: retryable, with a delay", async () => {
    const counts = new Map<string, Count>();
    const measuring: Measuring = {
      level: "normal",
      counter({ name }, attributes) {
        assert.deepEqual(attributes, { processor: "memory_limiter" });
        const count = counts.get(name) ?? { value: 0 };
        counts.set(name, count);
        return count;
      },
      observeCounter: () => assert.fail(),
      observeGauge: () => assert.fail(),
      histogram: () => assert.fail(),
    };
    const shared = new Map();
    const got: Batch[] = [];
    const next: Consumer = { ...nop, consume: async (batch) => void got.push(batch) };
    const create = (signal: Signal, config: object) =>
      memoryLimiterProcessor.create(
        settingsWith({ id: "memory_limiter", signal, measuring, shared }),
        memoryLimiterProcessor.schema.parse({ check_interval: "5s", ...config }),
        next,
      );
    const large = { limit_mib: 100_000 };
    for (const [index, signal] of SIGNALS.entries()) {
      const processor = create(signal, large);
      await processor.start();
      const batch: Batch = { signal, bytes: buildPayload(signal, 3) };
      await processor.consume(batch);
      assert.equal(got[index], batch);
      await processor.shutdown();
      await processor.shutdown();
    }
    assert.equal(shared.size, 1, "pipelines share one");
    shared.clear();
    const small = create("logs", { limit_mib: 1 });
    await small.start();
    await assert.rejects(small.consume({ signal: "logs", bytes: buildPayload("logs", 5) }), {
      name: "ConsumerError",
      message: "data refused due to high memory usage",
      permanent: false,
      code: StatusCode.UNAVAILABLE,
      retryAfterMs: 5000,
    });
    await small.shutdown();
    assert.deepEqual(
      [...counts].map(([name, { value }]) => [name, value]),
      [
        ["otelcol_processor_accepted_spans", 3],
        ["otelcol_processor_refused_spans", 0],
        ["otelcol_processor_accepted_metric_points", 3],
        ["otelcol_processor_refused_metric_points", 0],
        ["otelcol_processor_accepted_log_records", 3],
        ["otelcol_processor_refused_log_records", 5],
      ],
    );
  });

  test("what is measured are heap and buffers of this thread, and the limit of a control group counts", () => {
    const before = processMemory.used();
    assert.ok(before > MIB && before < 4000 * MIB);
    const held = Buffer.alloc(64 * MIB, 1);
    assert.ok(processMemory.used() - before > 50 * MIB);
    assert.equal(held[0], 1);
    assert.ok(processMemory.total() >= 64 * MIB && Number.isFinite(processMemory.total()));
  });
});
