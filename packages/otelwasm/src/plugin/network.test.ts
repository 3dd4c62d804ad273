/** Plugins with sockets: that the network reaches them, and that their ports are free again, however an instance ends. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { Errno } from "../wasi/errno.ts";
import type { PluginState } from "./options.ts";
import { data, guest, imports } from "./testing/guests.ts";
import { APART, POSSIBLE, started } from "./testing/load.ts";

const SOCKETS = [
  "sock_open:3",
  "sock_bind:3",
  "sock_listen:2",
  "sock_accept:3",
  "sock_connect:3",
  "sock_send:5",
  "sock_recv:6",
  "fd_close:1",
]
  .map((item) => item.split(":"))
  .map(
    ([name, count]) =>
      `(import "wasi_snapshot_preview1" "${name}" (func $${name} (param${" i32".repeat(Number(count))}) (result i32)))`,
  )
  .join("\n");

/** What every guest here has: 127.0.0.1 as an address at 16, a buffer of 64 bytes at 512 behind an iovec at 32, results at 64 to 80. */
const MEMORY = `${data(8, "\x7f\0\0\x01")} (data (i32.const 16) "\\08\\00\\00\\00\\04\\00\\00\\00")
  (data (i32.const 32) "\\00\\02\\00\\00\\40\\00\\00\\00")`;
const LISTEN = (port: number): string => `
  (drop (call $sock_open (i32.const 1) (i32.const 2) (i32.const 64)))
  (local.set $status (call $sock_bind (i32.load (i32.const 64)) (i32.const 16) (i32.const ${port})))
  (if (i32.eqz (local.get $status)) (then
    (local.set $status (call $sock_listen (i32.load (i32.const 64)) (i32.const 8)))))`;

/** Fails to start with the errno, as a status. */
const SERVER = (port: number, consume: string): Uint8Array =>
  guest({
    imports: `${imports("set_result_logs")} ${SOCKETS}`,
    start: `(local $status i32) ${LISTEN(port)} (local.get $status)`,
    consume,
    fields: MEMORY,
  });

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  server.close();
  await once(server, "close");
  return address.port;
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

/** Resolves when the plugin works again. */
class Restarts {
  #working = Promise.withResolvers<void>();

  readonly onState = (state: PluginState): void => {
    if (state === "working") this.#working.resolve();
  };

  async next(): Promise<void> {
    await this.#working.promise;
    this.#working = Promise.withResolvers();
  }
}

/** Two bytes trap, three wait for a connection for ever, any other number waits for one and closes it. */
const CONSUME = `
  (if (i32.eq (local.get $size) (i32.const 2)) (then unreachable))
  (if (i32.eqz (call $sock_accept (i32.load (i32.const 64)) (i32.const 0) (i32.const 68)))
    (then (if (i32.eq (local.get $size) (i32.const 3)) (then
            (drop (call $sock_recv (i32.load (i32.const 68)) (i32.const 32) (i32.const 1) (i32.const 0) (i32.const 72) (i32.const 76)))))
          (return (call $fd_close (i32.load (i32.const 68))))))
  (i32.const 1)`;

const grants = (port: number): { network: { listen: string[]; connect: string[]; resolve: string[] } } => ({
  network: { listen: [`127.0.0.1:${port}`], connect: [], resolve: [] },
});

for (const isolation of POSSIBLE)
  describe(`isolation ${isolation}`, () => {
    test("a plugin that traps while it listens is replaced by one that listens on the same port", async () => {
      const port = await freePort();
      const restarts = new Restarts();
      await using loaded = await started(SERVER(port, CONSUME), {
        isolation,
        grants: grants(port),
        restart: { initialIntervalMs: 1 },
        onState: restarts.onState,
      });
      for (let round = 0; round < 3; round++) {
        const peer = await connected(port);
        const closed = once(peer, "close");
        peer.resume();
        assert.equal(await loaded.consume([1]), undefined);
        await closed;
        await assert.rejects(loaded.consume([1, 2]), /unreachable/);
        await restarts.next();
      }
      const peer = await connected(port);
      assert.equal(await loaded.consume([1]), undefined);
      peer.destroy();
      assert.equal(loaded.plugin.stats.restarts, 3);
    });

    test("a plugin that is shut down leaves nothing behind", async () => {
      const port = await freePort();
      for (let round = 0; round < 3; round++) {
        const loaded = await started(SERVER(port, CONSUME), { isolation, grants: grants(port) });
        await loaded.plugin.shutdown();
      }
      const [error] = await once(connect(port, "127.0.0.1"), "error");
      assert.equal(error.code, "ECONNREFUSED");
    });

    test("what is not granted fails in the guest, and is a line in the log", async () => {
      const port = await freePort();
      const loaded = await started(SERVER(port, CONSUME), { isolation }).catch((error: unknown) => error);
      assert.ok(loaded instanceof Error);
      assert.match(loaded.message, new RegExp(`start.* ${Errno.acces}`));
    });
  });

