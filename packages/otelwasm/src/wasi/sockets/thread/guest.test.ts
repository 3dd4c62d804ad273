import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, Socket } from "node:net";
import { test } from "node:test";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { Errno } from "../../errno.ts";
import { type Event, type Request, Shared } from "../protocol.ts";
import { GuestSockets } from "./guest.ts";

function sockets(): { readonly guest: GuestSockets; readonly port: MessagePort; readonly cells: Int32Array } {
  const { port1, port2 } = new MessageChannel();
  const cells = new Int32Array(new SharedArrayBuffer(Object.keys(Shared).length * 4));
  const wake = new Int32Array(new SharedArrayBuffer(4));
  return { guest: new GuestSockets({ port: port2, cells, wake }), port: port1, cells };
}

test("a request that nobody has thought of ends its guest, which is told, and no other", async () => {
  const [bad, good] = [sockets(), sockets()];
  const closed = once(bad.port, "close");
  const request: Request = {
    op: "connect",
    id: 2,
    remote: { host: "127.0.0.1", port: 65_536 },
    local: undefined,
    keepAlive: false,
  };
  bad.port.postMessage(request);
  await closed;
  assert.equal(Atomics.load(bad.cells, Shared.gone), 1);
  await bad.guest.end();
  const answer = once(good.port, "message");
  good.port.postMessage({ op: "sync", request: 1 } satisfies Request);
  const reply: Event = { event: "reply", request: 1, errno: Errno.success };
  assert.deepEqual((await answer)[0], reply);
  assert.equal(Atomics.load(good.cells, Shared.gone), 0);
  await good.guest.end();
});

test("a socket that does not close is not waited for without an end", async (context) => {
  const { guest, port } = sockets();
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const accepted = once(server, "connection");
  const answer = once(port, "message");
  const remote = { host: "127.0.0.1", port: address.port };
  port.postMessage({ op: "connect", id: 2, remote, local: undefined, keepAlive: false } satisfies Request);
  const [peer] = (await accepted) as [Socket];
  assert.equal((await answer)[0].event, "connected");
  const stuck = new Set<Socket>();
  const destroy = context.mock.method(Socket.prototype, "destroy", function (this: Socket) {
    stuck.add(this);
    return this;
  });
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const ended = guest.end();
  context.mock.timers.tick(60_000);
  await ended;
  destroy.mock.restore();
  for (const socket of [...stuck, peer]) socket.destroy();
  assert.ok(stuck.size > 0);
  server.close();
});
