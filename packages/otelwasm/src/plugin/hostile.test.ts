/** Guests that mean harm, or are broken in every way: what the sender gets, that another plugin goes on, and that the plugin comes back. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { StatusCode } from "../component/errors.ts";
import { ECHO, type GuestParts, guest, imports } from "./testing/guests.ts";
import { APART, failure, inEachIsolation, type Loaded, load, started } from "./testing/load.ts";

const SPIN = "(loop $spin (br $spin))";
const ALL = imports(
  "set_result_traces",
  "set_result_metrics",
  "set_result_logs",
  "get_plugin_config",
  "set_status_reason",
  "get_shutdown_requested",
  "log",
);
/** Where no deadline is meant to end the guest: a busy machine must not let one. */
const PATIENT = { callTimeoutMs: 60_000, startTimeoutMs: 60_000, shutdownTimeoutMs: 60_000, memoryBytes: 4 * 2 ** 20 };
const LIMITS = { ...PATIENT, callTimeoutMs: 150 };

/** Does harm with a payload of two bytes, and echoes any other. */
function harmful(harm: string, parts: GuestParts = {}): Uint8Array {
  return guest({
    imports: ALL,
    ...parts,
    consume: `(if (i32.eq (local.get $size) (i32.const 2)) (then ${harm}))
      (call $set_result_SIGNAL (local.get $pointer) (local.get $size)) (i32.const 0)`,
  });
}

interface Hostile {
  readonly name: string;
  readonly binary: Uint8Array;
  readonly message: RegExp;
  readonly code?: StatusCode;
  /** What becomes of the instance. Default: it is replaced. */
  readonly survives?: true;
}

const WILD: readonly (readonly [call: string, functionName: string])[] = [
  ["(call $set_result_logs (i32.const -1) (i32.const -1))", "set_result_logs"],
  ["(call $set_result_logs (i32.const 1) (i32.const 0x7fffffff))", "set_result_logs"],
  ["(drop (call $get_plugin_config (i32.const -1) (i32.const -1)))", "get_plugin_config"],
  ["(call $set_status_reason (i32.const -8) (i32.const 9))", "set_status_reason"],
  ["(call $log (i32.const -1) (i32.const 131072) (i32.const 1))", "log"],
];

const HOSTILE: readonly Hostile[] = [
  {
    name: "spins in consume",
    binary: harmful(SPIN),
    message: /consume_logs: stopped: it ran longer than 150 ms$/,
    code: StatusCode.DEADLINE_EXCEEDED,
  },
  {
    name: "spins in alloc",
    binary: harmful("", { alloc: `(if (i32.eq (local.get $size) (i32.const 2)) (then ${SPIN})) (i32.const 1024)` }),
    message: /consume_logs: stopped: it ran longer than 150 ms$/,
    code: StatusCode.DEADLINE_EXCEEDED,
  },
  { name: "traps in consume", binary: harmful("unreachable"), message: /consume_logs: trapped: unreachable executed$/ },
  {
    name: "traps in alloc",
    binary: harmful("", { alloc: "(if (i32.eq (local.get $size) (i32.const 2)) (then unreachable)) (i32.const 1024)" }),
    message: /alloc: trapped: unreachable executed$/,
  },
  {
    name: "recurses without end",
    binary: harmful("(call $deep)", { fields: "(func $deep (call $deep) (call $deep))" }),
    message: /trapped: call stack exhausted/,
  },
  {
    name: "grows without end, and traps when it gets no more",
    binary: harmful(
      "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (if (i32.eq (memory.size) (i32.const 64)) (then unreachable))",
    ),
    message: /trapped: unreachable executed/,
  },
  {
    name: "grows its tables without end",
    binary: harmful(
      `(loop $more (br_if $more (i32.ne (table.grow $a (ref.null func) (i32.const 100000)) (i32.const -1)))
        (br_if $more (i32.ne (table.grow $b (ref.null func) (i32.const 9000000)) (i32.const -1)))) unreachable`,
      { fields: "(table $a 1 funcref) (table $b 1 funcref)" },
    ),
    message: /trapped: unreachable executed/,
  },
  {
    name: "sets results without end",
    binary: harmful("(loop $more (call $set_result_logs (i32.const 0) (i32.const 65536)) (br $more))"),
    message: /consume_logs: stopped: it ran longer than 150 ms$/,
    code: StatusCode.DEADLINE_EXCEEDED,
  },
  {
    name: "sets more results than it may",
    binary: harmful(
      "(local.set $size (i32.const 2000)) (loop $more (call $set_result_logs (i32.const 0) (i32.const 65536)) (br_if $more (local.tee $size (i32.sub (local.get $size) (i32.const 1)))))",
    ),
    message: /its results have 131072000 bytes, more than max_result_bytes \(67108864\)$/,
    code: StatusCode.INTERNAL,
    survives: true,
  },
  {
    name: "calls set_result for another signal",
    binary: harmful("(call $set_result_traces (i32.const 0) (i32.const 1))"),
    message: /set_result_traces called during consume_logs/,
  },
  ...WILD.map(([call, name]) => ({
    name: `gives wild pointers: ${call}`,
    binary: harmful(call),
    message: new RegExp(`trapped: .*${name}: \\d+ bytes at pointer \\d+ are outside the memory`),
  })),
];

