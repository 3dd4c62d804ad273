/** What a plugin may do in a call of the data path: the sender hears of it, nobody else notices, and the plugin comes back. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Sink, startSink } from "../sink.ts";
import { BEGINS, type HostileParts, hostileGuest } from "./guests.ts";
import { BAD, type Fixture, GOOD, type HostileOptions, withHostile } from "./neighbour.ts";

const SPIN = "(loop $again (br $again))";
const GROW = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))";
const WASI = "wasi_snapshot_preview1";

/** gRPC codes and what HTTP says for them. */
const DEADLINE_EXCEEDED = [4, 503] as const;
const INTERNAL = [13, 500] as const;
const UNAVAILABLE = [14, 503] as const;

interface Hostile extends HostileOptions {
  readonly does: string;
  readonly parts: HostileParts;
  readonly answer: readonly [code: number, httpStatus: number];
  readonly message: RegExp;
  /** The call lasts until it is stopped, so that others are answered while it runs. */
  readonly lasts?: boolean;
  /** A status is an answer like any other: the instance stays. */
  readonly stays?: boolean;
}

const CALL_TIMEOUT = { limits: { call_timeout: "1s" } };

const LASTING: readonly Hostile[] = [
  { does: "spins in consume", parts: { consume: SPIN } },
  { does: "spins in alloc", parts: { alloc: SPIN } },
  { does: "spins in consume of an exporter", parts: { consume: SPIN }, role: "exporter" as const },
  {
    does: "sleeps for years",
    parts: {
      imports: `(import "${WASI}" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))`,
      consume: `(i32.store (i32.const 272) (i32.const 1)) (i64.store (i32.const 280) (i64.const 0x7000000000000000))
        (drop (call $poll (i32.const 256) (i32.const 512) (i32.const 1) (i32.const 640))) ${SPIN}`,
    },
  },
  { does: "writes log lines without end", parts: { consume: "(loop $again (call $begins) (br $again))" } },
].map((hostile) => ({
  config: CALL_TIMEOUT,
  ...hostile,
  answer: DEADLINE_EXCEEDED,
  message: /wasm\/hostile: consume_traces: stopped: it ran longer than \d+ ms/,
  lasts: true,
}));

/** Pointer and size: over the end by one, around the end of the address space, everything there is, negative as a signed number. */
const WILD = [
  ["0x1ffff", "2"],
  ["0xfffffff0", "0x20"],
  ["0", "0xffffffff"],
  ["0x80000000", "0x80000000"],
] as const;
const TAKES_POINTERS: Readonly<Record<string, (pointer: string, size: string) => string>> = {
  set_result_traces: (p, s) => `(call $set_result_traces (i32.const ${p}) (i32.const ${s}))`,
  set_status_reason: (p, s) => `(call $set_status_reason (i32.const ${p}) (i32.const ${s}))`,
  log: (p, s) => `(call $log (i32.const 2) (i32.const ${p}) (i32.const ${s}))`,
};

const POINTERS: readonly Hostile[] = [
  ...Object.entries(TAKES_POINTERS).flatMap(([name, call]) =>
    WILD.map(([pointer, size]) => ({
      does: `gives ${name} ${size} bytes at ${pointer}`,
      parts: { consume: call(pointer, size) },
      answer: UNAVAILABLE,
      message: new RegExp(
        `trapped: .*${name}: ${Number(size)} bytes at pointer ${Number(pointer)} are outside the memory`,
      ),
    })),
  ),
  ...["0x1ffff", "0xffffffff", "0x80000000"].map((pointer) => ({
    does: `asks for its configuration at ${pointer}`,
    parts: { consume: `(drop (call $get_plugin_config (i32.const ${pointer}) (i32.const -1)))` },
    answer: UNAVAILABLE,
    message: /trapped: .*get_plugin_config: \d+ bytes at pointer \d+ are outside the memory/,
  })),
  ...["0x1ffff", "0xffffffff", "0x80000000"].map((pointer) => ({
    does: `has room for a batch at ${pointer}`,
    parts: { alloc: `(return (i32.const ${pointer}))` },
    answer: UNAVAILABLE,
    message: /alloc returned the pointer \d+ for \d+ bytes, outside the memory of 131072 bytes/,
  })),
];

