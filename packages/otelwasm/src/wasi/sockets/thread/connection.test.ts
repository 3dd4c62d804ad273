import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Channel } from "../channel.ts";
import { Connection } from "./connection.ts";

/** Two ends of one connection; the peer's stays open until it is destroyed. */
async function pair(): Promise<{ readonly socket: Socket; readonly peer: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const accepted = once(server, "connection");
  const socket = connect({ host: "127.0.0.1", port: address.port, allowHalfOpen: true });
  const [peer] = (await accepted) as [Socket];
  if (socket.connecting) await once(socket, "connect");
  server.close();
  peer.on("error", () => {}).resume();
  return { socket, peer };
}

test("a socket that is written to without an end lets others have their turn", async () => {
  const { socket, peer } = await pair();
  const channel = new Channel();
  const done = Promise.withResolvers<void>();
  let left = 1000;
  const write = (): void => {
    if (left-- <= 0) return;
    channel.wantRoom();
    channel.outgoing.put(channel.outgoing.fill(Uint8Array.of(1)));
  };
  const connection = new Connection(socket, channel, { wake: write, done: done.resolve });
  write();
  connection.bell();
  await turn();
  assert.ok(left > 0);
  connection.close();
  await done.promise;
  peer.destroy();
});

test("a connection that takes too long to close while it is shut down is closed", async () => {
  const { socket, peer } = await pair();
  const done = Promise.withResolvers<void>();
  const connection = new Connection(socket, new Channel(), { wake: () => {}, done: done.resolve });
  // From here on: the timer is due before the loop comes to what the shutdown has asked of it.
  await turn();
  connection.close(1);
  for (const began = performance.now(); performance.now() - began < 5; );
  await done.promise;
  assert.ok(socket.destroyed);
  peer.destroy();
});
