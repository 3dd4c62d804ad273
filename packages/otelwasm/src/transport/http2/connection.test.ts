import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, test } from "node:test";
import fc from "fast-check";
import { Http2Connection } from "./connection.ts";
import {
  Flag,
  FrameReader,
  FrameType,
  Http2Code,
  PREFACE,
  readUint32,
  Setting,
  writeHead,
  writeUint32,
} from "./frames.ts";
import { encodeHeaders, type Headers, HpackDecoder } from "./hpack.ts";
import { type ConnectionHandler, Http2Stream } from "./stream.ts";

const OK = encodeHeaders([[":status", "200"]]);
const END = encodeHeaders([["x-end", "yes"]]);
const REQUEST = encodeHeaders([
  [":method", "POST"],
  [":path", "/echo"],
]);

const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** Answers with what it got, and trailers; on the client side, only listens. */
class Echo extends Http2Stream {
  readonly got: Buffer[] = [];
  readonly events: string[];
  readonly #answers: boolean;

  constructor(events: string[], answers: boolean) {
    super();
    this.events = events;
    this.#answers = answers;
  }

  override onHeaders(headers: Headers, end: boolean): void {
    this.events.push(`headers ${[...headers.keys()].join(" ")}`);
    if (end) this.#answer();
  }

  override onData(piece: Uint8Array, end: boolean): void {
    this.got.push(Buffer.from(piece));
    if (end) this.#answer();
  }

  override onReset(code: number): void {
    this.events.push(`reset ${code}`);
  }

  override onLost(): void {
    this.events.push("lost");
  }

  #answer(): void {
    if (!this.#answers) return;
    this.connection?.respondWith(this, OK, Buffer.concat(this.got), END);
  }
}

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

function frame(type: number, flags: number, id: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const out = Buffer.alloc(9 + payload.length);
  writeHead(out, 0, payload.length, type, flags, id);
  out.set(payload, 9);
  return out;
}

function settings(...values: [number, number][]): Buffer {
  const payload = new Uint8Array(values.length * 6);
  for (const [i, [name, value]] of values.entries()) {
    payload[i * 6 + 1] = name;
    writeUint32(payload, i * 6 + 2, value);
  }
  return frame(FrameType.SETTINGS, 0, 0, payload);
}

function uint32(value: number): Uint8Array {
  const payload = new Uint8Array(4);
  writeUint32(payload, 0, value);
  return payload;
}

/** The other end of a connection, which sends what a test says and keeps what it gets. */
class Peer {
  readonly frames: Frame[] = [];
  readonly socket: Socket;
  ended: boolean = false;
  #change: (() => void) | undefined;

  constructor(socket: Socket, skip: number) {
    this.socket = socket;
    let pieces: Buffer[] = [];
    const reader = new FrameReader({
      dataFrame: () => undefined,
      data: (id, piece, end) => {
        pieces.push(Buffer.from(piece));
        this.frames.push({ type: 0, flags: end ? 1 : 0, id, payload: Buffer.concat(pieces) });
        pieces = [];
      },
      frame: (type, flags, id, payload) => this.frames.push({ type, flags, id, payload: Buffer.from(payload) }),
    });
    let left = skip;
    socket.on("data", (chunk: Buffer) => {
      const from = Math.min(left, chunk.length);
      left -= from;
      reader.push(chunk.subarray(from));
      this.#change?.();
    });
    const end = (): void => {
      this.ended = true;
      this.#change?.();
    };
    socket.on("error", end);
    socket.on("close", end);
  }

  async until(what: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const found = this.frames.find(what);
      if (found !== undefined) return found;
      assert.ok(!this.ended, "the connection was closed");
      await this.#next();
    }
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#change = resolve;
    });
  }

  async closed(): Promise<void> {
    while (!this.ended) await this.#next();
  }

  /** All of a stream's content, once it has ended. */
  async answer(id: number): Promise<{ body: Buffer; trailers: Record<string, string> }> {
    await this.until((each) => each.id === id && each.type === FrameType.HEADERS && (each.flags & 1) === 1);
    const body = Buffer.concat(
      this.frames.filter((each) => each.id === id && each.type === 0).map((each) => each.payload),
    );
    const [, last] = this.frames.filter((each) => each.id === id && each.type === FrameType.HEADERS);
    return { body, trailers: Object.fromEntries(new HpackDecoder().decode(last!.payload)) };
  }

  async goAway(): Promise<{ code: number; text: string; lastId: number }> {
    const { payload } = await this.until((each) => each.type === FrameType.GOAWAY);
    return { lastId: readUint32(payload, 0), code: readUint32(payload, 4), text: payload.subarray(8).toString() };
  }
}