const OTHERS: readonly Hostile[] = [
  {
    does: "sets empty results without end",
    parts: { consume: "(loop $again (call $set_result_traces (i32.const 0) (i32.const 0)) (br $again))" },
    answer: UNAVAILABLE,
    message: /set_result_traces called more than 65536 times in one call/,
  },
  {
    does: "has no room for a batch",
    parts: { alloc: "(return (i32.const 0))" },
    answer: UNAVAILABLE,
    message: /alloc returned 0 for \d+ bytes/,
    stays: true,
  },
  {
    does: "traps in consume",
    parts: { consume: "unreachable" },
    answer: UNAVAILABLE,
    message: /consume_traces: trapped: /,
  },
  { does: "traps in alloc", parts: { alloc: "unreachable" }, answer: UNAVAILABLE, message: /alloc: trapped: / },
  {
    does: "calls itself without end",
    parts: { fields: "(func $deeper (call $deeper) (call $deeper))", consume: "(call $deeper)" },
    answer: UNAVAILABLE,
    message: /consume_traces: trapped: /,
  },
  {
    does: "exits",
    parts: {
      imports: `(import "${WASI}" "proc_exit" (func $exit (param i32)))`,
      consume: "(call $exit (i32.const 3))",
    },
    answer: UNAVAILABLE,
    message: /consume_traces: trapped: .*exit/,
  },
  {
    does: "takes memory until there is no more, and traps",
    parts: { consume: `${GROW} unreachable` },
    config: { limits: { memory: "16MiB" } },
    answer: UNAVAILABLE,
    message: /consume_traces: trapped: /,
  },
  {
    does: "takes memory until there is no more, and says so",
    parts: { consume: `${GROW} (return (i32.const 1))` },
    config: { limits: { memory: "16MiB" } },
    answer: UNAVAILABLE,
    message: /status 1 \(error\)/,
    stays: true,
  },
  {
    does: "claims a result of 2 GiB that it does not have",
    parts: { consume: "(call $set_result_traces (i32.const 0) (i32.const 0x80000000))" },
    answer: UNAVAILABLE,
    message: /2147483648 bytes at pointer 0 are outside the memory of 131072 bytes/,
  },
  {
    does: "sets a result of 2 GiB",
    parts: {
      consume: `(drop (memory.grow (i32.const 0x8000)))
        (call $set_result_traces (i32.const 0) (i32.const 0x80000000))`,
    },
    config: { limits: { memory: "3GiB" } },
    answer: INTERNAL,
    message: /its results have 2147483648 bytes, more than max_result_bytes \(67108864\)/,
    stays: true,
  },
  {
    does: "sets results that are too much together",
    parts: {
      fields: "(global $left (mut i32) (i32.const 0))",
      consume: `(global.set $left (i32.const 100))
        (loop $again (call $set_result_traces (i32.const 0) (i32.const 65536))
          (br_if $again (global.get $left) (global.set $left (i32.sub (global.get $left) (i32.const 1)))))`,
    },
    config: { limits: { max_result_bytes: "1MiB" } },
    answer: INTERNAL,
    message: /its results have 6619136 bytes, more than max_result_bytes \(1048576\)/,
    stays: true,
  },
  {
    does: "sets the result of another signal",
    parts: { consume: "(call $set_result_logs (i32.const 0) (i32.const 0))" },
    answer: UNAVAILABLE,
    message: /set_result_logs called during consume_traces/,
  },
  {
    does: "sets a result while it is asked for room",
    parts: { alloc: "(call $set_result_traces (i32.const 0) (i32.const 0))" },
    answer: UNAVAILABLE,
    message: /set_result_traces called during alloc/,
  },
  {
    does: "sets a result as an exporter",
    role: "exporter",
    parts: { consume: "(call $set_result_traces (i32.const 0) (i32.const 0))" },
    answer: UNAVAILABLE,
    message: /set_result_traces called during consume_traces: an exporter's plugin has no results/,
  },
];

