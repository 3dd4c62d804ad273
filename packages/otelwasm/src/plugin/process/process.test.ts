/** What a plugin in a process of its own has to stand that the suites of all isolations do not know of: its process ends, whatever the reason. */
import assert from "node:assert/strict";
import { readFileSync, readlinkSync } from "node:fs";
import { describe, test } from "node:test";
import { StatusCode } from "../../component/errors.ts";
import { silentLogger } from "../../component/logger.ts";
import { V8_CAPABILITIES } from "../../runtime/v8/runtime.ts";
import { DEFAULT_LIMITS, type PluginOptions } from "../options.ts";
import type { PlaceOwner } from "../place.ts";
import { WasmPlugin } from "../plugin.ts";
import { data, type GuestParts, guest, imports } from "../testing/guests.ts";
import { WaitedLogger } from "../testing/lines.ts";
import { failure } from "../testing/load.ts";
import { childrenOf } from "../testing/processes.ts";
import { ProcessPlace } from "./process.ts";

/** Says `here` and spins with three bytes, traps with two, and echoes any other payload. */
const GUEST: GuestParts = {
  imports: imports("set_result_traces", "set_result_metrics", "set_result_logs", "log", "get_shutdown_requested"),
  memory: '(memory (export "memory") 400)',
  consume: `(if (i32.eq (local.get $size) (i32.const 2)) (then unreachable))
    (if (i32.eq (local.get $size) (i32.const 3)) (then (call $here) (loop $spin (br $spin))))
    (call $set_result_SIGNAL (local.get $pointer) (local.get $size)) (i32.const 0)`,
  fields: `(func $here (call $log (i32.const 2) (i32.const 16) (i32.const 4))) ${data(16, "here")}`,
};
const PATIENT = { callTimeoutMs: 60_000, startTimeoutMs: 60_000, shutdownTimeoutMs: 60_000 };

class Loaded implements AsyncDisposable {
  readonly logger: WaitedLogger;
  readonly plugin: WasmPlugin;

  static async load(parts: GuestParts, options: Partial<PluginOptions> = {}): Promise<Loaded> {
    const logger = new WaitedLogger();
    const common = { id: "wasm/apart", role: "processor", signals: ["logs"], isolation: "process" } as const;
    const plugin = await WasmPlugin.load({
      ...common,
      limits: PATIENT,
      logger,
      ...options,
      path: undefined,
      binary: guest(parts),
    } as PluginOptions);
    return new Loaded(plugin, logger);
  }

  constructor(plugin: WasmPlugin, logger: WaitedLogger) {
    this.plugin = plugin;
    this.logger = logger;
  }