async function pair(): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const accepted = once(server, "connection");
  const here = connect(address.port, "127.0.0.1");
  const [there] = await accepted;
  sockets.push(here, there);
  return [here, there];
}

async function echoServer(maxStreams = 0): Promise<{ peer: Peer; connection: Http2Connection; events: string[] }> {
  const [here, there] = await pair();
  const events: string[] = [];
  const handler: ConnectionHandler = {
    open: () => new Echo(events, true),
    onClose: (reason) => events.push(`closed: ${reason.message}`),
  };
  const connection = new Http2Connection(there, { role: "server", streamWindow: 1_000_000, maxStreams }, handler);
  there.on("data", (chunk: Uint8Array) => connection.receive(chunk));
  return { peer: new Peer(here, 0), connection, events };
}

const hello = Buffer.concat([Buffer.from(PREFACE), settings()]);
const headers = (id: number, flags: number = Flag.END_HEADERS): Buffer => frame(FrameType.HEADERS, flags, id, REQUEST);
const request = (id: number, body: string): Buffer =>
  Buffer.concat([headers(id), frame(FrameType.DATA, Flag.END_STREAM, id, Buffer.from(body))]);

describe("server", () => {
  test("any cut of the bytes gives the same answers", async () => {
    const bytes = Buffer.concat([hello, request(1, "hello"), request(3, ""), request(5, "x".repeat(300))]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 12 }), async (cuts) => {
        const { peer, connection } = await echoServer();
        let at = 0;
        // Straight into the connection, since a socket would put the pieces together again.
        for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
          connection.receive(bytes.subarray(at, cut));
          at = cut;
        }
        assert.equal((await peer.answer(1)).body.toString(), "hello");
        assert.deepEqual((await peer.answer(3)).trailers, { "x-end": "yes" });
        assert.equal((await peer.answer(5)).body.length, 300);
        peer.socket.destroy();
      }),
      { numRuns: 60 },
    );
  });

  test("padding, priority, continuation, trailers, unknown frames and flags", async () => {
    const { peer, events } = await echoServer();
    const padded = Buffer.concat([Buffer.from([3]), Buffer.alloc(5), REQUEST, Buffer.alloc(3)]);
    peer.socket.write(
      Buffer.concat([
        hello,
        frame(FrameType.PRIORITY, 0, 7, Buffer.alloc(5)),
        frame(0x42, 0xff, 9, Buffer.from("what is this")),
        frame(FrameType.HEADERS, Flag.PADDED | Flag.PRIORITY | Flag.END_HEADERS, 1, padded),
        frame(FrameType.DATA, Flag.PADDED, 1, Buffer.concat([Buffer.from([2]), Buffer.from("ab"), Buffer.alloc(2)])),
        frame(FrameType.DATA, Flag.PADDED, 1, Buffer.from([2, 0, 0])),
        frame(FrameType.DATA, 0, 1),
        frame(FrameType.HEADERS, Flag.END_STREAM, 1, END.subarray(0, 3)),
        frame(FrameType.CONTINUATION, 0, 1, END.subarray(3, 4)),
        frame(FrameType.CONTINUATION, Flag.END_HEADERS, 1, END.subarray(4)),
      ]),
    );
    assert.equal((await peer.answer(1)).body.toString(), "ab");
    assert.deepEqual(events, ["headers :method :path", "headers x-end"]);
  });

  test("sends as the windows allow, also when they shrink below zero", async () => {
    const { peer } = await echoServer();
    const body = "0123456789".repeat(3_000);
    peer.socket.write(
      Buffer.concat([
        Buffer.from(PREFACE),
        settings([Setting.INITIAL_WINDOW_SIZE, 10]),
        request(1, body.slice(0, 16_000)),
        request(3, "abc"),
      ]),
    );
    await peer.until((each) => each.id === 3 && each.type === FrameType.DATA);
    const first = peer.frames.filter((each) => each.id === 1 && each.type === FrameType.DATA);
    assert.equal(Buffer.concat(first.map((each) => each.payload)).length, 10);
    // -5 left on stream 1, then 20 more: 15 bytes may go.
    peer.socket.write(
      Buffer.concat([settings([Setting.INITIAL_WINDOW_SIZE, 5]), frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(20))]),
    );
    await peer.until((each) => each.id === 1 && each.type === FrameType.DATA && each.payload.length === 15);
    peer.socket.write(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(100_000)));
    const { body: received } = await peer.answer(1);
    assert.equal(received.toString(), body.slice(0, 16_000));
  });

  test("large content is cut into the peer's frames, and is held back by the connection's window", async () => {
    const { peer } = await echoServer();
    const parts = Array.from({ length: 6 }, (_, i) => Buffer.alloc(15_000, 65 + i));
    peer.socket.write(
      Buffer.concat([
        Buffer.from(PREFACE),
        settings([Setting.INITIAL_WINDOW_SIZE, 1_000_000], [Setting.MAX_FRAME_SIZE, 20_000]),
        headers(1),
        ...parts.map((part, i) => frame(FrameType.DATA, i === 5 ? 1 : 0, 1, part)),
      ]),
    );
    const count = (): number =>
      peer.frames.filter((each) => each.type === FrameType.DATA).reduce((sum, each) => sum + each.payload.length, 0);
    await peer.until(() => count() === 65_535);
    assert.ok(peer.frames.every((each) => each.payload.length <= 20_000));
    peer.socket.write(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(100_000)));
    assert.deepEqual((await peer.answer(1)).body, Buffer.concat(parts));
  });

  test("gives the connection's window back", async () => {
    const { peer } = await echoServer();
    peer.socket.write(hello);
    const [granted] = [await peer.until((each) => each.type === FrameType.WINDOW_UPDATE)];
    assert.equal(readUint32(granted.payload, 0), 64 * 1024 * 1024 - 65_535);
    const piece = frame(FrameType.DATA, 0, 1, Buffer.alloc(16_000));
    peer.socket.write(headers(1));
    for (let i = 0; i < 1_100; i++) peer.socket.write(piece);
    const again = await peer.until((each) => each.type === FrameType.WINDOW_UPDATE && each !== granted);
    assert.ok(readUint32(again.payload, 0) >= 16 * 1024 * 1024);
  });

  const broken: [string, Buffer, number][] = [
    ["no preface", Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), Http2Code.PROTOCOL_ERROR],
    ["no settings", Buffer.concat([Buffer.from(PREFACE), headers(1)]), Http2Code.PROTOCOL_ERROR],
    [
      "a frame that is too large",
      Buffer.concat([hello, Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])]),
      Http2Code.FRAME_SIZE_ERROR,
    ],
    ["DATA of an idle stream", Buffer.concat([hello, frame(0, 0, 1)]), Http2Code.PROTOCOL_ERROR],
    ["DATA of stream 0", Buffer.concat([hello, frame(0, 0, 0)]), Http2Code.PROTOCOL_ERROR],
    ["an even stream", Buffer.concat([hello, headers(2)]), Http2Code.PROTOCOL_ERROR],
    ["HEADERS of stream 0", Buffer.concat([hello, headers(0)]), Http2Code.PROTOCOL_ERROR],
    ["DATA after the end", Buffer.concat([hello, headers(1), settings(), frame(0, 1, 1), frame(0, 1, 1)]), -1],
    [
      "more padding than frame",
      Buffer.concat([hello, headers(1), frame(0, Flag.PADDED, 1, Buffer.from([5, 1]))]),
      Http2Code.PROTOCOL_ERROR,
    ],
    [
      "padding without a frame",
      Buffer.concat([hello, headers(1), frame(0, Flag.PADDED, 1)]),
      Http2Code.FRAME_SIZE_ERROR,
    ],
    [
      "a malformed block",
      Buffer.concat([hello, frame(1, Flag.END_HEADERS, 1, Buffer.from([0x80]))]),
      Http2Code.COMPRESSION_ERROR,
    ],
    [
      "a frame within a block",
      Buffer.concat([hello, headers(1, 0), frame(FrameType.PING, 0, 0, Buffer.alloc(8))]),
      Http2Code.PROTOCOL_ERROR,
    ],
    [
      "CONTINUATION of another stream",
      Buffer.concat([hello, headers(1, 0), frame(FrameType.CONTINUATION, 4, 3, END)]),
      Http2Code.PROTOCOL_ERROR,
    ],
    [
      "CONTINUATION of nothing",
      Buffer.concat([hello, frame(FrameType.CONTINUATION, 4, 1, END)]),
      Http2Code.PROTOCOL_ERROR,
    ],
    [
      "a block without an end",
      Buffer.concat([
        hello,
        headers(1, 0),
        ...Array.from({ length: 6 }, () => frame(FrameType.CONTINUATION, 0, 1, Buffer.alloc(16_000))),
      ]),
      Http2Code.ENHANCE_YOUR_CALM,
    ],
    [
      "empty CONTINUATION",
      Buffer.concat([hello, headers(1, 0), frame(FrameType.CONTINUATION, 0, 1)]),
      Http2Code.ENHANCE_YOUR_CALM,
    ],
    [
      "malformed SETTINGS",
      Buffer.concat([hello, frame(FrameType.SETTINGS, 0, 0, Buffer.alloc(5))]),
      Http2Code.FRAME_SIZE_ERROR,
    ],
    ["SETTINGS of a stream", Buffer.concat([hello, frame(FrameType.SETTINGS, 0, 1)]), Http2Code.PROTOCOL_ERROR],
    [
      "a frame size that cannot be",
      Buffer.concat([hello, settings([Setting.MAX_FRAME_SIZE, 100])]),
      Http2Code.PROTOCOL_ERROR,
    ],
    [
      "a window that cannot be",
      Buffer.concat([hello, settings([Setting.INITIAL_WINDOW_SIZE, 2 ** 31])]),
      Http2Code.FLOW_CONTROL_ERROR,
    ],
    [
      "WINDOW_UPDATE by 0",
      Buffer.concat([hello, frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(0))]),
      Http2Code.PROTOCOL_ERROR,
    ],
    [
      "too wide a window",
      Buffer.concat([hello, frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(2 ** 31 - 1))]),
      Http2Code.FLOW_CONTROL_ERROR,
    ],
    [
      "too wide a stream's window",
      Buffer.concat([hello, headers(1), frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(2 ** 31 - 1))]),
      Http2Code.FLOW_CONTROL_ERROR,
    ],
    [
      "WINDOW_UPDATE of an idle stream",
      Buffer.concat([hello, frame(FrameType.WINDOW_UPDATE, 0, 5, uint32(1))]),
      Http2Code.PROTOCOL_ERROR,
    ],
    [
      "malformed PING",
      Buffer.concat([hello, frame(FrameType.PING, 0, 0, Buffer.alloc(7))]),
      Http2Code.FRAME_SIZE_ERROR,
    ],
    [
      "RST_STREAM of an idle stream",
      Buffer.concat([hello, frame(FrameType.RST_STREAM, 0, 1, uint32(8))]),
      Http2Code.PROTOCOL_ERROR,
    ],
    [
      "PUSH_PROMISE",
      Buffer.concat([hello, frame(FrameType.PUSH_PROMISE, 4, 1, Buffer.alloc(4))]),
      Http2Code.PROTOCOL_ERROR,
    ],
    [
      "malformed GOAWAY",
      Buffer.concat([hello, frame(FrameType.GOAWAY, 0, 0, Buffer.alloc(4))]),
      Http2Code.PROTOCOL_ERROR,
    ],
  ];
  for (const [name, bytes, code] of broken) {
    test(`refuses: ${name}`, async () => {
      const { peer, events } = await echoServer();
      peer.socket.write(bytes);
      if (code === -1) {
        // The stream was answered and closed by then: passed over.
        await peer.answer(1);
        peer.socket.write(frame(FrameType.PING, 0, 0, Buffer.alloc(8)));
        await peer.until((each) => each.type === FrameType.PING && each.flags === Flag.ACK);
        return;
      }
      assert.equal((await peer.goAway()).code, code);
      await peer.closed();
      assert.ok(events.every((event) => !event.startsWith("reset")));
    });
  }

  test("streams beyond the limit, and resets of those that run", async () => {
    const { peer, events } = await echoServer(1);
    peer.socket.write(
      Buffer.concat([
        hello,
        headers(1),
        request(3, "too many"),
        frame(FrameType.RST_STREAM, 0, 1, uint32(8)),
        request(5, "again"),
      ]),
    );
    assert.equal((await peer.answer(5)).body.toString(), "again");
    const refused = peer.frames.find((each) => each.type === FrameType.RST_STREAM);
    assert.equal(refused?.id, 3);
    assert.equal(readUint32(refused.payload, 0), Http2Code.REFUSED_STREAM);
    assert.ok(events.includes("reset 8"));
  });

  test("who opens streams only to reset them is sent away", async () => {
    const { peer } = await echoServer();
    const pieces: Buffer[] = [hello];
    for (let i = 0; i < 1_200; i++)
      pieces.push(headers(2 * i + 1), frame(FrameType.RST_STREAM, 0, 2 * i + 1, uint32(8)));
    peer.socket.write(Buffer.concat(pieces));
    assert.equal((await peer.goAway()).code, Http2Code.ENHANCE_YOUR_CALM);
  });

  test("who asks and does not read is cut off", async () => {
    const { peer, events } = await echoServer();
    peer.socket.write(hello);
    await peer.until((each) => each.type === FrameType.SETTINGS);
    peer.socket.pause();
    const pings = Buffer.concat(Array.from({ length: 4_000 }, () => frame(FrameType.PING, 0, 0, Buffer.alloc(8))));
    while (!events.some((event) => event.startsWith("closed"))) {
      if (peer.socket.writableLength < 1_000_000) peer.socket.write(pings);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(events, ["closed: the peer does not read what it asks for"]);
  });

  test("goes away without losing what is under way", async () => {
    const { peer, connection } = await echoServer();
    peer.socket.write(Buffer.concat([hello, headers(1)]));
    await peer.until((each) => each.type === FrameType.SETTINGS && each.flags === Flag.ACK);
    connection.goAway();
    assert.deepEqual(await peer.goAway(), { lastId: 2 ** 31 - 1, code: 0, text: "" });
    const ping = await peer.until((each) => each.type === FrameType.PING);
    // Opened before the client has heard of it.
    peer.socket.write(Buffer.concat([headers(3), frame(FrameType.PING, Flag.ACK, 0, ping.payload)]));
    const last = await peer.until(
      (each) => each.type === FrameType.GOAWAY && readUint32(each.payload, 0) !== 2 ** 31 - 1,
    );
    assert.equal(readUint32(last.payload, 0), 3);
    peer.socket.write(
      Buffer.concat([frame(0, 1, 1, Buffer.from("one")), frame(0, 1, 3, Buffer.from("three")), request(5, "late")]),
    );
    assert.equal((await peer.answer(1)).body.toString(), "one");
    assert.equal((await peer.answer(3)).body.toString(), "three");
    await peer.closed();
    assert.ok(peer.frames.every((each) => each.id !== 5));
  });

  test("any bytes after the preface end in GOAWAY or in silence", async () => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      fc
        .tuple(fc.nat(10), fc.constantFrom(0, 1, 4, 5, 8, 0x2d), fc.nat(6), fc.uint8Array({ maxLength: 20 }))
        .map(([type, flags, id, payload]) => frame(type, flags, id, payload)),
      fc.constant(headers(1)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 12 }), async (list) => {
        const { peer, connection } = await echoServer();
        connection.receive(hello);
        for (const each of list) connection.receive(each);
        connection.destroy();
        await peer.closed();
      }),
      { numRuns: 150 },
    );
  });
});

