import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { ConsumerError, StatusCode } from "../component/errors.ts";
import type { PluginState } from "./options.ts";
import { data, guest, imports } from "./testing/guests.ts";
import { APART, failure, inEachIsolation, type Loaded, started } from "./testing/load.ts";

const SPIN = "(loop $spin (br $spin))";
const IMPORTS = imports("set_result_logs", "set_result_traces", "get_shutdown_requested", "set_status_reason", "log");

/** A receiver whose loop has this body; `$n` is a local, `(call $send)` sets a result of one byte, counted up. */
function receiver(body: string, parts: { shutdown?: string; fields?: string } = {}): Uint8Array {
  return guest({
    imports: IMPORTS,
    ...parts,
    fields: `(global $count (mut i32) (i32.const 0))
      (func $send (i32.store8 (i32.const 0) (global.get $count))
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (call $set_result_logs (i32.const 0) (i32.const 1)))
      (func (export "start_logs_receiver") (local $n i32) ${body})
      ${parts.fields ?? ""}`,
  });
}

/** Sends until it is asked to stop. */
const DILIGENT = "(loop $more (call $send) (br_if $more (i32.eqz (call $get_shutdown_requested))))";
/** Waits until it is asked to stop. */
const UNTIL_STOP = "(loop $more (br_if $more (i32.eqz (call $get_shutdown_requested))))";

function receiving(binary: Uint8Array, options: Parameters<typeof started>[1] = {}): Promise<Loaded> {
  return started(binary, { role: "receiver", ...options });
}

/** Collects what is delivered; `at(n)` resolves with the n-th. */
class Sink {
  readonly bytes: number[] = [];
  readonly #waiting = new Map<number, () => void>();

  deliver = async (bytes: Uint8Array): Promise<void> => {
    this.bytes.push(bytes[0]!);
    this.#waiting.get(this.bytes.length)?.();
  };

  at(count: number): Promise<void> {
    if (this.bytes.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(count, resolve));
  }
}

