// Memory is used again all along the way, and a payload's buffer is handed on rather than copied: nothing of one request may end up in another,
// whatever is slow, late, reset or cut off meanwhile.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";
import { test } from "node:test";
import type { Exporter, Receiver } from "../../component/component.ts";
import { SINGLE_ATTEMPT } from "../../exporterhelper/testing/single.ts";
import { frame } from "../../transport/grpc.ts";
import { GrpcTestClient } from "../../transport/testing/grpc.ts";
import { testSettings } from "../../transport/testing/support.ts";
import { otlpGrpcExporter } from "../otlpgrpc/factory.ts";
import { otlpHttpExporter } from "../otlphttp/factory.ts";
import { otlpReceiver } from "./factory.ts";

const REQUESTS = 1_200;
const AT_ONCE = 48;

/** Always the same, so that a failure can be had again. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function field(number: number, content: Uint8Array): Buffer {
  const length: number[] = [];
  let rest = content.length;
  for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length, rest]), content]);
}

/** One log record, whose text is its number again and again: mixed bytes are seen, and it is seen whose they are. */
function payload(id: number, size: number): Buffer {
  const text = Buffer.alloc(size, `${id},`);
  return field(1, field(2, field(2, field(5, field(1, text)))));
}

const digest = (bytes: Uint8Array): string => createHash("sha1").update(bytes).digest("hex");

interface Sink {
  readonly port: number;
  readonly delivered: string[];
  close(): void;
}

async function opened(server: Server, delivered: string[]): Promise<Sink> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port, delivered, close };
}

function grpcSink(random: (below: number) => number): Promise<Sink> {
  const delivered: string[] = [];
  const server = createServer({ settings: { initialWindowSize: 30_000, maxConcurrentStreams: 20 } });
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => stream.destroy());
    const chunks: Buffer[] = [];
    const fault = random(20);
    if (fault === 0) stream.close(random(2) === 0 ? 7 : 2);
    else if (fault === 1) stream.respond({ ":status": 200, "grpc-status": "14" }, { endStream: true });
    else if (fault === 2) stream.session?.goaway(0);
    else if (fault === 3 && random(4) === 0) stream.session?.destroy();
    // Until after the exporter's timeout nobody reads, and windows stay shut.
    if (fault === 4) setTimeout(() => stream.resume(), 150);
    if (stream.destroyed) return;
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    if (fault === 4) stream.pause();
    stream.on("end", () => {
      const whole = Buffer.concat(chunks);
      if (whole.length < 5 || stream.rstCode !== 0 || whole.readUInt32BE(1) !== whole.length - 5) return;
      delivered.push(digest(whole.subarray(5)));
      if (stream.destroyed || stream.headersSent) return;
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(frame(new Uint8Array(), false));
    });
  });
  return opened(server, delivered);
}

function httpSink(random: (below: number) => number): Promise<Sink> {
  const delivered: string[] = [];
  const server = createHttpServer((request, response) => {
    request.on("error", () => request.destroy());
    const chunks: Buffer[] = [];
    const fault = random(20);
    if (fault === 0) response.writeHead(413).end("too much");
    else if (fault === 1) request.socket.destroy();
    else if (fault === 2) response.setHeader("connection", "close");
    const read = (): void => {
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        delivered.push(digest(Buffer.concat(chunks)));
        if (response.headersSent) return;
        if (fault === 3) request.socket.destroy();
        else response.writeHead(fault === 4 ? 503 : 200).end();
      });
    };
    if (fault === 5) setTimeout(read, 150);
    else read();
  });
  return opened(server, delivered);
}

async function start(exporter: Exporter): Promise<{ receiver: Receiver; grpc: URL; http: URL }> {
  const config = otlpReceiver.schema.parse({
    protocols: { grpc: { endpoint: "127.0.0.1:0" }, http: { endpoint: "127.0.0.1:0" } },
  });
  const receiver = otlpReceiver.create(testSettings("otlp", "logs"), config, exporter);
  await receiver.start();
  const [grpc, http] = receiver.endpoints!.map((each) => new URL(each.url));
  return { receiver, grpc: grpc!, http: http! };
}

for (const [name, openSink, factory, endpoint] of [
  [
    "otlp_grpc",
    grpcSink,
    otlpGrpcExporter,
    (port: number) => ({ endpoint: `127.0.0.1:${port}`, tls: { insecure: true } }),
  ],
  ["otlp_http", httpSink, otlpHttpExporter, (port: number) => ({ endpoint: `http://127.0.0.1:${port}` })],
] as const) {
  test(`through ${name} to a faulty destination: whatever arrives is what somebody has sent`, async () => {
    const random = randomNumbers(7);
    const sink = await openSink(randomNumbers(8));
    const settings = testSettings(name, "logs");
    const options = { ...endpoint(sink.port), compression: "none", timeout: "120ms", ...SINGLE_ATTEMPT };
    const exporter =
      factory === otlpGrpcExporter
        ? otlpGrpcExporter.create(settings, otlpGrpcExporter.schema.parse(options))
        : otlpHttpExporter.create(settings, otlpHttpExporter.schema.parse(options));
    const { receiver, grpc, http } = await start(exporter);
    const clients = [new GrpcTestClient(grpc), new GrpcTestClient(grpc, { "grpc.use_local_subchannel_pool": 1 })];
    const sent = new Set<string>();
    const accepted = new Set<string>();
    let next = 0;
    const send = async (): Promise<void> => {
      while (next < REQUESTS) {
        const id = next++;
        const size = [10, 500, 9_000, 20_000, 70_000, 300_000][random(6)]! + random(1_000);
        const bytes = payload(id, size);
        const key = digest(bytes);
        sent.add(key);
        const taken = random(2) === 0 ? await viaGrpc(bytes, random(15)) : await viaHttp(bytes, random(15));
        if (taken) accepted.add(key);
      }
    };
    const viaGrpc = async (bytes: Buffer, fault: number): Promise<boolean> => {
      const more =
        fault === 0 ? { timeoutMs: 5 } : fault === 1 ? { started: (stop: () => void) => setImmediate(stop) } : {};
      return "answer" in (await clients[fault % 2]!.call("logs", bytes, more));
    };
    const viaHttp = async (bytes: Buffer, fault: number): Promise<boolean> => {
      const headers = { "content-type": "application/x-protobuf" };
      const signal = AbortSignal.timeout(fault === 0 ? 5 : 10_000);
      // Chunked for some: then the receiver does not know the length.
      const body = fault < 5 ? new Blob([new Uint8Array(bytes)]).stream() : new Uint8Array(bytes);
      const init = { method: "POST", headers, body, signal, duplex: "half" } as const;
      return fetch(new URL("/v1/logs", http), init).then(
        async (response) => {
          await response.arrayBuffer();
          return response.ok;
        },
        () => false,
      );
    };
    await Promise.all(Array.from({ length: AT_ONCE }, send));
    for (const client of clients) client.close();
    await receiver.shutdown();
    await exporter.shutdown();
    sink.close();
    const strangers = sink.delivered.filter((key) => !sent.has(key));
    assert.deepEqual(strangers, [], `${strangers.length} of ${sink.delivered.length} payloads were never sent`);
    const arrived = new Set(sink.delivered);
    assert.ok(
      [...accepted].every((key) => arrived.has(key)),
      "something was accepted and has not arrived",
    );
    // How many is a matter of the machine: most of the clients above give up after 5 ms on a slow one.
    assert.ok(accepted.size > 0, "nothing was accepted");
    assert.ok(accepted.size < REQUESTS, "nothing went wrong");
  });
}
