// Destinations that misbehave: each batch ends with the right error, in time, and leaves nothing open; the next one is delivered.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, test } from "node:test";
import type { Exporter } from "../../component/component.ts";
import { StatusCode } from "../../component/errors.ts";
import type { ExporterFactory } from "../../component/factory.ts";
import { SINGLE_ATTEMPT } from "../../exporterhelper/testing/single.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { encodeHeaders } from "../../transport/http2/hpack.ts";
import { failure, testSettings } from "../../transport/testing/support.ts";
import { otlpHttpExporter } from "../otlphttp/factory.ts";
import { otlpGrpcExporter } from "./factory.ts";

const batch = { signal: "logs", bytes: buildPayload("logs", 5) } as const;
/** For what only time ends. */
const SHORT = "150ms";
const cleanup: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each();
});

interface Outcome {
  readonly code: StatusCode;
  readonly permanent: boolean;
  readonly message: RegExp;
}

/** `say`: what is done when a request is there in full. */
interface Case {
  readonly what: string;
  readonly say: (socket: Socket, stream: number) => void;
  readonly outcome: Outcome;
  readonly timeout?: string;
}

const unavailable = (message: RegExp): Outcome => ({ code: StatusCode.UNAVAILABLE, permanent: false, message });
const late: Outcome = { code: StatusCode.DEADLINE_EXCEEDED, permanent: false, message: /within|in time/ };

interface Sink {
  readonly port: number;
  readonly sockets: Set<Socket>;
  /** What is done when a request is there. */
  behave: (socket: Socket, stream: number) => void;
}

async function sinkOf(onConnection: (socket: Socket, sink: Sink) => void): Promise<Sink> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    onConnection(socket, sink);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanup.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const sink: Sink = { port: address.port, sockets, behave: () => undefined };
  return sink;
}

/** Writes the same again and again, as fast as it is read. */
function forever(piece: string | Uint8Array): (socket: Socket) => void {
  const bytes = typeof piece === "string" ? Buffer.from(piece, "latin1") : piece;
  const many = Buffer.concat(Array.from({ length: Math.ceil(16_384 / bytes.length) }, () => bytes));
  const go = (socket: Socket): void => {
    if (socket.destroyed) return;
    if (socket.write(many)) setImmediate(() => go(socket));
    else socket.once("drain", () => go(socket));
  };
  return go;
}

function slowly(socket: Socket, piece: string | Uint8Array): void {
  const timer = setInterval(() => socket.write(piece), 5);
  socket.on("close", () => clearInterval(timer));
}

function exporterOf(factory: ExporterFactory, config: object): Exporter {
  const parsed = factory.schema.parse({ compression: "none", ...SINGLE_ATTEMPT, ...config });
  const made = factory.create(testSettings(factory.type, "logs"), parsed);
  cleanup.push(() => made.shutdown());
  return made;
}

function httpSink(): Promise<Sink> {
  return sinkOf((socket, sink) => {
    let pending = "";
    socket.on("data", (chunk: Buffer) => {
      pending += chunk.toString("latin1");
      const head = pending.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/.exec(pending)?.[1]);
      if (head < 0 || pending.length < head + 4 + length) return;
      pending = "";
      sink.behave(socket, 1);
    });
  });
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const malformed = unavailable(/malformed HTTP response|unsupported Transfer-Encoding/);
const httpCases: Case[] = [
  { what: "says nothing", say: () => undefined, outcome: late, timeout: SHORT },
  {
    what: "answers a byte at a time, for ever",
    say: (socket) => {
      socket.write("HTTP/1.1 200 OK\r\nX: ");
      slowly(socket, "x");
    },
    outcome: late,
    timeout: SHORT,
  },
  {
    what: "has a body that trickles",
    say: (socket) => {
      socket.write("HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n");
      slowly(socket, "1\r\nx\r\n");
    },
    outcome: late,
    timeout: SHORT,
  },
  {
    what: "sends interim answers for ever",
    say: forever("HTTP/1.1 103 Early Hints\r\n\r\n"),
    outcome: late,
    timeout: SHORT,
  },
  {
    what: "has headers without an end",
    say: (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      forever("X-More: yes\r\n")(socket);
    },
    outcome: malformed,
  },
  {
    what: "has a body without an end",
    say: (socket) => {
      socket.write("HTTP/1.1 503 No\r\n\r\n");
      forever("x")(socket);
    },
    outcome: unavailable(/503/),
  },
  {
    what: "has chunks without an end, and an error that is for good",
    say: (socket) => {
      socket.write("HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n");
      forever("4\r\nabcd\r\n")(socket);
    },
    outcome: { code: StatusCode.INVALID_ARGUMENT, permanent: true, message: /400/ },
  },
  { what: "speaks another protocol", say: (socket) => void socket.write("220 smtp ready\r\n\r\n"), outcome: malformed },
  { what: "sends zeros", say: forever(new Uint8Array(1)), outcome: malformed },
  {
    what: "switches protocols",
    say: (socket) => void socket.write("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"),
    outcome: malformed,
  },
  {
    what: "has two lengths",
    say: (socket) => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n"),
    outcome: malformed,
  },
  { what: "answers twice", say: (socket) => void socket.write(OK + OK), outcome: malformed },
  {
    what: "ends within a head",
    say: (socket) => void socket.end("HTTP/1.1 200 OK\r\nContent-"),
    outcome: unavailable(/the server closed the connection/),
  },
  {
    what: "ends within a body",
    say: (socket) => void socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
    outcome: unavailable(/the server closed the connection/),
  },
  { what: "resets", say: (socket) => void socket.resetAndDestroy(), outcome: unavailable(/ECONNRESET/) },
];

