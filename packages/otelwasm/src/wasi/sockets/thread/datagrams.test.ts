import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Errno } from "../../errno.ts";
import { Channel, RING_BYTES } from "../channel.ts";
import { type Datagram, HEADER_BYTES, readDatagram, writeDatagram } from "../datagram.ts";
import type { Endpoint } from "../protocol.ts";
import { bindDatagrams, Datagrams } from "./datagrams.ts";

/** More than any row, fewer than fill a ring or a kernel's buffer. */
const MANY = 200;

interface Sender {
  readonly socket: Socket;
  readonly datagrams: Datagrams;
  readonly channel: Channel;
  /** Resolves when the socket is closed. */
  readonly done: Promise<void>;
  say(to: Omit<Datagram, "size">, count: number): void;
}

/** What a test that fails leaves open would keep its process. */
async function sender(context: TestContext): Promise<Sender> {
  const channel = new Channel();
  const done = Promise.withResolvers<void>();
  const socket = await bindDatagrams({ host: "127.0.0.1", port: 0 }, false);
  const datagrams = new Datagrams(socket, channel, { wake: () => {}, done: done.resolve });
  context.after(() => datagrams.close(0));
  return {
    socket,
    datagrams,
    channel,
    done: done.promise,
    say: (to, count) => {
      for (let i = 0; i < count; i++) writeDatagram(channel.outgoing, { ...to, size: 1 }, [Uint8Array.of(i)]);
    },
  };
}

async function peerOf(context: TestContext): Promise<{ readonly socket: Socket; readonly local: Endpoint }> {
  const socket = createSocket("udp4");
  context.after(() => socket.close());
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { address, port } = socket.address();
  return { socket, local: { host: address, port } };
}

test("what cannot be sent at all is an error each, not a call deeper each", async (context) => {
  const { datagrams, channel, done, say } = await sender(context);
  // The one: no port. The other: a peer that the socket does not have.
  for (const to of [
    { host: "127.0.0.1", port: 0 },
    { host: "0.0.0.0", port: 0, toPeer: true },
  ]) {
    say(to, 4000);
    datagrams.bell();
    await datagrams.allSent();
    assert.deepEqual([channel.outgoing.available, channel.error], [0, Errno.inval]);
    channel.error = 0;
  }
  datagrams.close();
  await done;
});

test("a socket with much to send lets others have their turn", async (context) => {
  const { local } = await peerOf(context);
  const { datagrams, channel, done, say } = await sender(context);
  say(local, MANY);
  datagrams.bell();
  await turn();
  assert.ok(channel.outgoing.available > 0);
  const before = channel.outgoing.available;
  // A bell does not make it faster.
  for (let i = 0; i < MANY; i++) datagrams.bell();
  assert.ok(channel.outgoing.available > 0 && channel.outgoing.available <= before);
  await datagrams.allSent();
  assert.equal(channel.outgoing.available, 0);
  datagrams.close();
  await done;
});

test("what was said before a connect, or before the close, goes where it was to go", async (context) => {
  const [first, second] = [await peerOf(context), await peerOf(context)];
  const { datagrams, channel, done, say } = await sender(context);
  const heard = ({ socket }: { readonly socket: Socket }): Promise<void> =>
    new Promise((resolve) => {
      let count = 0;
      socket.on("message", () => {
        if (++count === MANY) resolve();
      });
    });
  const heardByFirst = heard(first);
  say(first.local, MANY);
  await datagrams.connect(second.local);
  assert.deepEqual([channel.outgoing.available, channel.error], [0, 0]);
  await heardByFirst;
  const heardBySecond = heard(second);
  say({ host: "0.0.0.0", port: 0, toPeer: true }, MANY);
  datagrams.close();
  await done;
  assert.deepEqual([channel.outgoing.available, channel.error], [0, 0]);
  await heardBySecond;
});

test("what the ring has no room for is lost, and what it has stays as it is; once it is read, others come", async (context) => {
  const { socket, datagrams, channel } = await sender(context);
  const peer = await peerOf(context);
  // Not a divisor of what the ring holds: a part of one would fit.
  const data = Buffer.alloc(1100);
  /** One at a time, so that the kernel loses none. */
  const hear = async (number: number): Promise<void> => {
    data.writeUInt32LE(number);
    const heard = once(socket, "message");
    peer.socket.send(data, datagrams.local.port, datagrams.local.host);
    await heard;
  };
  const read = (): number | undefined => {
    const buffer = Buffer.alloc(data.length);
    return readDatagram(channel.incoming, [buffer]) === undefined ? undefined : buffer.readUInt32LE();
  };
  const room = Math.floor(RING_BYTES / (data.length + HEADER_BYTES));
  for (let i = 0; i < 2 * room; i++) await hear(i);
  assert.equal(channel.incoming.available, room * (data.length + HEADER_BYTES));
  for (let i = 0; i < room; i++) assert.equal(read(), i);
  assert.equal(read(), undefined);
  await hear(4000);
  assert.equal(read(), 4000);
});
