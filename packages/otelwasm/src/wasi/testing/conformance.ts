/**
 * What WASI preview 1 does on every engine: a function of the engine's factory, so that an engine adds one line to run all of it. Sockets and `poll_oneoff`
 * have suites of their own.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { LineLogger } from "../../plugin/testing/guests.ts";
import type { Runtime } from "../../runtime/contract.ts";
import { WasmError } from "../../runtime/errors.ts";
import { wat } from "../../runtime/testing/wat.ts";
import { PIN, type Pin, pinByDescriptor } from "../files/pin.ts";
import { NO_GRANTS } from "../grants.ts";
import { createWasi } from "../index.ts";
import type { Subject } from "./bench.ts";
import { directoryTests, linkTests } from "./conformance-directories.ts";
import { fileTests } from "./conformance-files.ts";
import { ALL_RIGHTS, errnoOf, WasiGuest } from "./guest.ts";
import { sandboxTests } from "./sandbox.ts";
import { LIST, RESULT } from "./signatures.ts";
import { wildTests } from "./wild.ts";

/**
 * @param pin how files are reached: each way that the platform has
 * @param options of the suite, see `needsEngine`
 */
export function wasiSuite(
  name: string,
  createRuntime: () => Promise<Runtime>,
  pin: Pin = PIN,
  options: { readonly skip?: string } = {},
): void {
  describe(`${name}: WASI preview 1`, options, () => {
    let runtime: Runtime;
    before(async () => {
      runtime = await createRuntime();
    });
    after(() => runtime.close());
    const current = (): Runtime => runtime;
    const subject = (): Subject => ({ runtime, pin });

    describe("arguments and environment", () => textTests(current));
    describe("standard streams", () => streamTests(current));
    describe("the process", () => processTests(current));
    describe("descriptors", () => descriptorTests(current));
    describe("files", () => fileTests(subject));
    describe("directories", () => directoryTests(subject));
    describe("links", () => linkTests(subject));
    describe("what is not granted", () => sandboxTests(subject, pin === pinByDescriptor));
    describe("wild input", () => wildTests(subject));
  });
}

function textTests(runtime: () => Runtime): void {
  test("arguments and variables come as they were granted", async () => {
    const args = ["plugin", "--flag", "", "ü ✓"];
    const env = { HOME: "/data", EMPTY: "", EQUALS: "a=b" };
    await using guest = await WasiGuest.create(runtime(), { grants: { ...NO_GRANTS, args, env } });
    assert.deepEqual(guest.texts("args"), args);
    assert.deepEqual(guest.texts("environ"), ["HOME=/data", "EMPTY=", "EQUALS=a=b"]);
  });

  test("there are none that were not", async () => {
    await using guest = await WasiGuest.create(runtime());
    assert.deepEqual(guest.texts("args"), []);
    assert.deepEqual(guest.texts("environ"), []);
  });
}

