import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { createServer as createTcpServer } from "node:net";
import { afterEach, describe, test } from "node:test";
import { Metadata, status } from "@grpc/grpc-js";
import protobuf from "protobufjs";
import type { Exporter } from "../../component/component.ts";
import { StatusCode } from "../../component/errors.ts";
import { applySchema } from "../../config/schema.ts";
import { deliveryKeys } from "../../exporterhelper/config.ts";
import { SINGLE_ATTEMPT } from "../../exporterhelper/testing/single.ts";
import type { Signal } from "../../telemetry/batch.ts";
import { encodeStatus } from "../../telemetry/response.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { frame } from "../../transport/grpc.ts";
import { GrpcTestServer, type Handler } from "../../transport/testing/grpc.ts";
import { failure, type LogLine, testSettings } from "../../transport/testing/support.ts";
import { otlpGrpcExporter } from "./factory.ts";

const bytes = buildPayload("logs", 5);
const batch = { signal: "logs", bytes } as const;
const EMPTY = Buffer.alloc(0);
const cleanup: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each();
});

function exporter(port: number, config: object = {}, signal: Signal = "logs", lines: LogLine[] = []): Exporter {
  const parsed = otlpGrpcExporter.schema.parse({
    endpoint: `127.0.0.1:${port}`,
    tls: { insecure: true },
    compression: "none",
    ...SINGLE_ATTEMPT,
    ...config,
  });
  const made = otlpGrpcExporter.create(testSettings("otlp_grpc", signal, lines), parsed);
  cleanup.push(() => made.shutdown());
  return made;
}

async function grpcServer(
  handler: Handler,
  signal: Signal = "logs",
  port = 0,
): Promise<{ server: GrpcTestServer; port: number }> {
  const server = new GrpcTestServer(signal, handler, { "grpc.max_receive_message_length": 64 * 1024 * 1024 });
  cleanup.push(() => server.kill());
  return { server, port: await server.listen(port) };
}

/** A server that speaks HTTP/2, and what it says is up to a test. */
async function rawServer(
  onStream: (stream: ServerHttp2Stream, count: number) => void,
): Promise<{ server: Http2Server; port: number; sessions: ServerHttp2Session[] }> {
  const sessions: ServerHttp2Session[] = [];
  const server = createServer();
  let count = 0;
  server.on("session", (session) => sessions.push(session));
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => stream.destroy());
    stream.resume();
    onStream(stream, ++count);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanup.push(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return { server, port: address.port, sessions };
}

function answerOk(stream: ServerHttp2Stream): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(frame(EMPTY, false));
}