inEachIsolation(() => {
  describe("hostile guests", () => {
    let bystander: Loaded;
    before(async () => {
      bystander = await started(guest(ECHO), { id: "wasm/bystander" });
    });
    after(() => bystander[Symbol.asyncDispose]());

    for (const { name, binary, message, code = StatusCode.UNAVAILABLE, survives } of HOSTILE)
      test(`${name}: the sender gets an error, another plugin goes on, the plugin comes back`, async () => {
        const spins = code === StatusCode.DEADLINE_EXCEEDED;
        await using loaded = await started(binary, { limits: spins ? LIMITS : PATIENT });
        const { plugin } = loaded;
        assert.deepEqual(await loaded.consume([1]), [[1]]);
        const began = performance.now();
        const failing = failure(loaded.consume([1, 2]));
        let beside = 0;
        let done = false;
        const failed = failing.finally(() => {
          done = true;
        });
        while (!done) {
          assert.deepEqual(await bystander.consume([7]), [[7]]);
          beside++;
        }
        const error = await failed;
        const took = performance.now() - began;
        assert.match(error.message, message);
        assert.equal(error.code, code);
        assert.equal(error.permanent, survives === true);
        assert.ok(beside > 0);
        if (spins) assert.ok(took >= 150, `stopped after ${took} ms`);
        assert.deepEqual(await loaded.consume([3]), [[3]], "it works again");
        assert.equal(plugin.state, "working");
        assert.equal(plugin.stats.restarts, survives ? 0 : 1);
        assert.equal(plugin.stats.traps + plugin.stats.deadlines, survives ? 0 : 1);
      });

    test("a flood of log lines costs 200 lines and one that says how many are missing", async () => {
      await using loaded = await started(
        harmful(
          "(local.set $size (i32.const 100000)) (loop $more (call $log (i32.const 2) (i32.const 0) (i32.const 1)) (br_if $more (local.tee $size (i32.sub (local.get $size) (i32.const 1)))))",
        ),
        { limits: { callTimeoutMs: 5000 } },
      );
      await loaded.consume([1, 2]);
      assert.deepEqual(await loaded.consume([3]), [[3]]);
      await loaded.plugin.shutdown();
      assert.ok(loaded.lines.length >= 201 && loaded.lines.length < 400, `${loaded.lines.length} lines`);
      assert.ok(loaded.lines.some((line) => /^warn: \d+ lines of the plugin were suppressed/.test(line)));
    });

    const telemetry = (body: string): GuestParts => ({
      rename: { get_supported_telemetry: undefined },
      fields: `(func (export "get_supported_telemetry") (result i32) ${body} (i32.const 7))`,
    });

    for (const [phase, parts, message] of [
      ["_initialize", { initialize: SPIN }, /instantiation: stopped: it ran longer than 1000 ms/],
      ["the start function", { fields: `(func $s ${SPIN}) (start $s)` }, /instantiation: stopped: it ran longer/],
      ["the start function, by trapping", { fields: "(func $s unreachable) (start $s)" }, /instantiation: unreachable/],
      ["get_supported_telemetry", telemetry(SPIN), /instantiation: stopped: it ran longer than 1000 ms/],
      ["_initialize, by trapping", { initialize: "unreachable" }, /_initialize: trapped: unreachable executed/],
      ["get_supported_telemetry, by trapping", telemetry("unreachable"), /get_supported_telemetry: trapped/],
      [
        "_initialize, by calls that are not for it",
        { imports: ALL, initialize: "(call $set_result_logs (i32.const 0) (i32.const 0))" },
        /set_result_logs called during _initialize/,
      ],
    ] as const)
      test(`does not load: hangs or fails in ${phase}`, async () => {
        const spins = message.source.includes("stopped");
        const limits = spins ? { ...PATIENT, startTimeoutMs: 1000 } : PATIENT;
        const error = await failure(load(guest(parts), { limits }));
        assert.match(error.message, message);
        assert.deepEqual(await bystander.consume([7]), [[7]]);
      });

    for (const [how, start, message] of [
      ["spins", `${SPIN} (i32.const 0)`, /start: stopped: it ran longer than 2000 ms/],
      ["traps", "unreachable", /start: trapped: unreachable executed/],
    ] as const)
      test(`${how} in start: start-up is refused, and shutdown releases it`, async () => {
        await using loaded = await load(guest({ start }), {
          // Time enough for the instance to be made, of which the rest is left for the guest.
          limits: { ...PATIENT, ...(how === "spins" ? { startTimeoutMs: 2000 } : {}) },
        });
        assert.match((await failure(loaded.plugin.start())).message, message);
        await loaded.plugin.shutdown();
      });

    for (const [how, shutdown, message] of [
      ["spins", `${SPIN} (i32.const 0)`, /shutdown: stopped: it ran longer than 300 ms/],
      ["traps", "unreachable", /shutdown: trapped: unreachable executed/],
    ] as const)
      test(`${how} in shutdown: an error, and everything is released`, async () => {
        const limits = { ...PATIENT, ...(how === "spins" ? { shutdownTimeoutMs: 300 } : {}) };
        const { plugin } = await started(guest({ shutdown }), { limits });
        assert.match((await failure(plugin.shutdown())).message, message);
      });

    test("a module that declares more memory than it may have is refused with both sizes", async () => {
      const error = await failure(load(guest({ memory: '(memory (export "memory") 100)' }), { limits: LIMITS }));
      assert.match(error.message, /declares a memory of at least 6553600 bytes, more than the limit of 4194304 bytes/);
    });
  });
}, APART);