const FRAME = {
  DATA: 0,
  HEADERS: 1,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW: 8,
  CONTINUATION: 9,
};
const END_STREAM = 1;
const END_HEADERS = 4;

function http2Frame(type: number, flags: number, id: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

function uint32(...values: number[]): Buffer {
  const out = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) out.writeUInt32BE(value, index * 4);
  return out;
}

function block(headers: Record<string, string>): Uint8Array {
  return encodeHeaders(Object.entries(headers), new Set());
}

const answerHead = http2Frame(
  FRAME.HEADERS,
  END_HEADERS,
  1,
  block({ ":status": "200", "content-type": "application/grpc" }),
);
const trailers = http2Frame(FRAME.HEADERS, END_HEADERS | END_STREAM, 1, block({ "grpc-status": "0" }));
const fine = Buffer.concat([answerHead, http2Frame(FRAME.DATA, 0, 1, new Uint8Array(5)), trailers]);
const SETTINGS = http2Frame(FRAME.SETTINGS, 0, 0);

/** Introduces itself, and behaves when a stream of the client has ended. */
function http2Sink(): Promise<Sink> {
  return sinkOf((socket, sink) => {
    socket.write(SETTINGS);
    let pending: Buffer = Buffer.alloc(0);
    let preface = 24;
    socket.on("data", (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      for (;;) {
        const length = 9 + (pending.length < preface + 9 ? 0 : pending.readUIntBE(preface, 3));
        if (pending.length < preface + length) return;
        const [type, flags] = [pending[preface + 3]!, pending[preface + 4]!];
        const stream = pending.readUInt32BE(preface + 5);
        pending = pending.subarray(preface + length);
        preface = 0;
        if (type === FRAME.DATA && (flags & END_STREAM) !== 0) sink.behave(socket, stream);
      }
    });
  });
}

