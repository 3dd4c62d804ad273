import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { FunctionInstance, Memory } from "../runtime/contract.ts";
import { create } from "../runtime/registry.ts";
import "../runtime/engines.ts";
import { wat } from "../runtime/testing/wat.ts";
import { createWasi, type WasiServices } from "./index.ts";

/** Exports what it imports. */
const GUEST = wat(`(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_res_get" (func $clock_res_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (export "clock_time_get" (func $clock_time_get))
  (export "clock_res_get" (func $clock_res_get))
  (export "random_get" (func $random_get))
  (export "poll_oneoff" (func $poll_oneoff))
  (export "sched_yield" (func $sched_yield))
  (export "proc_exit" (func $proc_exit)))`);

const SUCCESS = 0;
const BADF = 8;
const INVAL = 28;
/** A descriptor that is not open; it stands where a timer has its clock. */
const NO_FILE = 77;

interface TestGuest {
  readonly memory: Memory;
  call(name: string, ...params: (number | bigint)[]): unknown;
}

async function guest(services: WasiServices = {}): Promise<TestGuest> {
  const runtime = await create();
  const module = await runtime.compile(GUEST);
  const { instance } = await runtime.instantiateWithHost(module, createWasi(services));
  const { memory } = instance;
  assert.ok(memory !== undefined);
  const named = (name: string): FunctionInstance => instance.function(name) ?? assert.fail(name);
  return { memory, call: (name, ...params) => named(name).call(...params) };
}

function time({ memory, call }: TestGuest, clock: number): bigint {
  assert.equal(call("clock_time_get", clock, 1n, 64), SUCCESS);
  return memory.view().getBigUint64(64, true);
}

interface Subscription {
  readonly userdata: bigint;
  readonly tag?: number;
  readonly clock?: number;
  readonly timeout?: bigint;
  readonly absolute?: boolean;
}

const IN = 1024;
const OUT = 8192;
const COUNT = 16384;

/** Fills everything around with 0xaa first, so that what is written where it should not be shows. */
function poll(target: TestGuest, subscriptions: readonly Subscription[], out = OUT): unknown[] {
  const { memory, call } = target;
  memory.bytes().fill(0xaa);
  const view = memory.view();
  subscriptions.forEach(({ userdata, tag = 0, clock = 1, timeout = 0n, absolute = false }, i) => {
    const at = IN + i * 48;
    memory.bytes().fill(0, at, at + 48);
    view.setBigUint64(at, userdata, true);
    view.setUint8(at + 8, tag);
    view.setUint32(at + 16, clock, true);
    view.setBigUint64(at + 24, timeout, true);
    view.setUint16(at + 40, absolute ? 1 : 0, true);
  });
  assert.equal(call("poll_oneoff", IN, out, subscriptions.length, COUNT), SUCCESS);
  const count = view.getUint32(COUNT, true);
  assert.equal(view.getUint32(COUNT + 4, true), 0xaaaaaaaa);
  assert.equal(
    view.getUint32(out + count * 32, true),
    out === OUT ? 0xaaaaaaaa : view.getUint32(out + count * 32, true),
  );
  return Array.from({ length: count }, (_, i) => {
    const at = out + i * 32;
    for (const zero of [at + 12, at + 16, at + 20, at + 24, at + 28]) assert.equal(view.getUint32(zero, true), 0);
    return {
      userdata: view.getBigUint64(at, true),
      error: view.getUint16(at + 8, true),
      type: view.getUint8(at + 10),
    };
  });
}

test("the realtime clock is the time of day, finer than a millisecond, and does not go back", async () => {
  const target = await guest();
  const seen = Array.from({ length: 2000 }, () => time(target, 0));
  for (let i = 1; i < seen.length; ++i) assert.ok(seen[i]! >= seen[i - 1]! - 2_000_000n);
  assert.ok(seen.some((each) => each % 1_000_000n !== 0n));
  const difference = Number(time(target, 0)) / 1e6 - Date.now();
  assert.ok(Math.abs(difference) < 1000, `${difference} ms`);
});

test("the monotonic clock never goes back", async () => {
  const target = await guest();
  const seen = Array.from({ length: 2000 }, () => time(target, 1));
  for (let i = 1; i < seen.length; ++i) assert.ok(seen[i]! >= seen[i - 1]!);
});

test("clock_res_get names a resolution; clocks of processor time are EINVAL", async () => {
  const { memory, call } = await guest();
  for (const clock of [0, 1]) {
    assert.equal(call("clock_res_get", clock, 8), SUCCESS);
    assert.equal(memory.view().getBigUint64(8, true), 1000n);
  }
  for (const clock of [2, 3, -1]) {
    assert.equal(call("clock_res_get", clock, 8), INVAL);
    assert.equal(call("clock_time_get", clock, 0n, 8), INVAL);
  }
});

test("random_get fills what was asked for and nothing else", async () => {
  const { memory, call } = await guest();
  assert.equal(call("random_get", 100, 4000), SUCCESS);
  const bytes = memory.read(100, 4000);
  assert.ok(new Set(bytes).size > 200);
  assert.equal(
    memory.read(0, 100).some((byte) => byte !== 0),
    false,
  );
  assert.equal(
    memory.read(4100, 100).some((byte) => byte !== 0),
    false,
  );
  assert.equal(call("random_get", 65536, 0), SUCCESS);
});

