import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import fc from "fast-check";
import {
  client,
  closeAll,
  END,
  echoServer,
  frame,
  headers,
  hello,
  OK,
  request,
  settings,
  uint32,
} from "../testing/http2.ts";
import { Flag, FrameType, Http2Code, PREFACE, readUint32, Setting } from "./frames.ts";

afterEach(closeAll);

describe("server", () => {
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
