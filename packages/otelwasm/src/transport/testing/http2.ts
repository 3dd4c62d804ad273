// The two ends of an HTTP/2 connection for tests: ours, and one that sends what a test says.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { Http2Connection } from "../http2/connection.ts";
import { Flag, FrameReader, FrameType, PREFACE, readUint32, writeHead, writeUint32 } from "../http2/frames.ts";
import { encodeHeaders, type Headers, HpackDecoder } from "../http2/hpack.ts";
import { type ConnectionHandler, Http2Stream } from "../http2/stream.ts";

export const OK: Uint8Array = encodeHeaders([[":status", "200"]]);
export const END: Uint8Array = encodeHeaders([["x-end", "yes"]]);
export const REQUEST: Uint8Array = encodeHeaders([
  [":method", "POST"],
  [":path", "/echo"],
]);

const servers: Server[] = [];
const sockets: Socket[] = [];

/** For `afterEach`. */
export function closeAll(): void {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
}

/** Answers with what it got, and trailers; on the client side, only listens. */
export class Echo extends Http2Stream {
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

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, id: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const out = Buffer.alloc(9 + payload.length);
  writeHead(out, 0, payload.length, type, flags, id);
  out.set(payload, 9);
  return out;
}

export function settings(...values: [number, number][]): Buffer {
  const payload = new Uint8Array(values.length * 6);
  for (const [i, [name, value]] of values.entries()) {
    payload[i * 6 + 1] = name;
    writeUint32(payload, i * 6 + 2, value);
  }
  return frame(FrameType.SETTINGS, 0, 0, payload);
}

export function uint32(value: number): Uint8Array {
  const payload = new Uint8Array(4);
  writeUint32(payload, 0, value);
  return payload;
}

/** The other end of a connection, which sends what a test says and keeps what it gets. */
export class Peer {
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

export async function pair(): Promise<[Socket, Socket]> {
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

export async function echoServer(
  maxStreams = 0,
): Promise<{ peer: Peer; connection: Http2Connection; events: string[] }> {
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

export const hello: Buffer = Buffer.concat([Buffer.from(PREFACE), settings()]);
export const headers = (id: number, flags: number = Flag.END_HEADERS): Buffer =>
  frame(FrameType.HEADERS, flags, id, REQUEST);
export const request = (id: number, body: string): Buffer =>
  Buffer.concat([headers(id), frame(FrameType.DATA, Flag.END_STREAM, id, Buffer.from(body))]);

export async function client(): Promise<{
  peer: Peer;
  connection: Http2Connection;
  events: string[];
  open: () => Echo;
}> {
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