test("proc_exit ends the call with the code; sched_yield goes on", async () => {
  const { call } = await guest();
  assert.equal(call("sched_yield"), SUCCESS);
  assert.throws(() => call("proc_exit", 3), {
    name: "WasmError",
    code: "exit",
    message: "the guest exited: proc_exit(3)",
  });
});

test("pointers outside the memory are traps that say what was asked for", async () => {
  const { call } = await guest();
  for (const [name, params, what] of [
    ["clock_time_get", [0, 0n, 65529], "8 bytes at pointer 65529"],
    ["clock_res_get", [0, -1], "8 bytes at pointer 4294967295"],
    ["random_get", [8, -1], "4294967295 bytes at pointer 8"],
    ["poll_oneoff", [65500, 0, 1, 0], "48 bytes at pointer 65500"],
    ["poll_oneoff", [0, 65530, 1, 0], "32 bytes at pointer 65530"],
    ["poll_oneoff", [0, 64, 1, 65533], "4 bytes at pointer 65533"],
    ["poll_oneoff", [0, 0, 60_000, 0], "2880000 bytes at pointer 0"],
  ] as const)
    assert.throws(() => call(name, ...params), {
      code: "host",
      message: `a host function trapped: ${name}: ${what} are outside the memory of 65536 bytes`,
    });
});

test("poll_oneoff waits for the earliest clock, and reports those that are due", async () => {
  const target = await guest();
  const before = time(target, 1);
  const events = poll(target, [
    { userdata: 7n, timeout: 3_600_000_000_000n },
    { userdata: 0xffff_ffff_ffff_ffffn, timeout: 20_000_000n },
    { userdata: 9n, timeout: 0xffff_ffff_ffff_ffffn, clock: 0 },
  ]);
  assert.deepEqual(events, [{ userdata: 0xffff_ffff_ffff_ffffn, error: SUCCESS, type: 0 }]);
  assert.ok(time(target, 1) - before >= 20_000_000n);
});

test("poll_oneoff: a time that has passed, or no time, returns at once", async () => {
  const target = await guest();
  const event = { userdata: 1n, error: SUCCESS, type: 0 };
  assert.deepEqual(poll(target, [{ userdata: 1n, timeout: 0n }]), [event]);
  for (const clock of [0, 1]) {
    assert.deepEqual(poll(target, [{ userdata: 1n, clock, timeout: 1n, absolute: true }]), [event]);
    const due = time(target, clock) + 5_000_000n;
    assert.deepEqual(poll(target, [{ userdata: 1n, clock, timeout: due, absolute: true }]), [event]);
    assert.ok(time(target, clock) >= due - (clock === 0 ? 2_000_000n : 0n));
  }
});

test("poll_oneoff: files that there are not are EBADF events, and nothing is waited for", async () => {
  const target = await guest();
  const events = poll(target, [
    { userdata: 1n, timeout: 3_600_000_000_000n },
    { userdata: 2n, tag: 1, clock: NO_FILE },
    { userdata: 3n, tag: 2, clock: NO_FILE },
    { userdata: 4n, clock: 3 },
  ]);
  assert.deepEqual(events, [
    { userdata: 2n, error: BADF, type: 1 },
    { userdata: 3n, error: BADF, type: 2 },
    { userdata: 4n, error: INVAL, type: 0 },
  ]);
});

test("poll_oneoff: events may be written over the subscriptions", async () => {
  const target = await guest();
  const subscriptions = [1n, 2n, 3n].map((userdata) => ({ userdata, tag: 1, clock: NO_FILE }));
  assert.deepEqual(
    poll(target, subscriptions, IN),
    [1n, 2n, 3n].map((userdata) => ({ userdata, error: BADF, type: 1 })),
  );
});

test("poll_oneoff: nothing to wait for, too much of it, and unknown kinds are EINVAL", async () => {
  const { memory, call } = await guest();
  assert.equal(call("poll_oneoff", 0, 0, 0, 0), INVAL);
  assert.equal(call("poll_oneoff", 0, 0, 65_537, 0), INVAL);
  memory.view().setUint8(8, 3);
  assert.equal(call("poll_oneoff", 0, 64, 1, 128), INVAL);
});

test("shutdown ends a wait, and the guest's timer counts as due; waits after that last their time", async () => {
  const wake = new Int32Array(new SharedArrayBuffer(4));
  const shutdown = new Int32Array(new SharedArrayBuffer(4));
  const target = await guest({ wake, shutdownRequested: () => Atomics.load(shutdown, 0) === 1 });
  const requester = new Worker(
    `const { parentPort, workerData: { wake, shutdown } } = require("node:worker_threads");
     parentPort.once("message", () => {
       // Not before the other thread waits: notify says how many it woke.
       while (Atomics.notify(wake, 0) === 0) Atomics.wait(shutdown, 0, 0, 1);
       Atomics.store(shutdown, 0, 1);
       Atomics.add(wake, 0, 1);
       Atomics.notify(wake, 0);
     });`,
    { eval: true, workerData: { wake, shutdown } },
  );
  await once(requester, "online");
  requester.postMessage("go");
  const hour = 3_600_000_000_000n;
  const before = time(target, 1);
  assert.deepEqual(poll(target, [{ userdata: 5n, timeout: hour }]), [{ userdata: 5n, error: SUCCESS, type: 0 }]);
  assert.ok(time(target, 1) - before < hour / 60n);
  await once(requester, "exit");
  assert.equal(Atomics.load(shutdown, 0), 1);
  const after = time(target, 1);
  poll(target, [{ userdata: 5n, timeout: 15_000_000n }]);
  assert.ok(time(target, 1) - after >= 15_000_000n);
});