function streamTests(runtime: () => Runtime): void {
  test("each line of stdout and stderr is one of the log, whatever the pieces it comes in", async () => {
    const logger = new LineLogger();
    await using guest = await WasiGuest.create(runtime(), { logger });
    guest.write(1, "one\ntwo\n\nthr");
    guest.write(2, "careful\r\n");
    for (const piece of ["e", "e", " ✓\nlast"]) guest.write(1, piece);
    assert.deepEqual(logger.lines, ["info: one", "info: two", "warn: careful", "info: three ✓"]);
    assert.deepEqual(logger.attributes[2], { stream: "stderr" });
    guest.wasi.close();
    assert.equal(logger.lines.at(-1), "info: last");
  });

  test("a character that two writes share is whole; bytes that are no text are replaced", async () => {
    const logger = new LineLogger();
    await using guest = await WasiGuest.create(runtime(), { logger });
    for (const byte of [0xe2, 0x9c, 0x93, 0xff, 0x0a])
      guest.call("fd_write", 1, ...guest.list([guest.text(Uint8Array.of(byte))]), RESULT);
    assert.deepEqual(logger.lines, ["info: ✓\ufffd"]);
  });

  test("a line is cut at 64 KiB, and the next one is whole", async () => {
    const logger = new LineLogger();
    await using guest = await WasiGuest.create(runtime(), { logger });
    guest.memory.bytes().fill(0x61, 65_536, 65_536 + 100_000);
    guest.call("fd_write", 1, ...guest.list([[65_536, 100_000]]), RESULT);
    assert.equal(guest.u32(), 100_000);
    guest.write(1, "\nnext\n");
    assert.deepEqual(logger.lines, [`info: ${"a".repeat(65_536)}... (cut: 100000 bytes)`, "info: next"]);
  });

  test("several buffers are one write; empty ones may point anywhere", async () => {
    const logger = new LineLogger();
    await using guest = await WasiGuest.create(runtime(), { logger });
    const parts = [guest.text("a"), [-1, 0] as const, guest.text("b\n")] as const;
    guest.call("fd_write", 1, ...guest.list(parts), RESULT);
    assert.equal(guest.u32(), 3);
    assert.deepEqual(logger.lines, ["info: ab"]);
  });

  test("stdin is at its end", async () => {
    await using guest = await WasiGuest.create(runtime());
    assert.equal(guest.read(0), "");
  });

  test("they are terminals without positions, so that C libraries write line by line", async () => {
    await using guest = await WasiGuest.create(runtime());
    for (const fd of [0, 1, 2]) {
      const { filetype, rights } = guest.fdstat(fd);
      assert.equal(filetype, 2);
      assert.equal(rights & ((1n << 2n) | (1n << 5n)), 0n);
      assert.equal(guest.fstat(fd).filetype, 2);
      assert.equal(
        errnoOf(() => guest.seek(fd, 0n, 1)),
        "spipe",
      );
    }
  });
}

/** Exits with 7 in one of the phases of an instance's life. */
const EXITS: Readonly<Record<string, { readonly guest: string; readonly call?: string }>> = {
  "its start function": { guest: "(start $exit) (func $exit (call $proc_exit (i32.const 7)))" },
  _initialize: { guest: '(func (export "_initialize") (call $proc_exit (i32.const 7)))', call: "_initialize" },
  "an export": { guest: '(func (export "run") (call $proc_exit (i32.const 7)))', call: "run" },
  "a function that a table calls": {
    guest: `(table 1 funcref) (elem (i32.const 0) $exit) (func $exit (call $proc_exit (i32.const 7)))
      (func (export "run") (call_indirect (i32.const 0)) (unreachable))`,
    call: "run",
  },
};

function processTests(runtime: () => Runtime): void {
  for (const [phase, { guest, call }] of Object.entries(EXITS))
    test(`proc_exit in ${phase} ends the call with its code`, async () => {
      const module = await runtime().compile(
        wat(`(module (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
          (memory (export "memory") 1) ${guest})`),
      );
      const { functions } = createWasi({});
      const run = async (): Promise<void> => {
        const { instance, context } = await runtime().instantiateWithHost(module, { functions });
        try {
          if (call !== undefined) instance.function(call)?.call();
        } finally {
          await instance.close();
          await context.close();
        }
      };
      await assert.rejects(run(), (error: unknown) => {
        assert.ok(error instanceof WasmError);
        assert.equal(error.code, "exit");
        assert.equal(error.message, "the guest exited: proc_exit(7)");
        return true;
      });
      await module.close();
    });

  test("exit codes are unsigned", async () => {
    await using guest = await WasiGuest.create(runtime());
    assert.throws(() => guest.raw("proc_exit", -1), {
      code: "exit",
      message: "the guest exited: proc_exit(4294967295)",
    });
  });

  test("sched_yield goes on; there are no signals", async () => {
    await using guest = await WasiGuest.create(runtime());
    guest.call("sched_yield");
    for (const signal of [0, 6, 9, 255])
      assert.equal(
        errnoOf(() => guest.call("proc_raise", signal)),
        "nosys",
      );
  });

  test("clocks: of the day and one that only goes on; others are inval", async () => {
    await using guest = await WasiGuest.create(runtime());
    guest.call("clock_time_get", 0, 1n, RESULT);
    const difference = Number(guest.u64()) / 1e6 - Date.now();
    assert.ok(Math.abs(difference) < 60_000, `${difference} ms`);
    guest.call("clock_time_get", 1, 1n, RESULT);
    const before = guest.u64();
    guest.call("clock_time_get", 1, 1n, RESULT);
    assert.ok(guest.u64() >= before);
    guest.call("clock_res_get", 1, RESULT);
    assert.ok(guest.u64() > 0n);
  });

  test("random bytes fill what was asked for", async () => {
    await using guest = await WasiGuest.create(runtime());
    guest.call("random_get", 65_536, 100_000);
    assert.ok(new Set(guest.memory.read(65_536, 100_000)).size === 256);
    assert.ok(guest.memory.read(165_536, 1000).every((byte) => byte === 0));
  });
}

