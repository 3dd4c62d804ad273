import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { ConfigError, StatusCode } from "../component/errors.ts";
import type { Isolation } from "../runtime/contract.ts";
import type { PluginState } from "./options.ts";
import { WasmPlugin } from "./plugin.ts";
import { ECHO, guest, imports } from "./testing/guests.ts";
import { APART, failure, inEachIsolation, load, POSSIBLE, part, started } from "./testing/load.ts";

const SPIN = "(loop $spin (br $spin))";
/** Traps with two bytes, spins with three, and echoes any other payload. */
const FRAGILE = guest({
  imports: imports("set_result_traces", "set_result_metrics", "set_result_logs"),
  consume: `(if (i32.eq (local.get $size) (i32.const 2)) (then unreachable))
    (if (i32.eq (local.get $size) (i32.const 3)) (then ${SPIN}))
    (call $set_result_SIGNAL (local.get $pointer) (local.get $size)) (i32.const 0)`,
});
const QUICK = { callTimeoutMs: 100 };

function logs(bytes: Uint8Array): { signal: "logs"; bytes: Uint8Array } {
  return { signal: "logs", bytes };
}

function workers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Worker" || name === "MessagePort").length;
}

if (POSSIBLE.includes("worker"))
  describe("buffers of a worker", () => {
    test("a buffer that is all of its memory moves; what comes back without a result is the same bytes", async () => {
      await using loaded = await started(guest());
      const bytes = Uint8Array.from({ length: 10_000 }, (_, index) => index & 0xff);
      const copy = bytes.slice();
      const results = await loaded.plugin.consume(logs(bytes));
      assert.equal(bytes.length, 0, "it is detached");
      assert.equal(loaded.plugin.mutatesData, true);
      assert.equal(results?.length, 1);
      assert.equal(Buffer.compare(results[0]!, copy), 0);
    });

    test("a part of a larger buffer is copied and stays", async () => {
      await using loaded = await started(guest());
      const bytes = part([1, 2, 3]);
      assert.equal(await loaded.plugin.consume(logs(bytes)), undefined);
      assert.deepEqual([...bytes], [1, 2, 3]);
    });
  });

describe("threads", () => {
  test("100 plugins made and released leave no worker behind", async () => {
    const before = workers();
    const binary = guest(ECHO);
    for (let round = 0; round < 25; round++) {
      const four = await Promise.all(Array.from({ length: 4 }, () => load(binary)));
      await Promise.all(
        four.map(async ({ plugin }) => {
          await plugin.start();
          await plugin.consume(logs(Uint8Array.of(1)));
          await plugin.shutdown();
        }),
      );
    }
    assert.equal(workers(), before);
  });
});

describe("options", () => {
  test("what cannot be had is refused, all of it in one error", async () => {
    const options = { id: "wasm", signals: ["logs"], binary: guest() } as const;
    await assert.rejects(
      WasmPlugin.load({ ...options, role: "receiver", isolation: "inline", instances: 2, onFailure: "pass_through" }),
      (error) => error instanceof ConfigError && error.issues.length === 3,
    );
    await assert.rejects(
      WasmPlugin.load({ ...options, role: "processor", isolation: "inline", limits: { callTimeoutMs: 5 } }),
      (error) => error instanceof ConfigError && /cannot end a call that runs inline/.test(error.message),
    );
  });
});

/** Runs a program that has a plugin and nothing else that keeps its process. */
async function runAlone(isolation: Isolation, parts: string, work: string): Promise<[code: unknown, output: string]> {
  const here = new URL(".", import.meta.url);
  const script = `
    const { WasmPlugin } = await import("${new URL("plugin.ts", here)}");
    const { guest } = await import("${new URL("testing/guests.ts", here)}");
    const plugin = await WasmPlugin.load({ id: "wasm/a", role: "processor", signals: ["logs"], isolation: "${isolation}", binary: guest(${parts}) });
    await plugin.start();
    const consume = (size) => plugin.consume({ signal: "logs", bytes: new Uint8Array(size) });
    ${work}`;
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, ["--conditions=otelwasm-source", "--input-type=module", "-e", script], { env });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const [code] = await once(child, "close");
  return [code, output];
}