describe("configuration", () => {
  const issues = (tree: unknown) => {
    const checked = applySchema(otlpGrpcExporter.schema, tree, ["exporters", "otlp_grpc"]);
    return checked.ok ? [] : checked.issues;
  };
  const read = (tree: unknown) => {
    const checked = applySchema(otlpGrpcExporter.schema, tree, []);
    assert.ok(checked.ok, String(checked));
    return checked.value;
  };

  test("defaults, and how TLS is chosen", () => {
    const { tls: _, ...defaults } = Object(read({ endpoint: "otel:4317" }));
    assert.deepEqual(defaults, {
      address: { host: "otel", port: 4317 },
      name: "otel:4317",
      authority: "otel:4317",
      serverName: "otel",
      secure: true,
      balance: true,
      timeout: 5_000,
      encoding: "gzip",
      headers: {},
      userAgent: "otelwasm",
      auth: undefined,
      keepalive: undefined,
      waitForReady: false,
      readBuffer: undefined,
      retry_on_failure: deliveryKeys.retry_on_failure.parse(undefined),
      sending_queue: deliveryKeys.sending_queue.parse(undefined),
    });
    assert.deepEqual(
      [
        { endpoint: "http://otel:4317" },
        { endpoint: "http://otel:4317", tls: { insecure: true } },
        { endpoint: "https://otel:4317/", tls: { insecure: true } },
        { endpoint: "dns:///otel:4317", tls: { insecure: true } },
      ].map((tree) => Reflect.get(Object(read(tree)), "secure")),
      [true, false, true, false],
    );
  });

  test("what is not supported is refused", () => {
    assert.deepEqual(issues({}), ["exporters::otlp_grpc::endpoint: is required"]);
    assert.match(issues({ endpoint: "otel" })[0]!, /endpoint: "otel" is not host:port/);
    const endpoint = "otel:4317";
    assert.deepEqual(issues({ endpoint, ...SINGLE_ATTEMPT }), []);
    assert.match(
      issues({ endpoint, sending_queue: { queue_size: 0 } })[0]!,
      /sending_queue::queue_size: must be positive/,
    );
    assert.match(
      issues({ endpoint, keepalive: { tme: "1s" } })[0]!,
      /keepalive::tme: unknown key; did you mean "time"/,
    );
    assert.match(issues({ endpoint, balancer_name: "grpclb" })[0]!, /must be one of "round_robin", "pick_first", ""/);
    assert.match(issues({ endpoint, middlewares: [{ id: "x" }] })[0]!, /there are no middleware extensions/);
    assert.match(
      issues({ endpoint, authority: "a", tls: { server_name_override: "b" } })[0]!,
      /authority: is not what tls::server_name_override says: "b"/,
    );
    for (const wrong of ["unix:", "unix://relative", "unix-abstract:", "dns://8.8.8.8/otel:4317", "otel:0"]) {
      assert.match(issues({ endpoint: wrong })[0]!, /is not host:port/, wrong);
    }
    assert.match(issues({ endpoint: "otel\r\nx: y:4317" })[0]!, /is not host:port/);
    assert.match(issues({ endpoint, headers: { te: "gzip" } })[0]!, /only the exporter itself can set/);
    assert.match(issues({ endpoint, headers: { "Grpc-Timeout": "1H" } })[0]!, /headers: grpc-timeout is set by gRPC/);
    assert.match(issues({ endpoint, compression: "snappy" })[0]!, /"snappy" is not supported in this version: choose/);
  });
});

describe("what arrives", () => {
  test("the bytes of each signal, small and large, with metadata and a deadline", async () => {
    for (const signal of ["traces", "metrics", "logs"] as const) {
      const received: { body: Buffer; metadata: Metadata; deadline: number }[] = [];
      const { port } = await grpcServer((call, done) => {
        received.push({ body: call.request, metadata: call.metadata, deadline: Number(call.getDeadline()) });
        done(null, EMPTY);
      }, signal);
      for (const compression of ["none", "gzip"]) {
        const target = exporter(port, { compression, headers: { "X-Tenant": "a" } }, signal);
        for (const items of [1, 3_000]) {
          const payload = buildPayload(signal, items);
          await target.consume({ signal, bytes: payload });
          const { body, metadata, deadline } = received.pop()!;
          assert.deepEqual(body, Buffer.from(payload));
          assert.deepEqual(metadata.get("x-tenant"), ["a"]);
          assert.match(String(metadata.get("user-agent")), /^otelwasm/);
          assert.ok(deadline > Date.now() && deadline < Date.now() + 6_000);
        }
      }
    }
  });

  test("many at once, on one connection", async () => {
    const { port, sessions } = await rawServer(answerOk);
    const target = exporter(port);
    await Promise.all(Array.from({ length: 300 }, () => target.consume(batch)));
    assert.equal(sessions.length, 1);
  });

  test("a server with few streams, and small windows", async () => {
    const { server, port } = await rawServer((stream) => stream.on("end", () => answerOk(stream)));
    server.updateSettings({ maxConcurrentStreams: 2, initialWindowSize: 1_000 });
    const target = exporter(port);
    await Promise.all(
      Array.from({ length: 10 }, () => target.consume({ signal: "logs", bytes: buildPayload("logs", 500) })),
    );
  });
});

