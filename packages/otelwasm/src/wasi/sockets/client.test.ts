import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { Errno, WasiError } from "../errno.ts";
import { Waiter } from "../wait.ts";
import { NetworkClient } from "./client.ts";
import { openNetwork } from "./network.ts";
import { Shared } from "./protocol.ts";

const isIo = (error: unknown): boolean => error instanceof WasiError && error.errno === Errno.io;

test("who waits for a thread that has ended is told", () => {
  const { port1 } = new MessageChannel();
  const cells = new Int32Array(new SharedArrayBuffer(8));
  const client = new NetworkClient({ port: port1, cells }, new Waiter({}));
  client.hear();
  Atomics.store(cells, Shared.gone, 1);
  assert.throws(() => client.hear(), isIo);
  assert.throws(() => client.ask({ op: "sync" }), isIo);
  port1.close();
});

test("nothing granted is no thread; one that was released says so, and the next guest has a new link", async () => {
  const wake = new Int32Array(new SharedArrayBuffer(4));
  assert.equal(openNetwork({ listen: [], connect: [], resolve: [] }, wake), undefined);
  const grant = { listen: ["*"], connect: [], resolve: [] };
  const network = openNetwork(grant, wake);
  assert.ok(network !== undefined);
  const waiter = new Waiter({ wake });
  const client = new NetworkClient(network.link, waiter);
  assert.deepEqual(client.ask({ op: "sync" }), {});
  await network.release();
  await network.release();
  assert.throws(() => client.hear(), isIo);
  const next = openNetwork(grant, wake);
  assert.ok(next !== undefined);
  assert.deepEqual(new NetworkClient(next.link, waiter).ask({ op: "sync" }), {});
  await next.release();
});