inEachIsolation((isolation) => {
  describe("on_failure", () => {
    test("pass_through keeps the bytes, so that the batch survives whatever happens", async () => {
      await using loaded = await started(FRAGILE, { onFailure: "pass_through", limits: QUICK });
      assert.equal(loaded.plugin.mutatesData, false);
      for (const size of [2, 3]) {
        const bytes = new Uint8Array(size).fill(9);
        assert.equal(await loaded.plugin.consume(logs(bytes)), undefined, "it passes on as it is");
        assert.equal(bytes.length, size);
        assert.deepEqual(await loaded.consume([1]), [[1]]);
      }
      assert.equal(loaded.plugin.stats.passedThrough, 2);
    });

    test("drop acknowledges, counts and says so", async () => {
      await using loaded = await started(FRAGILE, { onFailure: "drop" });
      assert.deepEqual(await loaded.consume([1, 2]), []);
      assert.equal(loaded.plugin.stats.dropped, 1);
      assert.ok(loaded.lines.some((line) => line.startsWith("warn: a batch is dropped")));
    });
  });

  describe("calls", () => {
    test("many at once are answered in their order", async () => {
      await using loaded = await started(guest(ECHO));
      const all = await Promise.all(
        Array.from({ length: 500 }, (_, index) => loaded.plugin.consume(logs(Uint8Array.of(index & 0xff, index >> 8)))),
      );
      assert.deepEqual(
        all.map((results) => results![0]![0]! + results![0]![1]! * 256),
        Array.from({ length: 500 }, (_, index) => index),
      );
      assert.deepEqual(
        [loaded.plugin.stats.calls, loaded.plugin.stats.bytesIn, loaded.plugin.stats.bytesOut],
        [500, 1000, 1000],
      );
    });

    test("behind one that traps nothing is lost: moved or copied, they run on the next instance", async () => {
      await using loaded = await started(FRAGILE);
      const ends = await Promise.all(
        [1, 2, 1, 1, 1].map((size, index) =>
          loaded.plugin.consume(logs(index === 3 ? part([index]) : new Uint8Array(size).fill(index))).then(
            (results) => results![0]![0],
            (error: Error) => error.message,
          ),
        ),
      );
      assert.deepEqual(ends, [0, "wasm/test: consume_logs: trapped: unreachable executed", 2, 3, 4]);
    });

    test("behind one that hangs: what was moved to it gets a retryable error, all that is still here runs", async () => {
      await using loaded = await started(FRAGILE, { limits: QUICK });
      const sizes = [3, 1, ...new Array<number>(60).fill(1)];
      const ends = await Promise.allSettled(
        sizes.map((size, index) => loaded.plugin.consume(logs(index === 1 ? part([1]) : new Uint8Array(size)))),
      );
      const errors = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
      assert.match(errors[0].message, /stopped: it ran longer than 100 ms/);
      assert.equal(errors[0].code, StatusCode.DEADLINE_EXCEEDED);
      assert.ok(errors.every((error) => error.permanent === false));
      assert.equal(ends[1]!.status, "fulfilled", "the copy");
      assert.equal(ends[61]!.status, "fulfilled", "still waited");
      // Of a pipe both ends have the bytes.
      const lost = isolation === "worker" ? 30 : 0;
      assert.equal(errors.length, 1 + lost, "one that ran, and those that went with it");
      assert.equal(loaded.plugin.stats.deadlines, 1);
    });

    test("concurrency: more instances for more parallelism; one that hangs does not stop the others", async () => {
      await using loaded = await started(FRAGILE, { instances: 2, limits: { callTimeoutMs: 2000 } });
      const hanging = failure(loaded.consume([1, 2, 3]));
      for (let n = 0; n < 20; n++) assert.deepEqual(await loaded.consume([n]), [[n]]);
      assert.equal(loaded.plugin.stats.deadlines, 0, "it hangs still");
      assert.equal((await hanging).code, StatusCode.DEADLINE_EXCEEDED);
      assert.equal(loaded.plugin.state, "working");
    });
  });

  describe("restarts", () => {
    test("too many in the window: failed for good, visible, and every batch gets the answer", async () => {
      const states: (PluginState | string)[] = [];
      await using loaded = await started(FRAGILE, {
        restart: { maxRestarts: 2 },
        onState: (state, reason) => states.push(reason === undefined ? state : `${state}: ${reason}`),
      });
      for (let n = 0; n < 2; n++) {
        await failure(loaded.consume([1, 2]));
        assert.deepEqual(await loaded.consume([1]), [[1]]);
      }
      const trapped = "wasm/test: consume_logs: trapped: unreachable executed";
      assert.equal((await failure(loaded.consume([1, 2]))).message, trapped);
      assert.equal(loaded.plugin.state, "failed");
      const error = await failure(loaded.consume([1]));
      assert.equal(
        error.message,
        `wasm/test: consume_logs: the plugin has failed for good, after 2 restarts within 60000 ms: ${trapped}`,
      );
      assert.equal(error.permanent, false);
      assert.deepEqual(states.slice(0, 4), [`restarting: ${trapped}`, "working", `restarting: ${trapped}`, "working"]);
      assert.match(String(states[4]), /^failed: /);
      assert.ok(loaded.lines.some((line) => line.startsWith("error: the plugin has failed for good")));
    });

    test("of two instances one failed for good: the log says so, and the other goes on", async () => {
      await using loaded = await started(FRAGILE, { instances: 2, restart: { maxRestarts: 0 } });
      await failure(loaded.consume([1, 2]));
      assert.equal(loaded.plugin.state, "working");
      assert.deepEqual(await loaded.consume([1]), [[1]]);
      assert.ok(loaded.lines.some((line) => line.startsWith("error: an instance of the plugin has failed for good")));
      await failure(loaded.consume([1, 2]));
      assert.equal(loaded.plugin.state, "failed");
      assert.ok(loaded.lines.some((line) => line.startsWith("error: the plugin has failed for good")));
    });

    test("while it waits for the next attempt: a retryable error that says how long", async () => {
      await using loaded = await started(guest({ consume: "unreachable" }), {
        restart: { initialIntervalMs: 60_000, maxIntervalMs: 60_000 },
      });
      await failure(loaded.consume([1]));
      await failure(loaded.consume([1]));
      const error = await failure(loaded.consume([1]));
      assert.match(error.message, /trapped: unreachable executed; restarting in \d+ ms$/);
      assert.ok(error.retryAfterMs! > 29_000 && error.retryAfterMs! <= 60_000);
      assert.equal(loaded.plugin.state, "restarting");
    });
  });

  test("log lines of a guest arrive before the answer of the call that wrote them", async () => {
    await using loaded = await started(
      guest({
        imports: imports("log"),
        consume: "(call $log (i32.const 2) (i32.const 0) (i32.const 1)) (i32.const 0)",
      }),
    );
    await loaded.plugin.consume(logs(Uint8Array.of(1)));
    assert.equal(loaded.lines.length, 1);
  });

  describe("a process in which nothing else is to be done", () => {
    test("ends while its plugin is idle, and not before a call under way is answered", async () => {
      assert.deepEqual(await runAlone(isolation, "", "consume(2).then(() => console.log('answered'));"), [
        0,
        "answered\n",
      ]);
    });

    test("stays until its plugin has stopped, whatever falls due meanwhile", async () => {
      const work = `
      await consume(0);
      const stopping = plugin.shutdown();
      for (const until = performance.now() + 12; performance.now() < until; );
      await stopping;
      console.log("done");`;
      assert.deepEqual(await runAlone(isolation, "", work), [0, "done\n"]);
    });

    test("stays until a batch is answered that waited for the next instance", async () => {
      const fragile = '{ consume: "(if (i32.eq (local.get $size) (i32.const 2)) (then unreachable)) (i32.const 0)" }';
      const work = `
      const broken = consume(2).catch(() => {});
      const waiting = consume(1);
      await broken;
      await waiting;
      await consume(2).catch(() => {});
      await consume(1);
      await plugin.shutdown();
      console.log("done");`;
      assert.deepEqual(await runAlone(isolation, fragile, work), [0, "done\n"]);
    });
  });
}, APART);
