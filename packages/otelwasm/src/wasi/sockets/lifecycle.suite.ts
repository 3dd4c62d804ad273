import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { Errno } from "../errno.ts";
import { RING_BYTES } from "./channel.ts";
import type { Endpoint } from "./protocol.ts";
import type { GuestFactory } from "./tcp.suite.ts";
import { type SocketGuest, Type } from "./testing/guest.ts";

const NETWORK = { listen: ["127.0.0.1:*"], connect: ["127.0.0.1:*"] };

/** Resolves when the guest's thread waits; `Atomics.notify` tells. */
async function connected(guest: SocketGuest): Promise<{
  readonly fd: number;
  readonly listener: number;
  readonly local: Endpoint;
  readonly peer: ReturnType<typeof connect>;
}> {
  const { fd: listener, local } = await guest.server();
  const peer = connect({ ...local, allowHalfOpen: true }).on("error", () => {});
  const fd = await guest.accepted(listener);
  return { fd, listener, local, peer };
}

/** What ends waits, and what becomes of sockets when their guest ends. */
export function lifecycleSuite(start: GuestFactory): void {
  describe("shutdown wakes a guest that waits", () => {
    /** What is done before, and the call that waits. */
    const WAITS: Readonly<Record<string, (guest: SocketGuest) => Promise<() => Promise<{ readonly errno: number }>>>> =
      {
        accept: async (guest) => {
          const { fd } = await guest.server();
          return () => guest.accept(fd);
        },
        sock_recv: async (guest) => {
          const { fd } = await connected(guest);
          return () => guest.receive(fd);
        },
        fd_read: async (guest) => {
          const { fd } = await connected(guest);
          return () => guest.receive(fd, 10, { name: "fd_read" });
        },
        sock_recv_from: async (guest) => {
          const fd = await guest.open(Type.datagram);
          await guest.bind(fd, "127.0.0.1", 0);
          return () => guest.receiveFrom(fd);
        },
        sock_send: async (guest) => {
          const { fd } = await connected(guest);
          await guest.setNonblocking(fd);
          for (;;) {
            const { errno } = await guest.send(fd, Buffer.alloc(1 << 20));
            // Full, and nobody takes anything out.
            if (errno === Errno.again && (await guest.poll([{ fd, type: "write" }], 200))[0]?.type === "clock") break;
          }
          await guest.call("fd_fdstat_set_flags", [fd, 0]);
          return () => guest.send(fd, "x");
        },
      };
    for (const [name, prepare] of Object.entries(WAITS))
      test(name, async () => {
        await using guest = await start({ network: NETWORK });
        const call = await prepare(guest);
        const waiting = call();
        await guest.waits();
        guest.requestShutdown();
        assert.equal((await waiting).errno, Errno.intr);
      });

    test("poll without a timer: no events; with one, it counts as due; once", async () => {
      await using guest = await start({ network: NETWORK });
      const { fd, peer } = await connected(guest);
      const polling = guest.poll([{ fd, type: "read" }]);
      await guest.waits();
      guest.requestShutdown();
      assert.deepEqual(await polling, []);
      // It has been told: from now on waits last until there is something.
      const again = guest.poll([{ fd, type: "read" }], 3_600_000);
      await guest.waits();
      peer.write("x");
      assert.equal((await again)[0]?.type, "read");
    });

    test("a wait that begins after the request ends, too", async () => {
      await using guest = await start({ network: NETWORK });
      const { fd } = await connected(guest);
      guest.requestShutdown();
      assert.deepEqual(
        (await guest.poll([{ fd, type: "read" }], 3_600_000)).map(({ type }) => type),
        ["clock"],
      );
    });
  });

  test("a guest that is ended while it listens and waits: its port is free, its peers are closed", async () => {
    const guest = await start({ network: NETWORK });
    const { listener, local, peer } = await connected(guest);
    void guest.accept(listener);
    await guest.waits();
    peer.resume();
    const closed = once(peer, "end");
    await guest.terminate();
    for (let i = 0; i < 5; i++) {
      await using next = await start({ network: NETWORK });
      assert.deepEqual((await next.server("127.0.0.1", local.port)).local, local);
    }
    await closed;
  });

  test("a guest that closes: what it has written still arrives, and its port is free", async () => {
    const guest = await start({ network: NETWORK });
    const { fd, local, peer } = await connected(guest);
    const sent = Buffer.alloc(RING_BYTES, 5);
    assert.equal((await guest.send(fd, sent)).size, RING_BYTES);
    await guest.close();
    const chunks: Buffer[] = [];
    for await (const chunk of peer) chunks.push(chunk);
    assert.ok(Buffer.concat(chunks).equals(sent));
    await using next = await start({ network: NETWORK });
    assert.deepEqual((await next.server("127.0.0.1", local.port)).local, local);
  });

  test("a peer that answers and closes before the guest reads: everything arrives, then the end", async () => {
    await using guest = await start({ network: NETWORK });
    const { fd, peer } = await connected(guest);
    // The guest has no more to say, so that the end of the peer's side closes the connection.
    assert.equal(await guest.shutdown(fd, 2), 0);
    const sent = Buffer.alloc(RING_BYTES + 1000, "answer");
    const closed = once(peer, "close");
    peer.resume().end(sent);
    await closed;
    // Round trips, in which the thread of the sockets hears of the end.
    for (let i = 0; i < 10; i++) assert.equal(await guest.closeFd((await guest.server()).fd), 0);
    const chunks: Buffer[] = [];
    for (;;) {
      const { errno, bytes } = await guest.receive(fd, 1 << 16);
      assert.equal(errno, 0);
      if (bytes.length === 0) break;
      chunks.push(bytes);
    }
    assert.ok(Buffer.concat(chunks).equals(sent), `${Buffer.concat(chunks).length} bytes of ${sent.length}`);
  });

  test("sockets by the hundred: opened, used, closed, and their memory used again", async () => {
    await using guest = await start({ network: NETWORK });
    const { fd, local } = await guest.server();
    for (let round = 0; round < 3; round++) {
      const peers = Array.from({ length: 100 }, () => connect(local).on("error", () => {}));
      const fds: number[] = [];
      for (let i = 0; i < peers.length; i++) fds.push(await guest.accepted(fd));
      for (const [i, peer] of peers.entries()) peer.end(`hello ${i}`);
      const texts = new Set<string>();
      for (const each of fds) {
        texts.add(await guest.receiveText(each));
        assert.equal(await guest.closeFd(each), 0);
      }
      assert.equal(texts.size, peers.length);
    }
  });

  test("connections begun and given up, faster than the network can follow", async () => {
    await using guest = await start({ network: NETWORK });
    const { local } = await guest.server();
    for (let i = 0; i < 600; i++) {
      const fd = await guest.open(Type.stream, 1, true);
      assert.equal(await guest.connect(fd, local), Errno.inprogress);
      assert.equal(await guest.closeFd(fd), 0);
    }
    const fd = await guest.open();
    assert.equal((await guest.endpoint("peer", fd)).errno, Errno.notconn);
  });

  test("descriptors are bounded: EMFILE", async () => {
    await using guest = await start({ network: NETWORK });
    const errnos = new Set<number>();
    for (let i = 0; i < 1100; i++) errnos.add((await guest.call("sock_open", [1, 2, 64])).errno);
    assert.deepEqual([...errnos], [0, Errno.mfile]);
  });
}