for (const isolation of APART.filter((isolation) => POSSIBLE.includes(isolation)))
  describe(`isolation ${isolation}`, () => {
    test("a call that ran past its deadline while it waited for a connection: the next instance has the port", async () => {
      const port = await freePort();
      const restarts = new Restarts();
      await using loaded = await started(SERVER(port, CONSUME), {
        isolation,
        grants: grants(port),
        limits: { callTimeoutMs: 500 },
        onState: restarts.onState,
      });
      const peer = await connected(port);
      const lost = once(peer, "close");
      peer.resume();
      await assert.rejects(loaded.consume([1, 2, 3]), /it ran longer than 500 ms/);
      await lost;
      await restarts.next();
      const next = await connected(port);
      assert.equal(await loaded.consume([1]), undefined);
      next.destroy();
    });

    test("a receiver that waits for a connection returns when it is asked to stop", async () => {
      const port = await freePort();
      await using loaded = await started(
        guest({
          imports: `${imports("get_shutdown_requested")} ${SOCKETS}`,
          fields: `${MEMORY} (func (export "start_logs_receiver") (local $status i32) ${LISTEN(port)}
        (loop $again
          (drop (call $sock_accept (i32.load (i32.const 64)) (i32.const 0) (i32.const 68)))
          (br_if $again (i32.eqz (call $get_shutdown_requested)))))`,
        }),
        { role: "receiver", isolation, grants: grants(port) },
      );
      const done = loaded.plugin.receive("logs", async () => {});
      // Until it listens.
      let peer: Socket | undefined;
      while (peer === undefined) peer = await connected(port).catch(() => undefined);
      // Closed before it was accepted, it is reset.
      peer.on("error", () => {});
      await loaded.plugin.shutdown();
      await done;
      assert.equal(loaded.plugin.stats.deadlines, 0);
    });
  });

test("a process whose plugins had sockets ends by itself, and not before they are closed", async () => {
  const port = await freePort();
  const script = `
    import { writeSync } from "node:fs";
    import { WasmPlugin } from ${JSON.stringify(new URL("./plugin.ts", import.meta.url).href)};
    for (const isolation of ["worker", "inline", "process"]) {
      const binary = Buffer.from(process.env.BINARY, "base64");
      const plugin = await WasmPlugin.load({
        id: "wasm/test", role: "processor", signals: ["logs"], binary, isolation, grants: ${JSON.stringify(grants(port))},
      });
      await plugin.start();
      await plugin.shutdown();
      writeSync(1, isolation);
    }`;
  const env = { ...process.env, BINARY: Buffer.from(SERVER(port, CONSUME)).toString("base64") };
  const args = ["--conditions=otelwasm-source", "--input-type=module", "--eval", script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  assert.equal(stdout, "workerinlineprocess");
});

test("a thread of the sockets that does not answer keeps no plugin from being shut down, and is named", async (context) => {
  const port = await freePort();
  // On whatever engine: it is the sockets' thread that does not answer, and this one asks it.
  const runtimeConfig = { type: "v8" };
  const loaded = await started(SERVER(port, CONSUME), { runtimeConfig, isolation: "worker", grants: grants(port) });
  const held = Promise.withResolvers<() => void>();
  const { postMessage } = Worker.prototype;
  context.mock.method(
    Worker.prototype,
    "postMessage",
    function (this: Worker, ...sent: Parameters<typeof postMessage>) {
      const [order] = sent;
      if (order?.order === "release") held.resolve(() => postMessage.apply(this, sent));
      else postMessage.apply(this, sent);
    },
  );
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const shutdown = loaded.plugin.shutdown();
  const release = await held.promise;
  context.mock.timers.tick(60_000);
  await shutdown;
  assert.match(loaded.lines.join("\n"), /thread of the sockets has not closed/);
  release();
});
