import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import fc from "fast-check";
import {
  client,
  closeAll,
  Echo,
  END,
  echoServer,
  frame,
  headers,
  hello,
  REQUEST,
  request,
  settings,
  uint32,
} from "../testing/http2.ts";
import { Flag, FrameType, Http2Code, PREFACE, readUint32, Setting } from "./frames.ts";

afterEach(closeAll);

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
});

describe("client", () => {
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
});
