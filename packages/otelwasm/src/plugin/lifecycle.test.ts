import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ConfigError } from "../component/errors.ts";
import { WasmError } from "../runtime/errors.ts";
import { SIGNALS } from "../telemetry/batch.ts";
import { WasmPlugin } from "./plugin.ts";
import { data, ECHO, type GuestParts, guest, imports, LineLogger } from "./testing/guests.ts";
import { failure, inEachIsolation, load, started } from "./testing/load.ts";

inEachIsolation((isolation) => {
  /** Logs each call of its lifecycle, and whether shutdown was requested then. */
  const OBSERVED: GuestParts = {
    imports: imports("log", "get_shutdown_requested", "set_status_reason"),
    initialize: "(call $say (i32.const 0) (i32.const 10))",
    start: "(call $say (i32.const 10) (i32.const 5)) (i32.const 0)",
    consume: "(call $say (i32.const 20) (i32.const 7)) (i32.const 0)",
    shutdown: "(call $say (i32.const 30) (i32.const 8)) (i32.const 0)",
    fields: `(func $say (param i32 i32)
      (call $log (i32.add (i32.const 1) (call $get_shutdown_requested)) (local.get 0) (local.get 1)))
    ${data(0, "initialize")}${data(10, "start")}${data(20, "consume")}${data(30, "shutdown")}`,
  };

  describe("start and shutdown", () => {
    test("start, shutdown: in that order, each once however often it is asked for (10.4.4); shutdown is seen as requested", async () => {
      const { plugin, lines } = await load(guest(OBSERVED));
      assert.deepEqual(lines, ["debug: initialize"]);
      await Promise.all([plugin.start(), plugin.start()]);
      await plugin.start();
      await plugin.consume({ signal: "logs", bytes: new Uint8Array(1) });
      await Promise.all([plugin.shutdown(), plugin.shutdown()]);
      await plugin.shutdown();
      assert.deepEqual(lines, ["debug: initialize", "debug: start", "debug: consume", "info: shutdown"]);
    });

    for (const role of ["receiver", "processor", "exporter"] as const)
      for (const signal of SIGNALS) {
        // A receiver's loop has the thread that it runs on for itself.
        if (role === "receiver" && isolation === "inline") continue;
        test(`start, shutdown: always called, in that order, each once: ${role} of ${signal}`, async () => {
          const loop = `(func (export "start_${signal}_receiver")
            (loop $more (br_if $more (i32.eqz (call $get_shutdown_requested)))))`;
          const { plugin, lines } = await load(guest({ ...OBSERVED, fields: `${OBSERVED.fields} ${loop}` }), {
            role,
            signals: [signal],
          });
          await plugin.start();
          const done = role === "receiver" ? plugin.receive(signal, async () => {}) : undefined;
          await plugin.shutdown();
          await done;
          assert.deepEqual(lines, ["debug: initialize", "debug: start", "info: shutdown"]);
        });
      }

    test("start, shutdown: a non-zero start aborts start-up with the reason; shutdown is not called then", async () => {
      const { plugin, lines } = await load(
        guest({
          ...OBSERVED,
          start: "(call $set_status_reason (i32.const 64) (i32.const 6)) (i32.const 1)",
          fields: `${OBSERVED.fields}${data(64, "no key")}`,
        }),
      );
      const error = await failure(plugin.start());
      assert.equal(error.message, "wasm/test: start: status 1 (error): no key");
      assert.deepEqual([error.function, error.status, error.reason], ["start", 1, "no key"]);
      assert.equal(await failure(plugin.start()), error, "the same answer, and not called again");
      assert.match(
        (await failure(plugin.consume({ signal: "logs", bytes: new Uint8Array(1) }))).message,
        /has not been started/,
      );
      await plugin.shutdown();
      assert.deepEqual(lines, [
        "debug: initialize",
        "error: the plugin failed: wasm/test: start: status 1 (error): no key",
      ]);
    });

    test("a plugin that was never started is released without shutdown", async () => {
      const { plugin, lines } = await load(guest(OBSERVED));
      await plugin.shutdown();
      assert.deepEqual(lines, ["debug: initialize"]);
      assert.match((await failure(plugin.start())).message, /was shut down/);
    });

    test("start, shutdown: a non-zero shutdown is an error with the reason, and everything is released", async () => {
      const { plugin } = await started(
        guest({
          imports: imports("set_status_reason"),
          shutdown: "(call $set_status_reason (i32.const 64) (i32.const 5)) (i32.const 1)",
          fields: data(64, "flush"),
        }),
      );
      assert.equal((await failure(plugin.shutdown())).message, "wasm/test: shutdown: status 1 (error): flush");
      assert.match(
        (await failure(plugin.consume({ signal: "logs", bytes: new Uint8Array(1) }))).message,
        /was shut down/,
      );
    });

    test("shutdown waits for the calls that it finds; shutdown of the guest comes after them (6.3)", async () => {
      const { plugin, lines } = await started(guest(OBSERVED));
      const calls = Array.from({ length: 3 }, () => plugin.consume({ signal: "logs", bytes: new Uint8Array(1) }));
      const [answers] = await Promise.all([Promise.all(calls), plugin.shutdown()]);
      assert.equal(answers.length, 3);
      assert.deepEqual(
        lines.map((line) => line.split(": ")[1]),
        ["initialize", "start", "consume", "consume", "consume", "shutdown"],
      );
    });

    test("a signal that the plugin was not loaded for", async () => {
      await using loaded = await started(guest(ECHO));
      const error = await failure(loaded.consume([1], "traces"));
      assert.equal(error.message, "wasm/test: consume_traces: the plugin was not loaded for traces");
    });
  });

  describe("traps", () => {
    const FRAGILE: GuestParts = {
      ...OBSERVED,
      consume: "(if (i32.eq (local.get $size) (i32.const 2)) (then unreachable)) (i32.const 0)",
    };

    test("a trap is retryable, names the function, and has the engine's error as its cause", async () => {
      await using loaded = await started(guest(FRAGILE));
      const error = await failure(loaded.consume([1, 2]));
      assert.equal(error.message, "wasm/test: consume_logs: trapped: unreachable executed");
      assert.equal(error.permanent, false);
      assert.ok(error.cause instanceof WasmError && error.cause.code === "unreachable");
    });

    test("after a trap the next call gets a fresh instance, initialised and started", async () => {
      const { plugin, lines, consume } = await started(guest(FRAGILE));
      await failure(consume([1, 2]));
      assert.equal(await consume([1]), undefined);
      assert.equal(await consume([1]), undefined);
      await plugin.shutdown();
      assert.deepEqual(lines, [
        "debug: initialize",
        "debug: start",
        "error: the plugin failed: wasm/test: consume_logs: trapped: unreachable executed",
        "debug: initialize",
        "debug: start",
        "warn: the instance that trapped was replaced by a fresh one",
        "info: shutdown",
      ]);
    });

    test("calls that come while it is replaced wait, in order; a second trap among them is survived", async () => {
      const { plugin, lines, consume } = await started(guest(FRAGILE));
      const sizes = [2, 1, 2, 1, 1];
      const ends = await Promise.all(
        sizes.map((size) =>
          consume(new Uint8Array(size)).then(
            () => "passed",
            (error: Error) => error.message,
          ),
        ),
      );
      const trapped = "wasm/test: consume_logs: trapped: unreachable executed";
      assert.deepEqual(ends, [trapped, "passed", trapped, "passed", "passed"]);
      assert.equal(lines.filter((line) => line.startsWith("warn")).length, 2);
      await plugin.shutdown();
    });

    // The clock of a guest in a worker cannot be set from here.
    if (isolation === "inline")
      test("an instance that cannot be replaced: retryable, and tried again by itself after a while", async (context) => {
        const states: string[] = [];
        const working = Promise.withResolvers<void>();
        // The guest refuses to start while its clock says 1.
        const { plugin, lines, consume } = await started(
          guest({
            imports: '(import "env" "Date.now" (func $now (result f64)))',
            start: "(i32.mul (f64.eq (call $now) (f64.const 1)) (i32.const 2))",
            consume: FRAGILE.consume!,
          }),
          {
            restart: { initialIntervalMs: 20, maxIntervalMs: 20 },
            onState: (state, reason) => {
              states.push(`${state}: ${reason ?? ""}`);
              if (state === "working") working.resolve();
            },
          },
        );
        const clock = context.mock.method(Date, "now", () => 1);
        await failure(consume([1, 2]));
        const what =
          "wasm/test: start: the instance that trapped could not be replaced: wasm/test: start: status 2 (invalid argument), no reason given";
        for (const attempt of [1, 2]) {
          const error = await failure(consume([1]));
          assert.match(error.message, /; restarting in \d+ ms$/);
          assert.ok(error.message.startsWith(what), `attempt ${attempt}: ${error.message}`);
          assert.equal(error.permanent, false, "what is wrong with the instance says nothing about the batch");
          assert.ok(error.retryAfterMs! > 0 && error.retryAfterMs! <= 20);
        }
        clock.mock.restore();
        await working.promise;
        assert.equal(await consume([1]), undefined);
        assert.equal(lines.filter((line) => line.includes("could not be replaced")).length, 1);
        assert.equal(lines.at(-1), "warn: the instance that trapped was replaced by a fresh one");
        assert.deepEqual(states, ["restarting: wasm/test: consume_logs: trapped: unreachable executed", "working: "]);
        await plugin.shutdown();
      });

    test("shutdown after a trap calls no function of the instance that trapped", async () => {
      const { plugin, lines, consume } = await started(guest(FRAGILE));
      await failure(consume([1, 2]));
      await plugin.shutdown();
      assert.ok(!lines.some((line) => line.includes("shutdown")));
    });

    test("shutdown while the instance is replaced waits for that", async () => {
      const { plugin, consume } = await started(guest(FRAGILE));
      await failure(consume([1, 2]));
      const waiting = failure(consume([1]));
      await plugin.shutdown();
      assert.match((await waiting).message, /was shut down/);
    });

    test("recursion without end is a trap like any other", async () => {
      await using loaded = await started(
        guest({
          consume: "(if (i32.eq (local.get $size) (i32.const 2)) (then (call $deep))) (i32.const 0)",
          fields: "(func $deep (call $deep) (call $deep))",
        }),
      );
      assert.match((await failure(loaded.consume([1, 2]))).message, /trapped: call stack exhausted/);
      assert.equal(await loaded.consume([1]), undefined);
    });

    test("a trap in _initialize, in the start function and in get_supported_telemetry", async () => {
      const initialize = await failure(load(guest({ initialize: "unreachable" })));
      assert.equal(initialize.message, "wasm/test: _initialize: trapped: unreachable executed");
      const start = await failure(load(guest({ fields: "(func $s unreachable) (start $s)" })));
      assert.equal(start.message, "wasm/test: instantiation: unreachable executed");
      const telemetry = await failure(
        load(
          guest({
            rename: { get_supported_telemetry: undefined },
            fields: '(func (export "get_supported_telemetry") (result i32) unreachable)',
          }),
        ),
      );
      assert.equal(telemetry.message, "wasm/test: get_supported_telemetry: trapped: unreachable executed");
    });
  });

  describe("loading", () => {
    test("from a file", async (context) => {
      const folder = await mkdtemp(join(tmpdir(), "otelwasm-"));
      context.after(() => rm(folder, { recursive: true }));
      const path = join(folder, "echo.wasm");
      await writeFile(path, guest(ECHO));
      const plugin = await WasmPlugin.load({ id: "wasm", role: "processor", signals: ["metrics"], path });
      await plugin.start();
      const results = await plugin.consume({ signal: "metrics", bytes: Uint8Array.of(1) });
      assert.deepEqual(results, [Uint8Array.of(1)]);
      await plugin.shutdown();
    });

    test("a file that is not there", async () => {
      const error = await failure(
        WasmPlugin.load({ id: "wasm", role: "processor", signals: ["logs"], path: "/no/such.wasm" }),
      );
      assert.match(error.message, /^wasm: load: cannot read the plugin: there is no file \/no\/such\.wasm$/);
    });

    test("a runtime or plugin configuration that cannot be used is a ConfigError", async () => {
      const options = { id: "wasm", role: "processor", signals: ["logs"], binary: guest() } as const;
      await assert.rejects(
        WasmPlugin.load({ ...options, runtimeConfig: { type: "nope" } }),
        (error) =>
          error instanceof ConfigError &&
          /runtime_config::type: unknown runtime type "nope"; known types: /.test(error.message),
      );
      await assert.rejects(
        WasmPlugin.load({ ...options, pluginConfig: { big: 1n } }),
        (error) => error instanceof ConfigError && /plugin_config: cannot be written as JSON/.test(error.message),
      );
    });

    // In a worker the logger hears of it when the guest may long be done.
    if (isolation === "inline")
      test("a logger that sends what it is told through the plugin gets an error, not a guest that is entered twice", async () => {
        const inner: Promise<unknown>[] = [];
        const logger = new LineLogger();
        logger.info = () => {
          inner.push(failure(plugin.consume({ signal: "logs", bytes: Uint8Array.of(1) })));
        };
        const binary = guest({
          imports: imports("log"),
          consume: "(call $log (i32.const 2) (i32.const 0) (i32.const 1)) (i32.const 0)",
        });
        const plugin = await WasmPlugin.load({
          id: "wasm",
          role: "processor",
          signals: ["logs"],
          binary,
          logger,
          isolation,
        });
        await plugin.start();
        assert.equal(await plugin.consume({ signal: "logs", bytes: Uint8Array.of(1) }), undefined);
        assert.match(String(await inner[0]), /consume_logs: called while the guest runs consume_logs/);
        await plugin.shutdown();
      });
  });
});
