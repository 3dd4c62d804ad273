import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import { Errno } from "../errno.ts";
import { Family } from "./address.ts";
import { RING_BYTES } from "./channel.ts";
import { MAX_DATAGRAM } from "./datagram.ts";
import type { Endpoint } from "./protocol.ts";
import type { GuestFactory } from "./tcp.suite.ts";
import { type SocketGuest, Type } from "./testing/guest.ts";
import { At, fromBuffer, iovec, target } from "./testing/memory.ts";
import { socketModule } from "./testing/module.ts";

const NETWORK = { listen: ["127.0.0.1:*"], connect: ["127.0.0.1:*", "[::1]:*"] };

interface Peer extends AsyncDisposable {
  readonly socket: Socket;
  readonly local: Endpoint;
}

async function peerOf(type: "udp4" | "udp6" = "udp4"): Promise<Peer> {
  const socket = createSocket(type);
  socket.bind(0, type === "udp4" ? "127.0.0.1" : "::1");
  await once(socket, "listening");
  const { address, port } = socket.address();
  return {
    socket,
    local: { host: address, port },
    [Symbol.asyncDispose]: async () => {
      socket.close();
    },
  };
}

async function bound(guest: SocketGuest): Promise<{ readonly fd: number; readonly local: Endpoint }> {
  const fd = await guest.open(Type.datagram);
  assert.equal(await guest.bind(fd, "127.0.0.1", 0), 0);
  return { fd, local: await guest.local(fd) };
}

