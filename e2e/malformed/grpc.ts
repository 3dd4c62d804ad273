/** Calls over gRPC that are wrong: what is in them, and how they are framed. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */

import { connect as connectHttp2, type OutgoingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { grpcPath, type Signal } from "../proto.ts";
import type { Random } from "../random.ts";
import { COMPRESSED, PROTOBUF, valid } from "./bodies.ts";
import { alter, closing, cut, type Mutation } from "./mutation.ts";

interface Call {
  readonly headers: OutgoingHttpHeaders;
  readonly body: Uint8Array;
}

const OK = "gRPC 0";
const INVALID = "gRPC 3";
const INTERNAL = "gRPC 13";
const TOO_LARGE = "gRPC 8";
const UNIMPLEMENTED = "gRPC 12";
const STATUS = { valid: [OK], invalid: [INVALID], either: [OK, INVALID] } as const;
/** What cannot be decompressed is this protocol's own trouble, what comes out of it is OTLP's. */
const COMPRESSED_STATUS = {
  ...STATUS,
  invalid: [INTERNAL, INVALID],
  either: [OK, INTERNAL, INVALID],
  "too large": [TOO_LARGE],
} as const;

function framed(message: Uint8Array, flag = 0, length: number = message.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

function call(signal: Signal, body: Uint8Array, more: OutgoingHttpHeaders = {}): Call {
  const headers = { ":method": "POST", ":path": grpcPath(signal), "content-type": "application/grpc", te: "trailers" };
  return { headers: { ...headers, ...more }, body };
}

function grpc(name: string, allowed: readonly string[], make: Mutation<Call>["make"]): Mutation<Call> {
  return { name: `gRPC: ${name}`, allowed, make };
}

/** A call with a good message, and one thing that is not. */
function good(random: Random, more: OutgoingHttpHeaders = {}): Call {
  const { signal, bytes } = valid(random);
  return call(signal, framed(bytes), more);
}

export const GRPC: readonly Mutation<Call>[] = [
  grpc("other services", [UNIMPLEMENTED], (random) =>
    good(random, {
      ":path": random.pick(["/", "/x/Export", `${grpcPath("logs")}s`, "/grpc.health.v1.Health/Check", "%"]),
    }),
  ),
  grpc("other methods of HTTP", ["HTTP 405"], (random) =>
    good(random, { ":method": random.pick(["PUT", "DELETE", "PATCH"]) }),
  ),
  grpc("other types", ["HTTP 415"], (random) =>
    good(random, { "content-type": random.pick(["text/plain", "application/grpcx", "x"]) }),
  ),
  grpc("other codings", [UNIMPLEMENTED], (random) =>
    good(random, { "grpc-encoding": random.pick(["br", "snappy", "deflate", "x".repeat(1000)]) }),
  ),
  grpc("deadlines that are none", [INTERNAL], (random) =>
    good(random, { "grpc-timeout": random.pick(["5", "S", "123456789S", "-1S", "1X", "1.5S", "x".repeat(999)]) }),
  ),
  grpc("deadlines that are over", [OK, "gRPC 4"], (random) =>
    good(random, { "grpc-timeout": random.pick(["0S", "1n", "1u"]) }),
  ),
  grpc("no message", [INTERNAL], () => call("logs", new Uint8Array())),
  grpc("a part of a message", [INTERNAL], (random) => call("logs", cut(random, framed(valid(random).bytes)))),
  grpc("two messages", [INTERNAL], (random) =>
    call("logs", Buffer.concat([framed(new Uint8Array(3)), framed(valid(random).bytes)])),
  ),
  grpc("a length beyond the end", [INTERNAL], (random) => call("logs", framed(valid(random).bytes, 0, 1_000_000))),
  grpc("a length beyond the limit", [TOO_LARGE], (random) =>
    call("logs", framed(valid(random).bytes, 0, random.pick([2 ** 31, 2 ** 32 - 1, 5 * 2 ** 20]))),
  ),
  grpc("a length before the end", [INTERNAL], (random) => call("logs", framed(valid(random).bytes, 0, 7))),
  grpc("flags that are none", [INTERNAL], (random) =>
    call("logs", framed(valid(random).bytes, random.between(2, 255))),
  ),
  grpc("compressed, and nobody said how", [INTERNAL], (random) =>
    call("logs", framed(gzipSync(valid(random).bytes), 1)),
  ),
  grpc("a few bits of the prefix", [OK, INVALID, INTERNAL, TOO_LARGE], (random) => {
    const { signal, bytes } = valid(random);
    const whole = framed(bytes);
    return call(signal, Buffer.concat([alter(random, whole.subarray(0, 5), 1), whole.subarray(5)]), {
      "grpc-encoding": "gzip",
    });
  }),
  grpc("headers without end", ["HTTP 431", "closed", TOO_LARGE], (random) =>
    good(random, { "x-long": "a".repeat(200_000) }),
  ),
  ...PROTOBUF.map(({ name, is, make }) =>
    grpc(name, STATUS[is], (random) => {
      const { signal, bytes } = make(random);
      return call(signal, framed(bytes));
    }),
  ),
  ...COMPRESSED.map(({ name, is, make }) =>
    grpc(name, COMPRESSED_STATUS[is], (random) => {
      for (;;) {
        const { signal, bytes, coding } = make(random);
        if (coding === "gzip") return call(signal, framed(bytes, 1), { "grpc-encoding": "gzip" });
      }
    }),
  ),
];

const PATIENCE_MS = 30_000;

/** On a connection of its own. @returns what came of it */
export async function sendCall(url: string, { headers, body }: Call): Promise<string> {
  const session = connectHttp2(url);
  const { promise, resolve } = Promise.withResolvers<string>();
  session.on("error", () => session.destroy()).on("close", () => resolve("closed"));
  const stream = session.request(headers);
  stream.on("error", () => undefined);
  stream.setTimeout(PATIENCE_MS, () => session.destroy());
  stream.on("response", (given) => {
    if (given["grpc-status"] !== undefined) resolve(`gRPC ${given["grpc-status"]}`);
    else if (given[":status"] !== 200) resolve(`HTTP ${given[":status"]}`);
  });
  stream.on("trailers", (given) => resolve(`gRPC ${given["grpc-status"]}`));
  stream.on("close", () => resolve("closed")).resume();
  stream.end(body);
  const outcome = await promise;
  session.destroy();
  return outcome;
}

/** Frames of HTTP/2 (RFC 9113) as they go over the wire. */
interface Frames {
  readonly bytes: Buffer;
}

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const TYPE = {
  data: 0,
  headers: 1,
  rst: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;
const END_STREAM = 1;
const END_HEADERS = 4;

function h2(type: number, flags: number, stream: number, payload: Uint8Array, length: number = payload.length): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** HPACK, each a literal without indexing. */
function hpack(headers: Readonly<Record<string, string>>): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  return Buffer.concat(Object.entries(headers).flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

const SETTINGS = h2(TYPE.settings, 0, 0, new Uint8Array());
const HEAD = hpack({
  ":method": "POST",
  ":scheme": "http",
  ":path": grpcPath("logs"),
  ":authority": "collector",
  "content-type": "application/grpc",
  te: "trailers",
});
const HEADERS = h2(TYPE.headers, END_HEADERS, 1, HEAD);
const DATA = h2(TYPE.data, END_STREAM, 1, framed(new Uint8Array()));
const exchange = (...frames: readonly Uint8Array[]): Frames => ({
  bytes: Buffer.concat([PREFACE, SETTINGS, ...frames]),
});
const MISPLACED = [TYPE.data, TYPE.rst, TYPE.continuation, TYPE.headers] as const;

function frames(name: string, allowed: readonly string[], make: Mutation<Frames>["make"]): Mutation<Frames> {
  return { name: `HTTP/2: ${name}`, allowed, make };
}

/** `answer`: the call was answered. `GOAWAY`: the connection was ended with a reason; `reset`: the stream was. */
export const FRAMES: readonly Mutation<Frames>[] = [
  frames("as it should be", ["answer"], () => exchange(HEADERS, DATA)),
  frames("frames of unknown types", ["answer"], (random) =>
    exchange(
      h2(random.between(0x20, 0xff), random.between(0, 255), random.between(0, 9), random.bytes(20)),
      HEADERS,
      DATA,
    ),
  ),
  frames("settings that nobody knows", ["answer"], (random) =>
    exchange(h2(TYPE.settings, 0, 0, Buffer.from([0xff, 0, ...random.bytes(4)])), HEADERS, DATA),
  ),
  frames("no preface", ["GOAWAY", "closed"], (random) => ({
    bytes: Buffer.concat([SETTINGS, HEADERS, random.bytes(30)]),
  })),
  frames("HTTP/1.1", ["GOAWAY", "closed"], () => ({
    bytes: Buffer.from("POST /v1/logs HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
  })),
  frames("frames on stream 0", ["GOAWAY"], (random) => exchange(h2(random.pick(MISPLACED), END_HEADERS, 0, HEAD))),
  frames("frames of streams that there are not", ["GOAWAY"], () => exchange(h2(TYPE.data, 0, 7, new Uint8Array(3)))),
  frames("a stream of an even number", ["GOAWAY"], () => exchange(h2(TYPE.headers, END_HEADERS, 2, HEAD))),
  frames("a frame beyond the limit", ["GOAWAY"], (random) =>
    exchange(h2(random.pick([0, 1, 4, 8]), 0, 1, new Uint8Array(9), 2 ** 24 - 1)),
  ),
  frames("settings and pings of wrong lengths", ["GOAWAY"], (random) =>
    exchange(h2(random.pick([TYPE.settings, TYPE.ping]), 0, 0, random.bytes(5))),
  ),
  frames("settings of wrong values", ["GOAWAY"], () =>
    exchange(h2(TYPE.settings, 0, 0, Buffer.from([0, 4, 0xff, 0xff, 0xff, 0xff]))),
  ),
  frames("a window of 0 more", ["GOAWAY", "reset"], (random) =>
    exchange(HEADERS, h2(TYPE.window, 0, random.pick([0, 1]), new Uint8Array(4))),
  ),
  frames("a window beyond its limit", ["GOAWAY", "reset"], (random) =>
    exchange(HEADERS, h2(TYPE.window, 0, random.pick([0, 1]), Buffer.from([0x7f, 0xff, 0xff, 0xff]))),
  ),
  frames("headers that are not HPACK", ["GOAWAY"], (random) =>
    exchange(h2(TYPE.headers, END_HEADERS, 1, Buffer.concat([Buffer.alloc(8, 0xff), random.bytes(9)]))),
  ),
  frames("headers that are cut off", ["GOAWAY"], () =>
    exchange(h2(TYPE.headers, END_HEADERS, 1, HEAD.subarray(0, HEAD.length - 2))),
  ),
  frames("a continuation that does not come", ["GOAWAY", "closed"], () => exchange(h2(TYPE.headers, 0, 1, HEAD), DATA)),
  frames("padding longer than its frame", ["GOAWAY"], () =>
    exchange(HEADERS, h2(TYPE.data, 8, 1, Buffer.from([200, 1, 2]))),
  ),
  frames("a promise", ["GOAWAY"], () => exchange(h2(TYPE.push, END_HEADERS, 1, HEAD))),
  frames("headers that gRPC does not have", ["reset", "GOAWAY", "answer"], () =>
    exchange(h2(TYPE.headers, END_HEADERS, 1, Buffer.concat([HEAD, hpack({ Upper: "case" })])), DATA),
  ),
  frames("nothing after its headers", ["closed"], () => exchange(HEADERS)),
  frames("a part of an exchange", ["closed", "GOAWAY"], (random) => ({
    bytes: cut(random, exchange(HEADERS, DATA).bytes),
  })),
  frames("a few bits", ["answer", "GOAWAY", "reset", "closed"], (random) => ({
    bytes: alter(random, exchange(HEADERS, DATA).bytes, random.between(1, 5)),
  })),
  frames("any frames", ["answer", "GOAWAY", "reset", "closed"], (random) =>
    exchange(
      ...Array.from({ length: 10 }, () =>
        h2(random.between(0, 10), random.between(0, 255), random.between(0, 3), random.bytes(random.between(0, 40))),
      ),
    ),
  ),
  frames("any bytes", ["GOAWAY", "closed"], (random) => exchange(random.bytes(random.between(1, 300)))),
];

/** @returns what the frames say that came back */
export async function sendFrames(url: string, { bytes }: Frames): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  const chunks: Buffer[] = [];
  socket.on("error", () => socket.destroy());
  socket.on("end", () => socket.destroy());
  socket.setTimeout(PATIENCE_MS, () => socket.destroy());
  const closed = closing(socket);
  const { promise: spoken, resolve } = Promise.withResolvers<string>();
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    const outcome = outcomeOf(Buffer.concat(chunks));
    if (outcome !== undefined) resolve(outcome);
  });
  socket.write(bytes);
  // Whoever has more to say does so before it has read the end.
  socket.end();
  const outcome = await Promise.race([spoken, closed.then(() => outcomeOf(Buffer.concat(chunks)) ?? "closed")]);
  socket.destroy();
  return outcome;
}

function outcomeOf(bytes: Buffer): string | undefined {
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    const type = bytes[at + 3];
    if (type === TYPE.goaway) return "GOAWAY";
    if (type === TYPE.rst) return "reset";
    if (type === TYPE.headers) return "answer";
  }
  return undefined;
}