  consume(bytes: ArrayLike<number>): Promise<readonly Uint8Array[] | undefined> {
    return this.plugin.consume({ signal: "logs", bytes: Uint8Array.from(bytes) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.plugin.shutdown().catch(() => undefined);
  }
}

async function started(parts: GuestParts = GUEST, options: Partial<PluginOptions> = {}): Promise<Loaded> {
  const loaded = await Loaded.load(parts, options);
  await loaded.plugin.start();
  return loaded;
}

/** Of the only plugin that there is. */
function processId(): number {
  const [pid, ...others] = childrenOf(process.pid);
  assert.ok(pid !== undefined && others.length === 0);
  return pid;
}

describe("a process that ends", () => {
  for (const signal of ["SIGKILL", "SIGABRT", "SIGSEGV"] as const)
    test(`by ${signal}, with calls in it: the one that ran gets a retryable error, the others run on the next instance, in order`, async () => {
      await using loaded = await started();
      const here = loaded.logger.next(/here/);
      const running = failure(loaded.consume([1, 2, 3]));
      const others = [5, 6, 7, 8].map((byte) => loaded.consume([byte]));
      await here;
      process.kill(processId(), signal);
      const error = await running;
      assert.match(
        error.message,
        new RegExp(`^wasm/apart: consume_logs: the process of the instance was ended by ${signal}`),
      );
      assert.equal(error.permanent, false);
      assert.equal(error.code, StatusCode.UNAVAILABLE);
      assert.deepEqual(
        (await Promise.all(others)).map((results) => results?.[0]?.[0]),
        [5, 6, 7, 8],
      );
      const { calls, errors, restarts, traps, deadlines, rejected } = loaded.plugin.stats;
      assert.deepEqual(
        { calls, errors, restarts, traps, deadlines, rejected },
        { calls: 5, errors: 1, restarts: 1, traps: 0, deadlines: 0, rejected: 1 },
      );
      assert.ok(loaded.logger.lines.includes("warn: the instance that lost its process was replaced by a fresh one"));
    });

  test("while it has nothing to do: that is in the log, and another takes its place", async () => {
    await using loaded = await started();
    const replaced = loaded.logger.next(/was replaced/);
    process.kill(processId(), "SIGKILL");
    await replaced;
    assert.ok(
      loaded.logger.lines.some((line) => /^error: the process of the instance was ended by SIGKILL/.test(line)),
    );
    assert.deepEqual(await loaded.consume([4]), [Uint8Array.of(4)]);
    assert.equal(loaded.plugin.stats.errors, 0);
  });

  test("in start and in shutdown: they fail with that", async () => {
    const spins = "(call $here) (loop $spin (br $spin)) (i32.const 0)";
    await using starting = await Loaded.load({ ...GUEST, start: spins });
    const here = starting.logger.next(/here/);
    const start = failure(starting.plugin.start());
    await here;
    process.kill(processId(), "SIGKILL");
    assert.match((await start).message, /^wasm\/apart: start: the process of the instance was ended by SIGKILL/);
    await starting.plugin.shutdown();

    await using stopping = await started({ ...GUEST, shutdown: spins });
    const down = stopping.logger.next(/here/);
    const shutdown = failure(stopping.plugin.shutdown());
    await down;
    process.kill(processId(), "SIGKILL");
    assert.match((await shutdown).message, /^wasm\/apart: shutdown: the process of the instance was ended by SIGKILL/);
    assert.deepEqual(childrenOf(process.pid), []);
  });

  test("in a receiver's loop: another goes on", async () => {
    const loop = `(func (export "start_logs_receiver") (loop $more
      (call $set_result_logs (i32.const 16) (i32.const 4)) (br_if $more (i32.eqz (call $get_shutdown_requested)))))`;
    await using loaded = await started({ ...GUEST, fields: `${GUEST.fields} ${loop}` }, { role: "receiver" });
    const batches = [5, 10].map(() => Promise.withResolvers<void>());
    let count = 0;
    const done = loaded.plugin.receive("logs", async (bytes) => {
      assert.equal(Buffer.from(bytes).toString(), "here");
      count++;
      if (count === 5) batches[0]!.resolve();
      if (count === 5_000) batches[1]!.resolve();
    });
    await batches[0]!.promise;
    process.kill(processId(), "SIGKILL");
    await batches[1]!.promise;
    await loaded.plugin.shutdown();
    await done;
    assert.equal(loaded.plugin.stats.restarts, 1);
  });

  test("because nothing in it can end a call: a deadline ends it, and all that waited runs on the next one", async (context) => {
    // As an engine that cannot be interrupted has it.
    context.mock.property(V8_CAPABILITIES, "endsWithThread", false);
    await using loaded = await started(GUEST, { limits: { ...PATIENT, callTimeoutMs: 100 } });
    const pid = processId();
    const running = failure(loaded.consume([1, 2, 3]));
    const others = [5, 6].map((byte) => loaded.consume([byte]));
    const error = await running;
    assert.equal(error.message, "wasm/apart: consume_logs: stopped: it ran longer than 100 ms");
    assert.deepEqual(
      (await Promise.all(others)).map((results) => results?.[0]?.[0]),
      [5, 6],
    );
    assert.notEqual(processId(), pid);
    assert.equal(loaded.plugin.stats.deadlines, 1);
    assert.ok(!loaded.logger.lines.some((line) => line.startsWith("error: the process of the instance")));
  });

  test("because it says nothing any more: it is ended, and not waited for", async () => {
    await using loaded = await started(GUEST, { limits: { ...PATIENT, callTimeoutMs: 100 } });
    process.kill(processId(), "SIGSTOP");
    const error = await failure(loaded.consume([4]));
    assert.match(error.message, /the process of the instance answered nothing for \d+ ms and was ended$/);
    assert.deepEqual(await loaded.consume([4]), [Uint8Array.of(4)]);
  });
});

describe("a process that works", () => {
  test("leaves the sender its batch, and gives results in buffers of their own, whatever their size", async () => {
    await using loaded = await started();
    assert.equal(loaded.plugin.mutatesData, false);
    const sizes = [0, 1, 4_000, 5_000, 65_536, 1_000_000, 20_000_000];
    const all = sizes.map((size) => Buffer.alloc(size, `${size} bytes `));
    const answers = await Promise.all(all.map((bytes) => loaded.plugin.consume({ signal: "logs", bytes })));
    for (const [index, results] of answers.entries()) {
      assert.equal(all[index]!.length, sizes[index]);
      assert.equal(Buffer.compare(results![0]!, all[index]!), 0);
      assert.equal(results![0]!.buffer.byteLength, sizes[index]);
    }
  });

  test("is not ended by what a terminal or a supervisor tells every process", async () => {
    await using loaded = await started();
    const pid = processId();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.kill(pid, signal);
      assert.deepEqual(await loaded.consume([4]), [Uint8Array.of(4)]);
    }
    assert.equal(processId(), pid);
  });

  test("has nothing of this process's environment, its folder, and the plugin's name in its arguments", {
    skip: process.platform === "linux" ? false : "only Linux tells of other processes",
  }, async () => {
    await using _loaded = await started();
    const pid = processId();
    assert.equal(readFileSync(`/proc/${pid}/environ`, "utf8"), "");
    assert.equal(readlinkSync(`/proc/${pid}/cwd`), process.cwd());
    assert.equal(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").at(-2), "wasm/apart");
  });

  test("serves the instance after one that trapped or ran too long, too", async () => {
    await using loaded = await started(GUEST, { limits: { ...PATIENT, callTimeoutMs: 100 } });
    const pid = processId();
    for (const size of [2, 3]) {
      await failure(loaded.consume(new Uint8Array(size)));
      assert.deepEqual(await loaded.consume([4]), [Uint8Array.of(4)]);
    }
    assert.equal(processId(), pid);
  });

  test("ends by itself, also when its guest has ended before", async () => {
    const loaded = await started(GUEST, { limits: { ...PATIENT, callTimeoutMs: 100 }, restart: { maxRestarts: 0 } });
    await failure(loaded.consume([1, 2, 3]));
    assert.equal(loaded.plugin.state, "failed");
    await loaded.plugin.shutdown();
    assert.deepEqual(childrenOf(process.pid), []);
    assert.ok(!loaded.logger.lines.some((line) => line.includes("it is killed")));
  });

  test("compiles the module itself: what is wrong with it is said when it is loaded", async () => {
    const broken = Buffer.from(guest(GUEST));
    // The body of a function that has one instruction, `unreachable`: there is none with this number.
    broken[broken.indexOf(Uint8Array.of(3, 0, 0, 0x0b)) + 2] = 0xff;
    const options = { id: "wasm/broken", role: "processor", signals: ["logs"], isolation: "process" } as const;
    const error = await failure(WasmPlugin.load({ ...options, binary: broken }));
    assert.match(error.message, /^wasm\/broken: load: the module is not valid WebAssembly/);
    assert.equal(error.permanent, true);
    assert.deepEqual(childrenOf(process.pid), []);
  });
});

describe("a program in its place that is not what it should be", () => {
  const owner: PlaceOwner = {
    answered: () => assert.fail("there was no call"),
    failed: () => assert.fail("there was no call"),
    returned: () => assert.fail("there was no call"),
    broke: () => {},
    received: () => assert.fail("nobody receives"),
  };

  /** @returns why the instance cannot be made, and the lines of the log */
  async function opened(file: string, ...args: string[]): Promise<{ message: string; lines: string[] }> {
    const logger = new WaitedLogger();
    const launcher = { file, args, env: {} };
    const options = { id: "wasm/apart", plan: new Uint8Array(0), limits: DEFAULT_LIMITS, guestLogger: silentLogger };
    const place = new ProcessPlace({ ...options, logger, launcher }, owner);
    const { message } = await failure(place.open());
    await place.close();
    return { message, lines: logger.lines };
  }

  test("is not there", async () => {
    const { message } = await opened("/no/such/program");
    assert.match(
      message,
      /^wasm\/apart: instantiation: the process of the instance cannot be started: spawn \/no\/such\/program ENOENT$/,
    );
  });

  test("cannot be there", async () => {
    const { message } = await opened("no\0program");
    assert.match(message, /^wasm\/apart: instantiation: the process of the instance cannot be started: .*null bytes/);
  });

  test("ends at once: its last words are in the error, all of them in the log", async () => {
    const words = "for word in one two three four; do echo $word >&2; done; echo out; exit 3";
    const { message, lines } = await opened("/bin/sh", "-c", words);
    assert.match(message, /the process of the instance exited with code 3: two \/ three \/ four$/);
    assert.deepEqual(lines.filter((line) => line.startsWith("debug")).sort(), [
      "debug: four",
      "debug: one",
      "debug: out",
      "debug: three",
      "debug: two",
    ]);
  });

  for (const [what, said, why] of [
    ["something else", "hello, world", /a frame of \d+ bytes, where none has more than \d+/],
    [
      "an answer to nothing",
      "\\0\\0\\0\\0\\1\\0\\0\\0\\0\\0\\0\\0\\2\\0\\0\\0",
      /an answer to a call that was not made/,
    ],
    ["an error that is none", "\\2\\0\\0\\0\\10\\0\\1\\0{}", /invalid/i],
  ] as const)
    test(`says ${what}: it is ended`, async () => {
      const { message } = await opened("/bin/sh", "-c", `printf '${said}' >&3; cat <&3 >/dev/null`);
      assert.match(message, /the process of the instance said something that cannot be understood: /);
      assert.match(message, why);
    });
});
