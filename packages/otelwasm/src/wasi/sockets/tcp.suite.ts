import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { describe, test } from "node:test";
import { Errno } from "../errno.ts";
import { Family } from "./address.ts";
import { RING_BYTES } from "./channel.ts";
import type { Endpoint } from "./protocol.ts";
import { type SocketGuest, type SocketGuestOptions, Type } from "./testing/guest.ts";

/** What the tests of an engine are run with. */
export type GuestFactory = (options?: SocketGuestOptions) => Promise<SocketGuest>;

const NETWORK = { listen: ["127.0.0.1:*", "[::1]:*"], connect: ["localhost:*"] };
const NONBLOCK = 4;

async function serve(
  handler: (socket: Socket) => void = () => {},
): Promise<{ server: Server; local: Endpoint } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    handler(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return {
    server,
    local: { host: "127.0.0.1", port: address.port },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function dial({ host, port }: Endpoint): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}

async function textOf(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += chunk;
  return text;
}

async function closedPort(): Promise<Endpoint> {
  const { server, local } = await serve();
  server.close();
  await once(server, "close");
  return local;
}

/** TCP, against real peers. */
export function tcpSuite(start: GuestFactory): void {
  for (const version of [1, 2] as const)
    describe(`version ${version} of the extension`, () => {
      test("a server that blocks: accept, read, write, close", async () => {
        await using guest = await start({ version, network: NETWORK });
        const { fd, local } = await guest.server();
        assert.equal(local.host, "127.0.0.1");
        assert.ok(local.port > 0);
        const accepting = guest.accepted(fd);
        const peer = await dial(local);
        const connection = await accepting;
        assert.deepEqual(await guest.endpoint("peer", connection), {
          errno: 0,
          host: "127.0.0.1",
          port: peer.localPort,
        });
        assert.deepEqual(await guest.local(connection), local);
        const reading = guest.receiveText(connection);
        peer.write("hello");
        assert.equal(await reading, "hello");
        assert.deepEqual(await guest.send(connection, "world"), { errno: 0, size: 5 });
        assert.equal(await guest.closeFd(connection), 0);
        assert.equal(await textOf(peer), "world");
        assert.equal(await guest.closeFd(fd), 0);
      });

      test("a client that blocks: connect, write, read to the end", async () => {
        await using server = await serve((socket) => socket.pipe(socket));
        await using guest = await start({ version, network: NETWORK });
        const fd = await guest.open();
        assert.equal(await guest.connect(fd, server.local), 0);
        assert.deepEqual(await guest.endpoint("peer", fd), { errno: 0, ...server.local });
        assert.equal((await guest.send(fd, "ping", "fd_write")).errno, 0);
        assert.equal((await guest.receive(fd, 4, { name: "fd_read" })).bytes.toString(), "ping");
        assert.equal(await guest.shutdown(fd, 2), 0);
        assert.deepEqual(await guest.receive(fd), { errno: 0, bytes: Buffer.alloc(0) });
        assert.equal((await guest.send(fd, "more")).errno, Errno.pipe);
      });
    });

  test("a client that does not block: in progress, writable, no error; no data is EAGAIN", async () => {
    await using server = await serve((socket) => socket.pipe(socket));
    await using guest = await start({ network: NETWORK });
    const fd = await guest.open(Type.stream, Family.inet, true);
    assert.equal((await guest.endpoint("peer", fd)).errno, Errno.notconn);
    assert.equal(await guest.connect(fd, server.local), Errno.inprogress);
    const event = await guest.ready(fd, "write");
    assert.equal(event.error, 0);
    assert.equal(event.hangup, false);
    assert.deepEqual(await guest.option(fd, 0, 2), { errno: 0, value: 0 });
    assert.equal((await guest.endpoint("peer", fd)).errno, 0);
    assert.equal(await guest.connect(fd, server.local), Errno.isconn);
    assert.deepEqual(await guest.receive(fd), { errno: Errno.again, bytes: Buffer.alloc(0) });
    assert.deepEqual(await guest.poll([{ fd, type: "read" }], 0), [
      { fd: -1, type: "clock", error: 0, bytes: 0, hangup: false },
    ]);
    await guest.send(fd, "abc");
    const readable = await guest.ready(fd, "read");
    assert.deepEqual(readable, { fd, type: "read", error: 0, bytes: 3, hangup: false });
    assert.equal(await guest.receiveText(fd), "abc");
  });

  test("refused: at once where connect blocks; else ready without an error, which SO_ERROR tells once", async () => {
    const nobody = await closedPort();
    await using guest = await start({ network: NETWORK });
    assert.equal(await guest.connect(await guest.open(), nobody), Errno.connrefused);
    const fd = await guest.open(Type.stream, Family.inet, true);
    assert.equal(await guest.connect(fd, nobody), Errno.inprogress);
    assert.equal((await guest.ready(fd, "write")).error, 0);
    assert.deepEqual(await guest.option(fd, 0, 2), { errno: 0, value: Errno.connrefused });
    assert.deepEqual(await guest.option(fd, 0, 2), { errno: 0, value: 0 });
    assert.equal((await guest.endpoint("peer", fd)).errno, Errno.notconn);
    assert.equal((await guest.receive(fd)).errno, Errno.notconn);
  });

  test("a server that does not block: EAGAIN, readable, accepted without blocking", async () => {
    await using guest = await start({ network: NETWORK });
    const { fd, local } = await guest.server("127.0.0.1", 0, true);
    assert.equal((await guest.accept(fd)).errno, Errno.again);
    assert.deepEqual(await guest.option(fd, 0, 13), { errno: 0, value: 1 });
    const peer = await dial(local);
    assert.deepEqual(await guest.ready(fd, "read"), { fd, type: "read", error: 0, bytes: 1, hangup: false });
    const connection = await guest.accepted(fd, NONBLOCK);
    assert.equal((await guest.receive(connection)).errno, Errno.again);
    peer.end("bye");
    assert.equal((await guest.ready(connection, "read")).error, 0);
    assert.equal(await guest.receiveText(connection), "bye");
    const end = await guest.ready(connection, "read");
    assert.deepEqual(end, { fd: connection, type: "read", error: 0, bytes: 0, hangup: true });
    assert.deepEqual(await guest.receive(connection), { errno: 0, bytes: Buffer.alloc(0) });
    // The other direction is still open.
    assert.equal((await guest.send(connection, "still here")).errno, 0);
    await guest.closeFd(connection);
    assert.equal(await textOf(peer), "still here");
  });

  test("a reset is ECONNRESET, after what had come before", async () => {
    await using guest = await start({ network: NETWORK });
    const { fd, local } = await guest.server();
    const peer = await dial(local);
    const connection = await guest.accepted(fd);
    const reading = guest.receive(connection);
    peer.resetAndDestroy();
    assert.equal((await reading).errno, Errno.connreset);
    assert.equal((await guest.send(connection, "x")).errno, Errno.connreset);
    assert.equal((await guest.poll([{ fd: connection, type: "write" }]))[0]?.hangup, true);
  });

  test("peek leaves the bytes, waitall waits for all of them", async () => {
    await using guest = await start({ network: NETWORK });
    const { fd, local } = await guest.server();
    const peer = await dial(local);
    const connection = await guest.accepted(fd);
    peer.write("ab");
    assert.equal((await guest.receive(connection, 10, { flags: 1 })).bytes.toString(), "ab");
    const all = guest.receive(connection, 4, { flags: 2 });
    peer.write("cd");
    assert.equal((await all).bytes.toString(), "abcd");
    const rest = guest.receive(connection, 4, { flags: 2 });
    peer.end("e");
    assert.equal((await rest).bytes.toString(), "e");
  });

  test("shut down for reading: the end at once, and the peer is not stopped", async () => {
    await using guest = await start({ network: NETWORK });
    const { fd, local } = await guest.server();
    const peer = await dial(local);
    const connection = await guest.accepted(fd);
    assert.equal(await guest.shutdown(connection, 1), 0);
    assert.deepEqual(await guest.receive(connection), { errno: 0, bytes: Buffer.alloc(0) });
    await new Promise((resolve) => peer.end(Buffer.alloc(8 * RING_BYTES), () => resolve(undefined)));
    assert.equal(await guest.shutdown(connection, 0), Errno.inval);
    assert.equal(await guest.shutdown(connection, 4), Errno.inval);
    assert.equal(await guest.shutdown(await guest.open(), 3), Errno.notconn);
  });

  test("a guest that does not read stops its peer; all bytes arrive when it reads again", async () => {
    await using guest = await start({ network: NETWORK });
    const { fd, local } = await guest.server();
    const peer = await dial(local);
    const connection = await guest.accepted(fd);
    const sent = Buffer.alloc(32 * 1024 * 1024);
    for (let i = 0; i < sent.length; i += 4) sent.writeUInt32LE(i, i);
    let ended = false;
    peer.end(sent, () => {
      ended = true;
    });
    // The ring is full; the kernel's buffers hold far less than the rest.
    while ((await guest.ready(connection, "read")).bytes < RING_BYTES);
    for (let i = 0; i < 100; i++) assert.equal((await guest.ready(connection, "read")).bytes, RING_BYTES);
    assert.equal(ended, false);
    const chunks: Buffer[] = [];
    for (
      let chunk = await guest.receive(connection, 1 << 20);
      chunk.bytes.length > 0;
      chunk = await guest.receive(connection, 1 << 20)
    ) {
      assert.ok(chunk.bytes.length <= RING_BYTES);
      chunks.push(chunk.bytes);
    }
    assert.ok(Buffer.concat(chunks).equals(sent));
    assert.equal(ended, true);
  });

  test("a peer that does not read stops the guest: EAGAIN, or a wait; all bytes arrive", async () => {
    let accepted: (socket: Socket) => void = () => {};
    const arrived = new Promise<Socket>((resolve) => {
      accepted = resolve;
    });
    await using server = await serve((socket) => {
      socket.pause();
      accepted(socket);
    });
    await using guest = await start({ network: NETWORK });
    const fd = await guest.open();
    assert.equal(await guest.connect(fd, server.local), 0);
    await guest.setNonblocking(fd);
    const piece = Buffer.alloc(1 << 20, 1);
    let total = 0;
    for (;;) {
      const { errno, size } = await guest.send(fd, piece);
      if (errno === Errno.again) {
        // Stopped for good when nothing goes out in a while.
        if ((await guest.poll([{ fd, type: "write" }], 300))[0]?.type === "clock") break;
        continue;
      }
      assert.equal(errno, 0);
      assert.ok(size > 0 && size <= RING_BYTES);
      total += size;
    }
    const peer = await arrived;
    const receiving = (async () => {
      let size = 0;
      for await (const chunk of peer) size += chunk.length;
      return size;
    })();
    assert.equal((await guest.ready(fd, "write")).error, 0);
    await guest.call("fd_fdstat_set_flags", [fd, 0]);
    for (let i = 0; i < 8; i++) total += (await guest.send(fd, piece)).size;
    await guest.closeFd(fd);
    assert.equal(await receiving, total);
  });

  test("IPv6, and an IPv4 peer of a socket that takes both", async () => {
    await using guest = await start({ network: { listen: ["*:*"], connect: ["localhost:*"] } });
    const { fd, local } = await guest.server("::");
    assert.equal(local.host, "::");
    for (const host of ["127.0.0.1", "::1"]) {
      const peer = await dial({ host, port: local.port });
      const connection = await guest.accepted(fd);
      assert.equal((await guest.endpoint("peer", connection)).host, host);
      assert.equal((await guest.endpoint("peer", connection)).port, peer.localPort);
      peer.destroy();
    }
    const only = await guest.open(Type.stream, Family.inet6);
    assert.equal(await guest.setOption(only, 0, 1, 1), 0);
    assert.equal(await guest.bind(only, "::", 0), 0);
    assert.equal(await guest.listen(only), 0);
    const { port } = await guest.local(only);
    const [error] = await once(connect({ host: "127.0.0.1", port }), "error");
    assert.equal(error.code, "ECONNREFUSED");
    // An IPv6 socket reaches IPv4 by its mapped addresses.
    const client = await guest.open(Type.stream, Family.inet6);
    const mapped = Buffer.from("00000000000000000000ffff7f000001", "hex");
    const writes = [
      { at: 256, bytes: mapped },
      { at: 128, bytes: Uint8Array.of(0, 1, 0, 0, 16, 0, 0, 0) },
    ];
    assert.equal((await guest.call("sock_connect", [client, 128, local.port], { writes })).errno, 0);
    assert.equal((await guest.endpoint("peer", client)).host, "127.0.0.1");
  });

  test("options: what there is, what is refused, and what is ignored", async () => {
    await using guest = await start({ network: NETWORK });
    const fd = await guest.open();
    assert.deepEqual(await guest.option(fd, 0, 1), { errno: 0, value: 2 });
    assert.deepEqual(await guest.option(fd, 0, 13), { errno: 0, value: 0 });
    for (const [level, name] of [
      [0, 0],
      [0, 4],
      [0, 7],
      [6, 15],
    ] as const) {
      assert.deepEqual(await guest.option(fd, level, name), { errno: 0, value: 0 });
      assert.equal(await guest.setOption(fd, level, name, 1), 0);
      assert.deepEqual(await guest.option(fd, level, name), { errno: 0, value: 1 });
    }
    for (const name of [5, 6]) assert.equal(await guest.setOption(fd, 0, name, 1 << 20), 0);
    for (const name of [9, 11, 12, 14]) {
      assert.equal(await guest.setOption(fd, 0, name, 1, 16), Errno.notsup);
      assert.equal((await guest.option(fd, 0, name)).errno, Errno.notsup);
    }
    assert.equal(await guest.setOption(fd, 0, 7, 1, 8), Errno.inval);
    assert.equal(await guest.setOption(fd, 6, 4, 1), Errno.noprotoopt);
    assert.equal((await guest.option(fd, 41, 26)).errno, Errno.noprotoopt);
    assert.equal(await guest.setOption(1, 0, 7, 1), Errno.notsock);
    assert.equal(await guest.setOption(77, 0, 7, 1), Errno.badf);
  });

  test("one port is one listener's, and free again when that is closed", async () => {
    await using guest = await start({ network: NETWORK });
    const { fd, local } = await guest.server();
    const second = await guest.open();
    assert.equal(await guest.bind(second, "127.0.0.1", local.port), 0);
    assert.equal(await guest.listen(second), Errno.addrinuse);
    assert.equal(await guest.closeFd(fd), 0);
    assert.equal(await guest.listen(second), 0);
    assert.deepEqual(await guest.local(second), local);
    assert.equal(await guest.bind(second, "127.0.0.1", 0), Errno.inval);
    assert.equal(await guest.connect(second, local), Errno.notsup);
    assert.equal((await guest.accept(await guest.open())).errno, Errno.inval);
  });

  test("connections that nobody has picked up are closed with their listener, those that come meanwhile included", async () => {
    await using guest = await start({ network: NETWORK });
    for (let round = 0; round < 10; round++) {
      const { fd, local } = await guest.server();
      const peers = await Promise.all([dial(local), dial(local), dial(local)]);
      // Before any of them is closed: the end of one may come while another's is waited for.
      const ended = peers.map((peer) => once(peer.on("error", () => {}).resume(), "end").catch(() => undefined));
      await guest.ready(fd, "read");
      await guest.closeFd(fd);
      await Promise.all(ended);
    }
  });

  test("a backlog that is full turns connections away", async () => {
    await using guest = await start({ network: NETWORK });
    const fd = await guest.open();
    await guest.bind(fd, "127.0.0.1", 0);
    assert.equal(await guest.listen(fd, 2), 0);
    const local = await guest.local(fd);
    const peers = Array.from({ length: 6 }, () => connect(local).on("error", () => {}));
    const closed = peers.map((peer) => new Promise<void>((resolve) => peer.once("close", () => resolve())));
    let open = peers.length;
    await new Promise<void>((resolve) => {
      for (const one of closed)
        void one.then(() => {
          if (--open === 2) resolve();
        });
    });
    await guest.accepted(fd);
    await guest.accepted(fd);
    await guest.setNonblocking(fd);
    assert.equal((await guest.accept(fd)).errno, Errno.again);
    for (const peer of peers) peer.destroy();
  });

  test("poll: many sockets at once, the ready one only; bad descriptors are events of their own", async () => {
    await using guest = await start({ network: NETWORK });
    const { fd, local } = await guest.server();
    const peers: Socket[] = [];
    const connections: number[] = [];
    for (let i = 0; i < 20; i++) {
      peers.push(await dial(local));
      connections.push(await guest.accepted(fd));
    }
    const polling = guest.poll(connections.map((connection) => ({ fd: connection, type: "read" })));
    peers[7]!.write("x");
    assert.deepEqual(await polling, [{ fd: connections[7], type: "read", error: 0, bytes: 1, hangup: false }]);
    const events = await guest.poll([
      { fd: 99, type: "read" },
      { fd: connections[7]!, type: "read" },
      { fd: connections[8]!, type: "read" },
    ]);
    assert.deepEqual(
      events.map(({ fd: number, error }) => [number, error]),
      [
        [99, Errno.badf],
        [connections[7], 0],
      ],
    );
    for (const peer of peers) peer.destroy();
  });
}