function descriptorTests(runtime: () => Runtime): void {
  test("without preopens fd_prestat_get is badf from 3 on, which ends Go's search", async () => {
    await using guest = await WasiGuest.create(runtime());
    for (const fd of [0, 1, 2, 3, 4, 1000, -1])
      assert.equal(
        errnoOf(() => guest.call("fd_prestat_get", fd, RESULT)),
        "badf",
      );
  });

  test("flags can be set and are told", async () => {
    await using guest = await WasiGuest.create(runtime());
    guest.call("fd_fdstat_set_flags", 1, 4);
    assert.equal(guest.fdstat(1).flags, 4);
    assert.equal(
      errnoOf(() => guest.call("fd_fdstat_set_flags", 1, 32)),
      "inval",
    );
  });

  test("rights can be given up, and not taken", async () => {
    await using guest = await WasiGuest.create(runtime());
    const { rights } = guest.fdstat(1);
    assert.equal(
      errnoOf(() => guest.call("fd_fdstat_set_rights", 1, ALL_RIGHTS, 0n)),
      "notcapable",
    );
    guest.call("fd_fdstat_set_rights", 1, rights & ~(1n << 6n), 0n);
    assert.equal(
      errnoOf(() => guest.write(1, "x")),
      "badf",
    );
    assert.equal(
      errnoOf(() => guest.call("fd_fdstat_set_rights", 1, rights, 0n)),
      "notcapable",
    );
  });

  test("renumbering moves a descriptor and closes what was there", async () => {
    const logger = new LineLogger();
    await using guest = await WasiGuest.create(runtime(), { logger });
    guest.write(1, "before");
    guest.call("fd_renumber", 2, 1);
    assert.deepEqual(logger.lines, ["info: before"]);
    guest.write(1, "after\n");
    assert.deepEqual(logger.lines, ["info: before", "warn: after"]);
    assert.equal(
      errnoOf(() => guest.call("fd_close", 2)),
      "badf",
    );
    guest.call("fd_renumber", 1, 1);
    for (const [from, to] of [
      [1, 9],
      [9, 1],
      [9, 9],
    ] as const)
      assert.equal(
        errnoOf(() => guest.call("fd_renumber", from, to)),
        "badf",
      );
  });

  test("more than 1024 buffers are inval", async () => {
    await using guest = await WasiGuest.create(runtime());
    for (let i = 0; i < 1025; i++) guest.memory.view().setBigUint64(65_536 + i * 8, 0n, true);
    assert.equal(
      errnoOf(() => guest.call("fd_write", 1, 65_536, 1025, RESULT)),
      "inval",
    );
    guest.call("fd_write", 1, 65_536, 1024, RESULT);
    assert.equal(guest.u32(), 0);
    guest.call("fd_write", 1, LIST, 0, RESULT);
  });
}
