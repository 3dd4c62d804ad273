import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { WasmPlugin } from "../plugin.ts";
import { ECHO, guest } from "../testing/guests.ts";
import { WaitedLogger } from "../testing/lines.ts";
import { childrenOf } from "../testing/processes.ts";

const INSTANCES = 4;
const ROUNDS = 25;

test("100 processes that are killed: what comes meanwhile gets its answer, and of none of them anything is left", async () => {
  const handles = process.getActiveResourcesInfo();
  const logger = new WaitedLogger();
  const plugin = await WasmPlugin.load({
    id: "wasm/apart",
    role: "processor",
    signals: ["logs"],
    isolation: "process",
    instances: INSTANCES,
    restart: { initialIntervalMs: 1, maxIntervalMs: 1, maxRestarts: 1_000 },
    logger,
    binary: guest(ECHO),
  });
  await plugin.start();
  const seen = new Set<number>();
  for (let round = 0; round < ROUNDS; round++) {
    const before = logger.lines.filter((line) => line.includes("was replaced")).length;
    const pids = childrenOf(process.pid);
    assert.equal(pids.length, INSTANCES);
    const calls = pids.map((pid) => {
      const call = plugin.consume({ signal: "logs", bytes: Uint8Array.of(round) });
      process.kill(pid, "SIGKILL");
      seen.add(pid);
      return call.catch((error: Error) => error.message);
    });
    while (logger.lines.filter((line) => line.includes("was replaced")).length < before + INSTANCES)
      await logger.next(/was replaced/);
    for (const outcome of await Promise.all(calls))
      if (typeof outcome === "string") assert.match(outcome, /was ended by SIGKILL/);
      else assert.deepEqual(outcome, [Uint8Array.of(round)]);
  }
  assert.equal(seen.size, INSTANCES * ROUNDS);
  assert.equal(plugin.stats.restarts, INSTANCES * ROUNDS);
  assert.equal(plugin.state, "working");
  await plugin.shutdown();
  assert.deepEqual(childrenOf(process.pid), []);
  // What the last of them was waited for with is closed in the turns of the event loop after that.
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  assert.deepEqual(process.getActiveResourcesInfo(), handles);
});
