/** However the program ends that has a plugin in a process of its own: that process ends, too. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { ended } from "../testing/processes.ts";

const HERE = new URL("..", import.meta.url);

/** A program that prints the id of its plugin's process as soon as that is idle, or spins. */
function program(busy: boolean, then: string): ChildProcess {
  const script = `
    const { WasmPlugin } = await import("${new URL("plugin.ts", HERE)}");
    const { guest, imports } = await import("${new URL("testing/guests.ts", HERE)}");
    const { WaitedLogger } = await import("${new URL("testing/lines.ts", HERE)}");
    const { childrenOf } = await import("${new URL("testing/processes.ts", HERE)}");
    const logger = new WaitedLogger();
    const plugin = await WasmPlugin.load({
      id: "wasm/a", role: "processor", signals: ["logs"], isolation: "process", logger, limits: { callTimeoutMs: 600_000 },
      binary: guest({
        imports: imports("log"),
        consume: "(call $log (i32.const 2) (i32.const 0) (i32.const 1)) (loop $spin (br $spin)) (i32.const 0)",
      }),
    });
    await plugin.start();
    if (${busy}) {
      const running = logger.next(/info/);
      plugin.consume({ signal: "logs", bytes: new Uint8Array(1) }).catch(() => {});
      await running;
    }
    console.log(childrenOf(process.pid).join());
    ${then}`;
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return spawn(process.execPath, ["--conditions=otelwasm-source", "--input-type=module", "-e", script], {
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
}

async function childOf(parent: ChildProcess): Promise<number> {
  assert.ok(parent.stdout !== null);
  const [line] = (await once(createInterface(parent.stdout), "line")) as [string];
  const pid = Number(line);
  assert.ok(Number.isInteger(pid) && pid > 1, line);
  return pid;
}

for (const busy of [false, true]) {
  const state = busy ? "while its guest spins" : "while it is idle";

  test(`kill -9 leaves no process, ${state}`, async () => {
    const parent = program(busy, "setInterval(() => {}, 1000);");
    const pid = await childOf(parent);
    parent.kill("SIGKILL");
    await ended(pid);
  });

  for (const [how, then, expected] of [
    ["process.exit", "process.exit(7);", 7],
    ["an error that nobody catches", "setImmediate(() => { throw new Error('oh'); });", 1],
  ] as const)
    test(`${how} leaves no process, ${state}`, async () => {
      const parent = program(busy, then);
      const pid = await childOf(parent);
      const [code] = parent.exitCode === null ? await once(parent, "exit") : [parent.exitCode];
      assert.equal(code, expected);
      await ended(pid);
    });
}

test("a program that has nothing else to do ends with its plugin's process", async () => {
  const parent = program(false, "");
  const pid = await childOf(parent);
  const [code] = parent.exitCode === null ? await once(parent, "exit") : [parent.exitCode];
  assert.equal(code, 0);
  await ended(pid);
});