describe("hostile calls", () => {
  let sink: Sink;
  before(async () => {
    sink = await startSink();
  });
  after(() => sink.close());

  /** A good batch passes, and is at the sink; an exporter's ends in the guest. */
  async function works(fixture: Fixture, { role }: HostileOptions): Promise<void> {
    const delivered = (): number => sink.requests.filter(({ signal }) => signal === "traces").length;
    const earlier = delivered();
    assert.equal((await fixture.grpc(GOOD)).code, 0);
    assert.equal(delivered() - earlier, role === "exporter" ? 0 : 1);
  }

  for (const hostile of [...LASTING, ...POINTERS, ...OTHERS])
    test(`a plugin that ${hostile.does}`, async () => {
      await using fixture = await withHostile(sink, await hostileGuest(hostile.parts), hostile);
      const { log, neighbour } = fixture;
      await works(fixture, hostile);

      const order: string[] = [];
      const bad = fixture.grpc(BAD).finally(() => order.push("the hostile call was answered"));
      if (hostile.lasts) {
        await log.waitFor(new RegExp(BEGINS));
        await neighbour.more(3);
        order.push("the neighbour was answered");
      }
      const { code, message } = await bad;
      assert.deepEqual([code, message.match(hostile.message)?.index !== undefined], [hostile.answer[0], true], message);
      if (hostile.lasts) assert.deepEqual(order, ["the neighbour was answered", "the hostile call was answered"]);

      await works(fixture, hostile);
      const answer = await fixture.http(BAD);
      assert.equal(answer.status, hostile.answer[1]);
      assert.match(answer.body.toString(), hostile.message);
      await works(fixture, hostile);

      const delivered = sink.requests.filter(({ signal }) => signal === "traces");
      assert.deepEqual(
        new Set(delivered.map(({ raw }) => Buffer.from(raw).toString("hex"))).size,
        delivered.length === 0 ? 0 : 1,
      );
      assert.equal(log.matching(/was replaced by a fresh one/).length, hostile.stays ? 0 : 2);
      assert.equal(await fixture.finish(), undefined);
    });

  test("a plugin that floods the log: the call succeeds, most lines are suppressed, and the log says how many", async () => {
    const lines = 10_000;
    const path = await hostileGuest({
      fields: "(global $left (mut i32) (i32.const 0))",
      consume: `(global.set $left (i32.const ${lines - 1}))
        (loop $again (call $log (i32.const 4) (i32.const 0) (i32.const 65536))
          (br_if $again (global.get $left) (global.set $left (i32.sub (global.get $left) (i32.const 1)))))`,
    });
    await using fixture = await withHostile(sink, path, { config: { limits: { call_timeout: "60s" } } });
    assert.equal((await fixture.grpc(BAD)).code, 0);
    await fixture.neighbour.more(2);
    await works(fixture, {});
    assert.equal(await fixture.finish(), undefined);
    const written = fixture.log.matching(new RegExp(BEGINS)).length;
    const suppressed = fixture.log
      .matching(/lines of the plugin were suppressed/)
      .flatMap((line) => line.match(/suppressed=(\d+)/)?.[1] ?? []);
    assert.ok(written < lines / 2, `${written} of ${lines} lines were written`);
    assert.ok(suppressed.length > 0);
    assert.equal(written + suppressed.reduce((sum, count) => sum + Number(count), 0), lines + 1);
  });

  test("a plugin that breaks too often is failed: that stands in the log, the sender hears it, the process goes on", async () => {
    const restart = { initial_interval: "1ms", max_interval: "1ms", max_restarts: 3 };
    await using fixture = await withHostile(sink, await hostileGuest({ always: "unreachable" }), {
      config: { restart },
    });
    const { log } = fixture;
    const failed = log.waitFor(/error: the plugin has failed for good/);
    for (let broken = 0; log.matching(/failed for good/).length === 0; broken++) {
      assert.ok(broken < 1000, "it never fails for good");
      assert.equal((await fixture.grpc(GOOD)).code, 14);
    }
    await failed;
    assert.equal(log.matching(/was replaced by a fresh one/).length, 3);
    for (const payload of [GOOD, BAD]) {
      const { code, message } = await fixture.grpc(payload);
      assert.equal(code, 14);
      assert.match(
        message,
        /the plugin has failed for good, after 3 restarts within 60000 ms: .*consume_traces: trapped/,
      );
      assert.equal((await fixture.http(payload)).status, 503);
    }
    await fixture.neighbour.more(3);
    assert.equal(await fixture.finish(), undefined);
    assert.equal(sink.requests.filter(({ signal }) => signal === "traces").length, 0);
  });
});
