import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, Socket } from "node:net";
import { test } from "node:test";
import { listen } from "./listener.ts";

test("a connection that is turned away may fail to be reset", async (context) => {
  const turnedAway = Promise.withResolvers<void>();
  context.mock.method(Socket.prototype, "resetAndDestroy", function (this: Socket) {
    this.once("close", turnedAway.resolve);
    return this.destroy(new Error("it cannot be reset"));
  });
  const waiting = Int32Array.of(1);
  const local = { host: "127.0.0.1", port: 0 };
  const server = await listen({ local, ipv6Only: false, backlog: 1, waiting }, () => assert.fail("it was accepted"));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const peer = connect(address.port, "127.0.0.1").resume();
  await Promise.all([turnedAway.promise, once(peer, "close")]);
  server.close();
});