const lost = unavailable(/the connection was lost/);
const resets: [number, Outcome][] = [
  [0x2, { code: StatusCode.INTERNAL, permanent: true, message: /reset the stream \(HTTP\/2 error 2\)/ }],
  [0x7, unavailable(/reset the stream \(HTTP\/2 error 7\)/)],
  [0x8, { code: StatusCode.CANCELLED, permanent: false, message: /error 8/ }],
  [0xb, { code: StatusCode.RESOURCE_EXHAUSTED, permanent: true, message: /error 11/ }],
  [0xc, { code: StatusCode.PERMISSION_DENIED, permanent: true, message: /error 12/ }],
];
const grpcCases: Case[] = [
  { what: "says nothing", say: () => undefined, outcome: late, timeout: SHORT },
  {
    what: "answers a byte at a time, for ever",
    say: (socket) => {
      socket.write(answerHead);
      slowly(socket, http2Frame(FRAME.DATA, 0, 1));
    },
    outcome: late,
    timeout: SHORT,
  },
  { what: "sends settings for ever", say: forever(SETTINGS), outcome: late, timeout: SHORT },
  {
    what: "pings for ever",
    say: forever(http2Frame(FRAME.PING, 0, 0, new Uint8Array(8))),
    outcome: late,
    timeout: SHORT,
  },
  {
    what: "has interim headers for ever",
    say: forever(http2Frame(FRAME.HEADERS, END_HEADERS, 1, block({ ":status": "103" }))),
    outcome: late,
    timeout: SHORT,
  },
  ...resets.map(([code, outcome]) => ({
    what: `resets with ${code}`,
    say: (socket: Socket, stream: number) => void socket.write(http2Frame(FRAME.RST_STREAM, 0, stream, uint32(code))),
    outcome,
  })),
  {
    what: "says goodbye to every call",
    say: (socket) => void socket.write(http2Frame(FRAME.GOAWAY, 0, 0, uint32(0, 0))),
    outcome: unavailable(/reset the stream \(HTTP\/2 error 7\)/),
  },
  {
    what: "has a message without an end",
    say: (socket) => {
      socket.write(answerHead);
      socket.write(http2Frame(FRAME.DATA, 0, 1, Buffer.from([0, 0x7f, 0xff, 0xff, 0xff])));
    },
    outcome: { code: StatusCode.RESOURCE_EXHAUSTED, permanent: true, message: /larger than max/ },
  },
  {
    what: "has more than one message",
    say: (socket) => void socket.write(Buffer.concat([answerHead, http2Frame(FRAME.DATA, 0, 1, new Uint8Array(11))])),
    outcome: { code: StatusCode.INTERNAL, permanent: true, message: /more than one message/ },
  },
  {
    what: "says OK without a message",
    say: (socket) => void socket.write(Buffer.concat([answerHead, trailers])),
    outcome: { code: StatusCode.INTERNAL, permanent: true, message: /OK without a message/ },
  },
  {
    what: "has headers without an end",
    say: (socket) => {
      socket.write(http2Frame(FRAME.HEADERS, 0, 1, block({ ":status": "200" })));
      forever(http2Frame(FRAME.CONTINUATION, 0, 1, block({ "x-more": "yes" })))(socket);
    },
    outcome: lost,
  },
  {
    what: "has headers that are none",
    say: (socket) => void socket.write(http2Frame(FRAME.HEADERS, END_HEADERS, 1, Buffer.alloc(9, 0xff))),
    outcome: lost,
  },
  {
    what: "speaks another protocol",
    say: (socket) => void socket.write("220 smtp ready\r\n".repeat(9)),
    outcome: lost,
  },
  {
    what: "promises what nobody asked for",
    say: (socket) => void socket.write(http2Frame(FRAME.PUSH_PROMISE, END_HEADERS, 1, uint32(2))),
    outcome: lost,
  },
  {
    what: "widens a window beyond what there is",
    say: (socket) => void socket.write(http2Frame(FRAME.WINDOW, 0, 0, uint32(0x7fff_ffff))),
    outcome: lost,
  },
  { what: "ends within an answer", say: (socket) => void socket.end(answerHead), outcome: lost },
  { what: "ends within a frame", say: (socket) => void socket.end(fine.subarray(0, fine.length - 3)), outcome: lost },
  { what: "resets", say: (socket) => void socket.resetAndDestroy(), outcome: lost },
];

for (const [factory, sinkFor, cases, endpoint, good] of [
  [
    otlpHttpExporter,
    httpSink,
    httpCases,
    (port: number) => ({ endpoint: `http://127.0.0.1:${port}` }),
    Buffer.from(OK),
  ],
  [
    otlpGrpcExporter,
    http2Sink,
    grpcCases,
    (port: number) => ({ endpoint: `127.0.0.1:${port}`, tls: { insecure: true } }),
    fine,
  ],
] as const) {
  describe(`${factory.type}: a server that`, () => {
    for (const { what, say, outcome, timeout } of cases) {
      test(what, async () => {
        const sink = await sinkFor();
        sink.behave = say;
        const target = exporterOf(factory, { ...endpoint(sink.port), timeout: timeout ?? "20s" });
        const error = await failure(target.consume(batch));
        const { code, permanent, message } = error;
        assert.match(message, outcome.message);
        assert.deepEqual({ code, permanent }, { code: outcome.code, permanent: outcome.permanent }, message);
        for (const socket of sink.sockets) socket.destroy();
        sink.behave = (socket) => void socket.write(good);
        const patient = exporterOf(factory, endpoint(sink.port));
        await patient.consume(batch);
        await Promise.all([target.shutdown(), patient.shutdown()]);
        await Promise.all([...sink.sockets].map((socket) => once(socket, "close")));
      });
    }

    test("is not there, or has no name", async () => {
      const gone = createServer().listen(0, "127.0.0.1");
      await once(gone, "listening");
      const address = gone.address();
      assert.ok(typeof address === "object" && address !== null);
      gone.close();
      await once(gone, "close");
      const refused = await failure(exporterOf(factory, endpoint(address.port)).consume(batch));
      assert.match(refused.message, /ECONNREFUSED/);
      const config = endpoint(4318);
      const unknown = { ...config, endpoint: config.endpoint.replace("127.0.0.1", "otel.invalid") };
      const unfound = await failure(exporterOf(factory, unknown).consume(batch));
      assert.match(unfound.message, /ENOTFOUND|EAI_AGAIN/);
      for (const error of [refused, unfound]) {
        assert.equal(error.permanent, false);
        assert.equal(error.code, StatusCode.UNAVAILABLE);
      }
    });
  });
}