/** UDP, against real peers. */
export function udpSuite(start: GuestFactory): void {
  test("datagrams come with their sender, and answers go there", async () => {
    await using peer = await peerOf();
    await using guest = await start({ network: NETWORK });
    const { fd, local } = await bound(guest);
    assert.ok(local.port > 0);
    const receiving = guest.receiveFrom(fd);
    peer.socket.send("question", local.port, local.host);
    const { errno, bytes, from, truncated } = await receiving;
    assert.deepEqual([errno, bytes.toString(), from, truncated], [0, "question", peer.local, false]);
    const answer = once(peer.socket, "message");
    assert.deepEqual(await guest.sendTo(fd, "answer", from), { errno: 0, size: 6 });
    const [data, { address, port }] = await answer;
    assert.deepEqual([String(data), address, port], ["answer", local.host, local.port]);
  });

  test("the sock_recv_from of hosts that do not tell the port: the same without it", async () => {
    await using peer = await peerOf();
    await using guest = await start({ network: NETWORK, binary: socketModule(2, "", { sock_recv_from: 7 }) });
    const { fd, local } = await bound(guest);
    peer.socket.send("question", local.port, local.host);
    const { errno, reads } = await guest.call("sock_recv_from", [fd, At.iovec, 1, At.address, 0, At.size, At.kind], {
      writes: [iovec(100), ...target(128)],
      reads: [
        { at: At.size, size: 4 },
        { at: At.data, size: 8 },
        { at: At.addressBuffer, size: 128 },
      ],
    });
    const [size, bytes, address] = reads;
    assert.deepEqual(
      [errno, size!.readUInt32LE(), String(bytes), fromBuffer(address!)],
      [0, 8, "question", peer.local.host],
    );
  });

  test("boundaries stay: what does not fit is cut off and said to be; empty ones are datagrams, too", async () => {
    await using peer = await peerOf();
    await using guest = await start({ network: NETWORK });
    const { fd, local } = await bound(guest);
    for (const text of ["a long one", "", "next"]) {
      const ready = guest.ready(fd, "read");
      peer.socket.send(text, local.port, local.host);
      assert.equal((await ready).bytes, text.length);
      const { bytes, truncated } = await guest.receiveFrom(fd, 6);
      assert.deepEqual([bytes.toString(), truncated], [text.slice(0, 6), text.length > 6]);
    }
    await guest.setNonblocking(fd);
    assert.equal((await guest.receiveFrom(fd)).errno, Errno.again);
  });

  test("connected: read and write, and from the peer only", async () => {
    await using peer = await peerOf();
    await using stranger = await peerOf();
    await using guest = await start({ network: NETWORK });
    const fd = await guest.open(Type.datagram);
    assert.equal((await guest.endpoint("peer", fd)).errno, Errno.notconn);
    assert.equal((await guest.send(fd, "x")).errno, Errno.destaddrreq);
    assert.equal(await guest.connect(fd, peer.local), 0);
    assert.deepEqual(await guest.endpoint("peer", fd), { errno: 0, ...peer.local });
    const question = once(peer.socket, "message");
    assert.equal((await guest.send(fd, "question", "fd_write")).size, 8);
    const [, { port }] = await question;
    assert.equal((await guest.local(fd)).port, port);
    const reading = guest.receive(fd, 100, { name: "fd_read" });
    await new Promise((resolve) => stranger.socket.send("spam", port, "127.0.0.1", resolve));
    peer.socket.send("answer", port, "127.0.0.1");
    assert.equal((await reading).bytes.toString(), "answer");
  });

  test("a socket that is not bound to a granted address hears only whom it may send to", async () => {
    await using peer = await peerOf();
    await using stranger = await peerOf();
    await using guest = await start({ network: { connect: [`127.0.0.1:${peer.local.port}`] } });
    const fd = await guest.open(Type.datagram);
    assert.equal(await guest.bind(fd, "0.0.0.0", 0), 0);
    const { port } = await guest.local(fd);
    const reading = guest.receiveFrom(fd);
    await new Promise((resolve) => stranger.socket.send("spam", port, "127.0.0.1", resolve));
    peer.socket.send("welcome", port, "127.0.0.1");
    assert.equal((await reading).bytes.toString(), "welcome");
    assert.equal((await guest.sendTo(fd, "x", stranger.local)).errno, Errno.acces);
  });

  test("the largest datagram, and one beyond it", async () => {
    await using peer = await peerOf();
    await using guest = await start({ network: NETWORK });
    const fd = await guest.open(Type.datagram);
    assert.equal((await guest.sendTo(fd, Buffer.alloc(MAX_DATAGRAM + 1), peer.local)).errno, Errno.msgsize);
    const arrived = once(peer.socket, "message");
    assert.equal((await guest.sendTo(fd, Buffer.alloc(MAX_DATAGRAM, 7), peer.local)).size, MAX_DATAGRAM);
    const [data] = await arrived;
    assert.equal(data.length, MAX_DATAGRAM);
  });

  test("a guest that does not read loses datagrams, not memory", async () => {
    await using peer = await peerOf();
    await using guest = await start({ network: NETWORK });
    const { fd, local } = await bound(guest);
    const data = Buffer.alloc(1000);
    // What stands in the kernel's buffer moves into the ring while the guest reads: thread/datagrams.test.ts has the ring alone.
    const held = Math.floor((RING_BYTES + peer.socket.getRecvBufferSize()) / data.length);
    for (let i = 0; i < 2 * held; i++)
      await new Promise((resolve) => peer.socket.send(data, local.port, local.host, resolve));
    await guest.ready(fd, "read");
    await guest.setNonblocking(fd);
    let count = 0;
    while ((await guest.receiveFrom(fd, 2000)).errno === 0) count++;
    assert.ok(count > 0 && count <= held, `${count} datagrams, where there is room for ${held}`);
  });

  test("IPv6", async () => {
    await using peer = await peerOf("udp6");
    await using guest = await start({ network: NETWORK });
    const fd = await guest.open(Type.datagram, Family.inet6);
    const arrived = once(peer.socket, "message");
    assert.equal((await guest.sendTo(fd, "six", peer.local)).errno, 0);
    const [data, { port }] = await arrived;
    assert.equal(String(data), "six");
    const receiving = guest.receiveFrom(fd);
    peer.socket.send("back", port, "::1");
    assert.deepEqual((await receiving).from, peer.local);
  });

  test("an IPv6 socket reaches IPv4 by mapped addresses, connected or not", async () => {
    await using peer = await peerOf();
    const mapped = { host: "::ffff:7f00:1", port: peer.local.port };
    await using guest = await start({ network: NETWORK });
    const fd = await guest.open(Type.datagram, Family.inet6);
    for (const isConnected of [false, true]) {
      if (isConnected) assert.equal(await guest.connect(fd, mapped), 0);
      const arrived = once(peer.socket, "message");
      const { errno } = isConnected ? await guest.send(fd, "four") : await guest.sendTo(fd, "four", mapped);
      assert.equal(errno, 0);
      const [data, { port }] = await arrived;
      assert.equal(String(data), "four");
      const receiving = guest.receiveFrom(fd);
      peer.socket.send("back", port, "127.0.0.1");
      assert.equal((await receiving).bytes.toString(), "back");
    }
  });

  test("port 0 is nobody's", async () => {
    await using guest = await start({ network: NETWORK });
    const { fd } = await bound(guest);
    const nobody = { host: "127.0.0.1", port: 0 };
    assert.equal((await guest.sendTo(fd, "", nobody)).errno, Errno.inval);
    assert.equal(await guest.connect(fd, nobody), Errno.inval);
  });

  test("a connect that fails leaves no peer, and others are still reached", async () => {
    await using peer = await peerOf();
    await using guest = await start({ network: { connect: ["127.0.0.1:*", "255.255.255.255:*"] } });
    const fd = await guest.open(Type.datagram);
    assert.equal(await guest.connect(fd, peer.local), 0);
    // Without the option of broadcasts.
    assert.notEqual(await guest.connect(fd, { host: "255.255.255.255", port: 9 }), 0);
    assert.equal((await guest.endpoint("peer", fd)).errno, Errno.notconn);
    assert.equal((await guest.send(fd, "x")).errno, Errno.destaddrreq);
    const arrived = once(peer.socket, "message");
    assert.equal((await guest.sendTo(fd, "still here", peer.local)).errno, 0);
    assert.equal(String((await arrived)[0]), "still here");
  });

  test("options and calls that datagrams have not", async () => {
    await using guest = await start({ network: NETWORK });
    const { fd } = await bound(guest);
    assert.deepEqual(await guest.option(fd, 0, 1), { errno: 0, value: 1 });
    assert.equal(await guest.setOption(fd, 0, 4, 1), 0);
    assert.equal(await guest.listen(fd), Errno.notsup);
    assert.equal((await guest.accept(fd)).errno, Errno.notsup);
    assert.equal(await guest.shutdown(fd, 3), Errno.notconn);
    assert.equal(await guest.bind(fd, "127.0.0.1", 0), Errno.inval);
    assert.equal((await guest.poll([{ fd, type: "write" }]))[0]?.error, 0);
    assert.equal(await guest.closeFd(fd), 0);
    assert.equal(await guest.closeFd(fd), Errno.badf);
  });
}