describe("answers", () => {
  const cases: [status, boolean][] = [
    [status.CANCELLED, false],
    [status.UNKNOWN, true],
    [status.INVALID_ARGUMENT, true],
    [status.DEADLINE_EXCEEDED, false],
    [status.PERMISSION_DENIED, true],
    [status.RESOURCE_EXHAUSTED, true],
    [status.ABORTED, false],
    [status.OUT_OF_RANGE, false],
    [status.UNIMPLEMENTED, true],
    [status.INTERNAL, true],
    [status.UNAVAILABLE, false],
    [status.DATA_LOSS, false],
    [status.UNAUTHENTICATED, true],
  ];
  test("codes: which are retryable", async () => {
    const { port } = await grpcServer((call, done) =>
      done({ code: cases[call.request.length]![0], details: "100 % ü" }),
    );
    const target = exporter(port);
    for (const [i, [code, permanent]] of cases.entries()) {
      const error = await failure(target.consume({ signal: "logs", bytes: new Uint8Array(i) }));
      assert.equal(error.code, code);
      assert.equal(error.permanent, permanent, status[code]);
      assert.equal(error.message, `127.0.0.1:${port}: 100 % ü`);
    }
  });

  test("RetryInfo makes RESOURCE_EXHAUSTED retryable, and says when", async () => {
    const { port } = await grpcServer((_, done) => {
      const metadata = new Metadata();
      const details = encodeStatus({ code: StatusCode.RESOURCE_EXHAUSTED, message: "slow", retryAfterMs: 2_500 });
      metadata.set("grpc-status-details-bin", Buffer.from(details));
      done({ code: status.RESOURCE_EXHAUSTED, details: "slow", metadata });
    });
    const error = await failure(exporter(port).consume(batch));
    assert.equal(error.permanent, false);
    assert.equal(error.retryAfterMs, 2_500);
  });

  test("a partial success is a warning, not an error", async () => {
    const type = protobuf
      .parse(
        `syntax = "proto3"; message P { int64 rejected = 1; string message = 2; } message R { P partial_success = 1; }`,
        { keepCase: true },
      )
      .root.lookupType("R");
    const answer = Buffer.from(type.encode({ partial_success: { rejected: 2, message: "too old" } }).finish());
    const { port } = await grpcServer((_, done) => done(null, answer));
    const lines: LogLine[] = [];
    await exporter(port, {}, "logs", lines).consume(batch);
    await exporter(port, { compression: "gzip" }, "logs", lines).consume(batch);
    const attributes = { endpoint: `127.0.0.1:${port}`, message: "too old", rejected: "2" };
    const line = { level: "warn", message: "Partial success response", attributes };
    assert.deepEqual(lines, [line, line]);
  });

  test("what is HTTP but not gRPC", async () => {
    const { port } = await rawServer((stream, count) =>
      stream.respond({ ":status": count === 1 ? 503 : 404, "content-type": "text/html" }, { endStream: true }),
    );
    const target = exporter(port);
    const busy = await failure(target.consume(batch));
    assert.equal(busy.code, StatusCode.UNAVAILABLE);
    assert.match(busy.message, /HTTP status 503, not with gRPC/);
    assert.equal((await failure(target.consume(batch))).permanent, true);
  });
});

