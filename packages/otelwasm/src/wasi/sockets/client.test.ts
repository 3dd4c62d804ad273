import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { LineLogger } from "../../plugin/testing/guests.ts";
import { Errno, WasiError } from "../errno.ts";
import { Refusals } from "../refusals.ts";
import { Waiter } from "../wait.ts";
import { Family } from "./address.ts";
import { Channel } from "./channel.ts";
import { NetworkClient } from "./client.ts";
import { openNetwork } from "./network.ts";
import { Policy } from "./policy.ts";
import { type Event, type Request, Shared } from "./protocol.ts";
import { TcpSocket } from "./tcp.ts";

const isIo = (error: unknown): boolean => error instanceof WasiError && error.errno === Errno.io;

function newCells(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(Object.keys(Shared).length * 4));
}

/** Fails where a guest would wait: nobody would ever wake it here. */
class NoWaiter extends Waiter {
  override waitFor<T>(ready: () => T | undefined): T {
    return ready() ?? assert.fail("waits for ever");
  }
}

/** A client whose other side is played by the test. */
class Played {
  readonly client: NetworkClient;
  readonly #port: MessagePort;
  readonly #ownPort: MessagePort;
  readonly #cells: Int32Array = newCells();

  constructor(shutdownRequested = false) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#ownPort = port2;
    this.client = this.next(shutdownRequested);
  }

  /** The client of the next guest on the same thread. */
  next(shutdownRequested = false): NetworkClient {
    const waiter = new NoWaiter({ shutdownRequested: () => shutdownRequested });
    return new NetworkClient({ port: this.#port, cells: this.#cells }, waiter);
  }

  say(...events: readonly Event[]): void {
    for (const event of events) this.#ownPort.postMessage(event);
    Atomics.add(this.#cells, Shared.mail, events.length);
  }

  reply(request: number, address: string): void {
    this.say({ event: "reply", request, errno: Errno.success, value: { addresses: [address] } });
  }

  /** What the guest has said since the last time. */
  requests(): Request[] {
    const requests: Request[] = [];
    for (;;) {
      const item = receiveMessageOnPort(this.#ownPort);
      if (item === undefined) return requests;
      requests.push(item.message);
    }
  }

  ops(): string[] {
    return this.requests().map((request) => (request.op === "close" ? `close ${request.id}` : request.op));
  }

  [Symbol.dispose](): void {
    this.#port.close();
  }
}

test("an answer to what was interrupted is nobody's", () => {
  using played = new Played(true);
  const { client } = played;
  assert.throws(
    () => client.ask({ op: "resolve", name: "slow.test", family: 0 }, true),
    (error) => error instanceof WasiError && error.errno === Errno.intr,
  );
  played.reply(1, "of the second");
  played.reply(0, "of the first");
  assert.deepEqual(client.ask({ op: "sync" }), { addresses: ["of the second"] });
});

test("no request of a guest has the number of one of the guest before it on the same thread", () => {
  using played = new Played(true);
  for (const client of [played.client, played.next(true)])
    assert.throws(() => client.ask({ op: "resolve", name: "slow.test", family: 0 }, true));
  const numbers = played.requests().map((request) => ("request" in request ? request.request : undefined));
  assert.deepEqual(numbers, [0, 1]);
});

test("who hears of something while an answer is waited for may say as much as it wants; the next who says something waits for all", () => {
  using played = new Played();
  const { client } = played;
  const id = client.newId();
  client.listen(id, {
    heard: () => {
      for (let i = 0; i < 1000; i++) client.close(id);
    },
  });
  played.say({ event: "failed", id, errno: Errno.connrefused });
  played.reply(0, "of the question");
  assert.deepEqual(client.ask({ op: "sync" }), { addresses: ["of the question"] });
  assert.deepEqual(new Set(played.ops().slice(1)), new Set(["close 2"]));
  played.reply(1, "of the next");
  client.close(id);
  assert.deepEqual(played.ops(), ["close 2", "sync"]);
  client.close(id);
  assert.deepEqual(played.ops(), ["close 2"]);
});

test("a listener that is closed closes what was accepted for it, even if the guest has not heard of it", () => {
  using played = new Played();
  const { client } = played;
  const policy = new Policy({ listen: ["*"], connect: [], resolve: [] }, new Refusals(new LineLogger()));
  const socket = new TcpSocket({ policy, waiter: new NoWaiter({}), client: () => client }, Family.inet);
  played.reply(0, "");
  socket.listen(1);
  const local = { host: "127.0.0.1", port: 1 };
  const { buffer } = new Channel();
  played.say({ event: "accepted", id: 2, socket: { id: 1, channel: 0, buffer, local, remote: local } });
  played.reply(1, "");
  assert.deepEqual(played.ops(), ["listen"]);
  socket.close();
  assert.deepEqual(played.ops(), ["close 2", "sync", "close 2", "close 1"]);
});

test("who waits for a thread that has ended is told", () => {
  const { port1 } = new MessageChannel();
  const cells = newCells();
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
  await Promise.all([network.release(), network.release()]);
  await network.release();
  assert.throws(() => client.hear(), isIo);
  const next = openNetwork(grant, wake);
  assert.ok(next !== undefined);
  assert.deepEqual(new NetworkClient(next.link, waiter).ask({ op: "sync" }), {});
  await next.release();
});