inEachIsolation(() => {
  describe("a receiver's loop", () => {
    test("receiver stop: every result is delivered, in order, until the flag is set; then shutdown, on the same instance", async () => {
      const { plugin, lines } = await receiving(
        receiver(DILIGENT, {
          shutdown: "(call $log (i32.const 2) (i32.const 64) (i32.const 4)) (i32.const 0)",
          fields: data(64, "down"),
        }),
      );
      const sink = new Sink();
      const done = plugin.receive("logs", sink.deliver);
      await sink.at(100);
      await plugin.shutdown();
      await done;
      assert.deepEqual(
        sink.bytes,
        sink.bytes.map((_, index) => index & 0xff),
      );
      assert.equal(lines.at(-1), "info: down");
      assert.equal(plugin.stats.calls - plugin.stats.refused, sink.bytes.length);
    });

    test("the guest waits until the delivery settles", async () => {
      await using loaded = await receiving(receiver(`(call $send) (call $send) ${UNTIL_STOP}`));
      const first = Promise.withResolvers<void>();
      const second = Promise.withResolvers<void>();
      let deliveries = 0;
      let settled = false;
      const done = loaded.plugin.receive("logs", async () => {
        if (++deliveries === 1) {
          await first.promise;
          settled = true;
          return;
        }
        assert.ok(settled, "the second came before the first had settled");
        second.resolve();
      });
      first.resolve();
      await second.promise;
      await loaded.plugin.shutdown();
      await done;
    });

    test("refused for good: counted, logged with its reason, and the guest goes on", async () => {
      await using loaded = await receiving(receiver(`(call $send) (call $send) ${UNTIL_STOP}`));
      const second = Promise.withResolvers<void>();
      void loaded.plugin.receive("logs", async ([byte]) => {
        if (byte === 0) throw ConsumerError.permanent("not wanted");
        second.resolve();
      });
      await second.promise;
      assert.equal(loaded.plugin.stats.refused, 1);
      assert.deepEqual(loaded.lines, ["error: data of the plugin is refused and lost"]);
    });

    test("refused for now: offered again until it is taken", async () => {
      await using loaded = await receiving(receiver(`(call $send) (call $send) ${UNTIL_STOP}`));
      const seen: number[] = [];
      const second = Promise.withResolvers<void>();
      void loaded.plugin.receive("logs", async ([byte]) => {
        seen.push(byte!);
        if (seen.length < 3) throw ConsumerError.retryable("full");
        if (byte === 1) second.resolve();
      });
      await second.promise;
      assert.deepEqual(seen, [0, 0, 0, 1]);
      assert.equal(loaded.plugin.stats.refused, 0);
    });

    test("receiver stop: it wakes a guest that waits; what it waited with is still answered before receive ends", async () => {
      const { plugin } = await receiving(receiver(DILIGENT));
      const delivery = Promise.withResolvers<void>();
      const came = Promise.withResolvers<void>();
      let ended = false;
      const done = plugin
        .receive("logs", () => {
          came.resolve();
          return delivery.promise;
        })
        .finally(() => {
          ended = true;
        });
      await came.promise;
      await plugin.shutdown();
      assert.equal(ended, false);
      delivery.resolve();
      await done;
    });

    test("receiver stop: a batch that waits for another attempt then is lost, counted and logged", async () => {
      const { plugin, lines } = await receiving(receiver(DILIGENT));
      const came = Promise.withResolvers<void>();
      const done = plugin.receive("logs", async () => {
        came.resolve();
        throw ConsumerError.retryable("full", { retryAfterMs: 60_000 });
      });
      await came.promise;
      await plugin.shutdown();
      await done;
      assert.equal(plugin.stats.refused, 1);
      assert.ok(lines.includes("error: data of the plugin is refused and lost"));
    });

    test("receiver stop: data that arrives after it is refused and counted, not silently dropped (10.4.3)", async () => {
      const { plugin, lines } = await receiving(receiver(`(call $send) ${UNTIL_STOP} (call $send) (call $send)`));
      const sink = new Sink();
      const done = plugin.receive("logs", sink.deliver);
      await sink.at(1);
      await plugin.shutdown();
      await done;
      assert.deepEqual(sink.bytes, [0]);
      assert.equal(plugin.stats.refused, 2);
      assert.equal(lines.filter((line) => line.includes("came after the plugin was asked to stop")).length, 2);
    });

    test("receiver stop: one that never looks at the flag is terminated at the deadline", async () => {
      const { plugin } = await receiving(receiver(`(call $send) ${SPIN}`), { limits: { shutdownTimeoutMs: 200 } });
      const sink = new Sink();
      const done = plugin.receive("logs", sink.deliver);
      await sink.at(1);
      const error = await failure(plugin.shutdown());
      await done;
      assert.equal(error.message, "wasm/test: start_logs_receiver: stopped: it ran longer than 200 ms");
      assert.equal(error.code, StatusCode.DEADLINE_EXCEEDED);
    });

    test("receiver that returns early or traps: reported with its status reason, counted, restarted per policy until it is too often", async () => {
      for (const [body, how] of [
        [
          "(call $send) (call $set_status_reason (i32.const 64) (i32.const 4))",
          /returned before the plugin was asked to stop: gone/,
        ],
        ["(call $send) unreachable", /trapped: unreachable executed/],
      ] as const) {
        const states: PluginState[] = [];
        await using loaded = await receiving(receiver(body, { fields: data(64, "gone") }), {
          restart: { initialIntervalMs: 1, maxRestarts: 3 },
          onState: (state) => states.push(state),
        });
        const sink = new Sink();
        const error = await failure(loaded.plugin.receive("logs", sink.deliver));
        assert.match(error.message, /start_logs_receiver: the plugin has failed for good, after 3 restarts/);
        assert.match(error.message, how);
        assert.deepEqual(sink.bytes, [0, 0, 0, 0], "each instance is a fresh one");
        assert.equal(loaded.plugin.stats.restarts, 3);
        assert.equal(states.at(-1), "failed");
        assert.ok(loaded.lines.some((line) => how.test(line)));
      }
    });

    test("set_result for another signal, and a wild pointer, are traps", async () => {
      for (const call of [
        "(call $set_result_traces (i32.const 0) (i32.const 1))",
        "(call $set_result_logs (i32.const -1) (i32.const -1))",
      ]) {
        await using loaded = await receiving(receiver(call), { restart: { maxRestarts: 0 } });
        const error = await failure(loaded.plugin.receive("logs", new Sink().deliver));
        assert.match(error.message, /trapped: a host function trapped: set_result_/);
      }
    });

    test("a result that is too large is refused and counted; the guest goes on", async () => {
      const { plugin } = await receiving(
        receiver(`(call $set_result_logs (i32.const 0) (i32.const 5)) (call $send) ${UNTIL_STOP}`),
        { limits: { maxResultBytes: 4 } },
      );
      const sink = new Sink();
      const done = plugin.receive("logs", sink.deliver);
      await sink.at(1);
      assert.equal(plugin.stats.refused, 1, "while the loop goes on");
      await plugin.shutdown();
      await done;
      assert.equal(plugin.stats.refused, 1);
    });

    test("receive is for receivers, after start, once", async () => {
      await using processor = await started(guest());
      assert.match((await failure(processor.plugin.receive("logs", async () => {}))).message, /is used as processor/);
      await using loaded = await receiving(receiver(UNTIL_STOP));
      const done = loaded.plugin.receive("logs", async () => {});
      assert.match((await failure(loaded.plugin.receive("logs", async () => {}))).message, /the loop runs already/);
      await loaded.plugin.shutdown();
      await done;
    });
  });
}, APART);

test("a process in which nothing else is left waits for a receiver's next attempt", async () => {
  const script = `
    import { writeSync } from "node:fs";
    import { WasmPlugin } from ${JSON.stringify(new URL("./plugin.ts", import.meta.url).href)};
    const plugin = await WasmPlugin.load({
      id: "wasm/test", role: "receiver", signals: ["logs"], binary: Buffer.from(process.env.BINARY, "base64"),
      restart: { maxRestarts: 3, initialIntervalMs: 100 },
    });
    await plugin.start();
    await plugin.receive("logs", async () => {}).catch((error) => writeSync(1, error.message));
    await plugin.shutdown().catch(() => {});`;
  const env = { ...process.env, BINARY: Buffer.from(receiver("unreachable")).toString("base64") };
  const args = ["--conditions=otelwasm-source", "--input-type=module", "--eval", script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  assert.match(stdout, /failed for good, after 3 restarts/);
});