describe("trouble", () => {
  test("a refused connection is retryable and names the endpoint; then calls fail at once until the back-off is over", async (t) => {
    const closed = createTcpServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const address = closed.address();
    assert.ok(typeof address === "object" && address !== null);
    closed.close();
    await once(closed, "close");
    const { port } = address;
    const target = exporter(port);
    const [one, two] = await Promise.all([failure(target.consume(batch)), failure(target.consume(batch))]);
    assert.equal(one.permanent, false);
    assert.equal(one.code, StatusCode.UNAVAILABLE);
    assert.match(one.message, new RegExp(`^127.0.0.1:${port}: cannot connect: connect ECONNREFUSED`));
    assert.equal(two.message, one.message);
    await grpcServer((_, done) => done(null, EMPTY), "logs", port);
    assert.equal((await failure(target.consume(batch))).message, one.message);
    const now = performance.now();
    t.mock.method(performance, "now", () => now + 1_500);
    await target.consume(batch);
  });

  test("a server that does not answer in time", async () => {
    const { port } = await grpcServer(() => undefined);
    const error = await failure(exporter(port, { timeout: "60ms" }).consume(batch));
    assert.equal(error.permanent, false);
    assert.equal(error.code, StatusCode.DEADLINE_EXCEEDED);
  });

  test("a server that accepts and says nothing", async () => {
    const silent = createTcpServer((socket) => socket.resume()).listen(0, "127.0.0.1");
    await once(silent, "listening");
    cleanup.push(() => void silent.close());
    const address = silent.address();
    assert.ok(typeof address === "object" && address !== null);
    const error = await failure(exporter(address.port, { timeout: "60ms" }).consume(batch));
    assert.equal(error.code, StatusCode.DEADLINE_EXCEEDED);
  });

  test("a server that accepts and says nothing is given up, and calls that have waited for it are forgotten", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const silent = createTcpServer((socket) => socket.resume()).listen(0, "127.0.0.1");
    await once(silent, "listening");
    cleanup.push(() => void silent.close());
    const address = silent.address();
    assert.ok(typeof address === "object" && address !== null);
    const target = exporter(address.port, { timeout: "10s" });
    const accepted = once(silent, "connection");
    const waiting = failure(target.consume(batch));
    await accepted;
    t.mock.timers.tick(20_000);
    assert.match((await waiting).message, /has not introduced itself within 20000 ms/);
  });

  test("a compressed answer that is not what it says is an error of its call", async () => {
    const { port } = await rawServer((stream) => {
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", "grpc-encoding": "gzip" },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(frame(Buffer.alloc(100_000, 1), true));
    });
    const error = await failure(exporter(port).consume(batch));
    assert.equal(error.code, StatusCode.INTERNAL);
    assert.match(error.message, /not valid gzip/);
  });

  test("a status that is not a number is not OK", async () => {
    const { port } = await rawServer((stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "" }));
      stream.end(frame(EMPTY, false));
    });
    assert.equal((await failure(exporter(port).consume(batch))).code, StatusCode.UNKNOWN);
  });

  test("a server with a small table for headers", async () => {
    const server = createServer({ settings: { headerTableSize: 0 } });
    server.on("stream", (stream: ServerHttp2Stream) => {
      stream.resume();
      answerOk(stream);
    });
    const sessions: ServerHttp2Session[] = [];
    server.on("session", (each) => sessions.push(each));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanup.push(() => {
      for (const each of sessions) each.destroy();
      server.close();
    });
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    const target = exporter(address.port);
    for (let i = 0; i < 4; i++) await target.consume(batch);
  });

  test("GOAWAY: what runs is finished, what comes next gets a new connection", async () => {
    const arrived = Promise.withResolvers<void>();
    let finish: () => void = () => assert.fail("no call yet");
    const { server, port } = await grpcServer((_, done) => {
      finish = () => done(null, EMPTY);
      arrived.resolve();
    });
    const target = exporter(port);
    const running = target.consume(batch);
    await arrived.promise;
    const drained = server.drain();
    finish();
    await running;
    await drained;
    await grpcServer((_, done) => done(null, EMPTY), "logs", port);
    await target.consume(batch);
  });

  test("a stream that the server has not looked at goes out again by itself", async () => {
    const { port } = await rawServer((stream, count) => {
      if (count === 1) stream.close(0x7);
      else answerOk(stream);
    });
    await exporter(port).consume(batch);
  });

  test("resets, and connections that are cut within a call", async () => {
    const { port, sessions } = await rawServer((stream, count) => {
      if (count === 1) {
        stream.respond({ ":status": 200, "content-type": "application/grpc" });
        stream.once("end", () => stream.close(0x8));
      } else if (count === 2) stream.session?.destroy();
      else answerOk(stream);
    });
    const target = exporter(port);
    const unfinished = await failure(target.consume(batch));
    assert.equal(unfinished.code, StatusCode.INTERNAL, unfinished.message);
    const lost = await failure(target.consume(batch));
    assert.equal(lost.code, StatusCode.UNAVAILABLE, lost.message);
    assert.equal(lost.permanent, false);
    await target.consume(batch);
    assert.equal(sessions.length, 2);
  });

  test("shutdown waits for what is under way, and refuses what comes after", async () => {
    let finish: () => void = () => assert.fail("no call yet");
    const arrived = Promise.withResolvers<void>();
    const { port } = await grpcServer((_, done) => {
      finish = () => done(null, EMPTY);
      arrived.resolve();
    });
    const target = exporter(port);
    const running = target.consume(batch);
    await arrived.promise;
    let stopped = false;
    const stopping = target.shutdown().then(() => {
      stopped = true;
    });
    assert.match((await failure(target.consume(batch))).message, /shut down/);
    assert.equal(stopped, false);
    finish();
    await running;
    await stopping;
  });

  test("TLS against a server without it", async () => {
    const { port } = await grpcServer((_, done) => done(null, EMPTY));
    const target = exporter(port, { tls: {} });
    await target.start();
    const error = await failure(target.consume(batch));
    assert.equal(error.permanent, false);
    assert.match(error.message, /cannot connect/);
  });
});
