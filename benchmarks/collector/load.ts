// Load and sink, in a process of their own. The load keeps one request in flight on each of its connections; every request counts only
// when it was acknowledged. The sink reads and acknowledges, and decodes nothing. Talks by IPC; loopback only; ends with its parent.
import { createServer as createHttpServer } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { connect as connectTcp } from "node:net";
import { gzipSync } from "node:zlib";
import { buildPayload } from "../../packages/otelwasm/src/telemetry/testing/payload.ts";
import type { LoadRequest } from "./measure.ts";

const counts = { requests: 0, bytes: 0 };
const WINDOW = 64 * 1024 * 1024;

const httpSink = createHttpServer((request, response) => {
  request.on("data", (chunk: Buffer) => {
    counts.bytes += chunk.length;
  });
  request.on("end", () => {
    counts.requests++;
    response.writeHead(200, { "content-type": "application/x-protobuf", "content-length": 0 }).end();
  });
});
httpSink.keepAliveTimeout = 60_000;

const EMPTY_MESSAGE = Buffer.alloc(5);
const grpcSink = createHttp2Server({ settings: { initialWindowSize: WINDOW } });
grpcSink.on("session", (session) => session.setLocalWindowSize(WINDOW));
grpcSink.on("stream", (stream: ServerHttp2Stream) => {
  stream.on("data", (chunk: Buffer) => {
    counts.bytes += chunk.length;
  });
  stream.on("end", () => {
    counts.requests++;
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(EMPTY_MESSAGE);
  });
});

/** Sends the same request over and over on one connection; `done` is called for each answer and says whether to go on. */
function httpConnection(port: number, request: Buffer, done: (ok: boolean) => boolean): void {
  const socket = connectTcp(port, "127.0.0.1", () => socket.write(request));
  socket.setNoDelay(true);
  let pending = "";
  socket.on("data", (chunk) => {
    pending += chunk.toString("latin1");
    const head = pending.indexOf("\r\n\r\n");
    if (head < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(pending)?.[1] ?? 0);
    if (pending.length < head + 4 + length) return;
    const ok = pending.startsWith("HTTP/1.1 200");
    pending = "";
    if (done(ok)) socket.write(request);
    else socket.destroy();
  });
  socket.on("error", () => done(false));
}

function grpcConnection(
  port: number,
  signal: string,
  message: Buffer,
  gzip: boolean,
  done: (ok: boolean) => boolean,
): void {
  const service = { traces: "trace.v1.Trace", metrics: "metrics.v1.Metrics", logs: "logs.v1.Logs" }[signal];
  const session = connectHttp2(`http://127.0.0.1:${port}`, {
    settings: { initialWindowSize: WINDOW, enablePush: false },
  });
  session.on("error", () => done(false));
  const headers = {
    ":method": "POST",
    ":path": `/opentelemetry.proto.collector.${service}Service/Export`,
    "content-type": "application/grpc",
    te: "trailers",
    ...(gzip ? { "grpc-encoding": "gzip" } : {}),
  };
  const next = (): void => {
    const stream = session.request(headers);
    let ok = false;
    stream.on("response", (answer) => {
      if (answer["grpc-status"] !== undefined) ok = answer["grpc-status"] === "0";
    });
    stream.on("trailers", (trailers) => {
      ok = trailers["grpc-status"] === "0";
    });
    stream.resume();
    stream.on("close", () => {
      if (done(ok)) next();
      else session.close();
    });
    stream.on("error", () => {
      ok = false;
    });
    stream.end(message);
  };
  next();
}

async function run(request: LoadRequest): Promise<{ acknowledged: number; failed: number; bodyBytes: number }> {
  const raw = Buffer.from(buildPayload(request.signal, request.items));
  const body = request.gzip ? gzipSync(raw) : raw;
  const result = { acknowledged: 0, failed: 0, bodyBytes: raw.length };
  let measuring = false;
  let running = request.connections;
  const end = Promise.withResolvers<void>();
  let stopping = false;
  const done = (ok: boolean): boolean => {
    if (measuring) ok ? result.acknowledged++ : result.failed++;
    if (!stopping && ok) return true;
    if (--running === 0) end.resolve();
    return false;
  };
  const frame = Buffer.concat([Buffer.from([request.gzip ? 1 : 0, 0, 0, 0, 0]), body]);
  frame.writeUInt32BE(body.length, 1);
  const head = `POST /v1/${request.signal} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-protobuf\r\n${request.gzip ? "content-encoding: gzip\r\n" : ""}content-length: ${body.length}\r\n\r\n`;
  const http = Buffer.concat([Buffer.from(head), body]);
  for (let i = 0; i < request.connections; i++) {
    if (request.protocol === "http") httpConnection(request.port, http, done);
    else grpcConnection(request.port, request.signal, frame, request.gzip, done);
  }
  setTimeout(() => {
    measuring = true;
    process.send?.({ event: "measuring" });
  }, request.warmupMs);
  setTimeout(() => {
    measuring = false;
    process.send?.({ event: "measured" });
    stopping = true;
  }, request.warmupMs + request.measureMs);
  await end.promise;
  return result;
}

httpSink.listen(0, "127.0.0.1", () => {
  grpcSink.listen(0, "127.0.0.1", () => {
    process.on("message", (message) => {
      if (message === "counts") process.send?.({ event: "counts", ...counts });
      else void run(message as LoadRequest).then((result) => process.send?.({ event: "result", ...result }));
    });
    const port = (server: { address(): unknown }): number => (server.address() as { port: number }).port;
    process.send?.({ event: "sink", http: port(httpSink), grpc: port(grpcSink) });
  });
});
process.on("disconnect", () => process.exit(0));