describe("client", () => {
  async function client(): Promise<{ peer: Peer; connection: Http2Connection; events: string[]; open: () => Echo }> {
    const [here, there] = await pair();
    const events: string[] = [];
    const handler: ConnectionHandler = {
      onReady: () => events.push("ready"),
      onGoAway: () => events.push("goaway"),
      onClose: (reason) => events.push(`closed: ${reason.message}`),
    };
    const connection = new Http2Connection(there, { role: "client", streamWindow: 100_000, maxStreams: 0 }, handler);
    there.on("data", (chunk: Uint8Array) => connection.receive(chunk));
    const peer = new Peer(here, PREFACE.length);
    const open = (): Echo => {
      const stream = new Echo(events, false);
      assert.ok(connection.request(stream, REQUEST, Buffer.from("he"), Buffer.from("llo")));
      return stream;
    };
    return { peer, connection, events, open };
  }

  test("introduces itself without push, and sends a request in one frame each", async () => {
    const { peer, open } = await client();
    open();
    const data = await peer.until((each) => each.type === FrameType.DATA);
    assert.equal(data.payload.toString(), "hello");
    assert.equal(data.flags, Flag.END_STREAM);
    const [first] = peer.frames;
    assert.equal(first?.type, FrameType.SETTINGS);
    const names = Array.from({ length: first.payload.length / 6 }, (_, i) => first.payload.readUInt16BE(i * 6));
    assert.ok(names.includes(Setting.ENABLE_PUSH));
  });

  test("GOAWAY: what the server has not seen is refused, what it has seen is finished, then the end", async () => {
    const { peer, connection, events, open } = await client();
    open();
    open();
    peer.socket.write(settings([Setting.MAX_CONCURRENT_STREAMS, 7]));
    await peer.until((each) => each.id === 3 && each.type === FrameType.DATA);
    await peer.until((each) => each.type === FrameType.SETTINGS && each.flags === Flag.ACK);
    assert.equal(connection.peerMaxStreams, 7);
    peer.socket.write(frame(FrameType.GOAWAY, 0, 0, Buffer.concat([uint32(1), uint32(0)])));
    peer.socket.write(frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 1, END));
    await peer.closed();
    assert.deepEqual(events.slice(0, 4), ["ready", "goaway", `reset ${Http2Code.REFUSED_STREAM}`, "headers x-end"]);
  });

  test("an answer before the request is sent in full resets the rest", async () => {
    const { peer, connection } = await client();
    const stream = new Echo([], false);
    connection.request(stream, REQUEST, new Uint8Array(), Buffer.alloc(200_000));
    peer.socket.write(
      Buffer.concat([settings(), frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 1, END)]),
    );
    const reset = await peer.until((each) => each.type === FrameType.RST_STREAM);
    assert.equal(readUint32(reset.payload, 0), Http2Code.NO_ERROR);
    assert.equal(connection.streams, 0);
  });

  test("pings are answered in order; a lost connection answers them too", async () => {
    const { peer, connection } = await client();
    peer.socket.write(settings());
    const outcomes: boolean[] = [];
    const lost = new Promise<void>((resolve) => {
      connection.ping((alive) => outcomes.push(alive));
      connection.ping((alive) => {
        outcomes.push(alive);
        resolve();
      });
    });
    await peer.until((each) => each.type === FrameType.PING);
    peer.socket.write(frame(FrameType.PING, Flag.ACK, 0, Buffer.alloc(8)), () => peer.socket.end());
    await lost;
    assert.deepEqual(outcomes, [true, false]);
  });

  for (const [name, bytes] of [
    ["a stream that nobody asked for", frame(FrameType.HEADERS, Flag.END_HEADERS, 2, OK)],
    ["an answer to nothing", frame(FrameType.HEADERS, Flag.END_HEADERS, 9, OK)],
    ["PUSH_PROMISE", frame(FrameType.PUSH_PROMISE, 4, 1, Buffer.alloc(4))],
  ] as const) {
    test(`refuses: ${name}`, async () => {
      const { peer, events, open } = await client();
      open();
      peer.socket.write(Buffer.concat([settings(), bytes]));
      assert.equal((await peer.goAway()).code, Http2Code.PROTOCOL_ERROR);
      await peer.closed();
      assert.ok(events.includes("lost"));
    });
  }
});
