import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from "node:http2";
import { createServer } from "node:net";
import { afterEach, describe, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { compressionAlgorithms, type ServiceError, status } from "@grpc/grpc-js";
import type { Receiver } from "../../component/component.ts";
import { ConsumerError, StatusCode } from "../../component/errors.ts";
import type { Signal } from "../../telemetry/batch.ts";
import { decodeStatus } from "../../telemetry/response.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { frame } from "../../transport/grpc.ts";
import { OTLP } from "../../transport/otlp.ts";
import { GrpcTestClient, type Outcome } from "../../transport/testing/grpc.ts";
import { assertTransferable, Gate, type LogLine, TestConsumer, testSettings } from "../../transport/testing/support.ts";
import { otlpReceiver } from "./factory.ts";

const receivers: Receiver[] = [];
const clients: GrpcTestClient[] = [];
const sessions: ClientHttp2Session[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const session of sessions.splice(0)) session.destroy();
  await Promise.all(receivers.splice(0).map((receiver) => receiver.shutdown()));
});

interface Started {
  readonly receiver: Receiver;
  readonly url: URL;
  readonly next: TestConsumer;
  readonly lines: LogLine[];
}

async function start(
  next: TestConsumer = new TestConsumer(),
  config: object = {},
  signals: Signal[] = ["logs"],
): Promise<Started> {
  const lines: LogLine[] = [];
  const shared = new Map<string, unknown>();
  const parsed = otlpReceiver.schema.parse({ protocols: { grpc: { endpoint: "127.0.0.1:0", ...config } } });
  const created = signals.map((signal) =>
    otlpReceiver.create(testSettings("otlp", signal, lines, shared), parsed, next),
  );
  for (const receiver of created) await receiver.start();
  receivers.push(...created);
  const [receiver] = created;
  return { receiver: receiver!, url: new URL(receiver!.endpoints![0]!.url), next, lines };
}

function client(url: URL, options: object = {}): GrpcTestClient {
  const made = new GrpcTestClient(url, options);
  clients.push(made);
  return made;
}

function errorOf(outcome: Outcome): ServiceError {
  assert.ok("error" in outcome, "the call succeeded");
  return outcome.error;
}

function assertOk(outcome: Outcome): void {
  if ("error" in outcome) assert.fail(outcome.error);
  assert.equal(outcome.answer.length, 0);
}

interface RawAnswer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly code: number;
}

function session(url: URL): ClientHttp2Session {
  const made = connect(url.origin);
  sessions.push(made);
  return made;
}

/** A stream of a client that does as a test says. */
async function raw(url: URL, headers: Record<string, string>, body: Uint8Array | undefined): Promise<RawAnswer> {
  const stream = session(url).request({
    ":method": "POST",
    ":path": OTLP.logs.grpcPath,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  let received: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  stream.on("response", (each) => {
    received = each;
  });
  stream.on("trailers", (each) => {
    trailers = each;
  });
  stream.on("error", () => stream.destroy());
  stream.resume();
  if (body !== undefined) stream.end(body);
  await once(stream, "close");
  return { headers: received, trailers, code: stream.rstCode ?? 0 };
}

describe("what is taken", () => {
  test("each signal, small and large, byte for byte, in a buffer that can be given away", async () => {
    const { url, next } = await start(undefined, {}, ["traces", "metrics", "logs"]);
    const grpc = client(url);
    for (const signal of ["traces", "metrics", "logs"] as const) {
      for (const items of [1, 40, 5_000]) {
        const bytes = buildPayload(signal, items);
        assertOk(await grpc.call(signal, bytes));
        const batch = next.batches.pop();
        assert.equal(batch?.signal, signal);
        assert.deepEqual(Buffer.from(batch.bytes), Buffer.from(bytes));
        assertTransferable(batch.bytes);
      }
    }
  });

  test("gzip", async () => {
    const { url, next } = await start();
    const grpc = client(url, { "grpc.default_compression_algorithm": compressionAlgorithms.gzip });
    for (const items of [1, 5_000]) {
      const bytes = buildPayload("logs", items);
      assertOk(await grpc.call("logs", bytes));
      assert.deepEqual(Buffer.from(next.batches.pop()!.bytes), Buffer.from(bytes));
    }
  });

  test("many at once on one connection, each answered for itself", async () => {
    const next = new TestConsumer();
    next.answer = (batch) =>
      batch.bytes.length % 2 === 0
        ? Promise.resolve()
        : Promise.reject(ConsumerError.permanent(`odd ${batch.bytes.length}`));
    const { url } = await start(next);
    const grpc = client(url);
    const bodies = Array.from({ length: 200 }, (_, i) => buildPayload("logs", 1 + (i % 60)));
    const outcomes = await Promise.all(bodies.map((body) => grpc.call("logs", body)));
    for (const [i, outcome] of outcomes.entries()) {
      const { length } = bodies[i]!;
      if (length % 2 === 0) assertOk(outcome);
      else assert.equal(errorOf(outcome).details, `odd ${length}`);
    }
    assert.equal(next.batches.length, 200);
  });

  test("an empty message", async () => {
    const { url, next } = await start();
    assertOk(await client(url).call("logs", new Uint8Array()));
    assert.equal(next.batches.length, 0);
  });
});

describe("what is refused", () => {
  test("methods that are not there", async () => {
    const { url } = await start();
    for (const path of ["/opentelemetry.proto.collector.logs.v1.LogsService/Import", OTLP.traces.grpcPath, "/x"]) {
      const error = errorOf(await client(url).call("logs", new Uint8Array(), { path }));
      assert.equal(error.code, status.UNIMPLEMENTED);
      assert.equal(error.details, `unknown method ${path}`);
    }
  });

  test("what is not gRPC", async () => {
    const { url } = await start();
    assert.equal((await raw(url, { ":method": "GET" }, undefined)).headers[":status"], 405);
    assert.equal((await raw(url, { "content-type": "application/json" }, new Uint8Array())).headers[":status"], 415);
    assert.equal(
      (await raw(url, { "content-type": "application/grpc+json" }, new Uint8Array())).headers[":status"],
      415,
    );
    const proto = await raw(url, { "content-type": "application/grpc+proto" }, frame(buildPayload("logs", 1), false));
    assert.equal(proto.trailers["grpc-status"], "0");
  });

  test("zstd", async () => {
    const { url, next } = await start();
    for (const items of [1, 5_000]) {
      const bytes = buildPayload("logs", items);
      const { trailers } = await raw(url, { "grpc-encoding": "zstd" }, frame(zstdCompressSync(bytes), true));
      assert.equal(trailers["grpc-status"], "0");
      assert.deepEqual(Buffer.from(next.batches.pop()!.bytes), Buffer.from(bytes));
    }
    const bomb = frame(zstdCompressSync(Buffer.alloc(5 * 1024 * 1024)), true);
    const { headers } = await raw(url, { "grpc-encoding": "zstd" }, bomb);
    assert.equal(headers["grpc-status"], String(status.RESOURCE_EXHAUSTED));
  });

  test("encodings that are not known are named, with those that are", async () => {
    const { url } = await start();
    const { headers } = await raw(url, { "grpc-encoding": "snappy" }, frame(new Uint8Array(3), true));
    assert.equal(headers["grpc-status"], String(status.UNIMPLEMENTED));
    assert.equal(headers["grpc-accept-encoding"], "identity,gzip,zstd");
    assert.match(String(headers["grpc-message"]), /grpc-encoding snappy is not supported/);
  });

  test("messages that are not one whole message", async () => {
    const { url, next } = await start();
    const good = frame(buildPayload("logs", 1), false);
    const cases: [string, Uint8Array, RegExp][] = [
      ["none", new Uint8Array(), /no request message/],
      ["cut off", good.subarray(0, 20), /cut off/],
      ["two", Buffer.concat([good, good]), /more than one message/],
      ["a wrong flag", Uint8Array.of(3, 0, 0, 0, 0), /compression flag 3/],
      ["compressed, who knows how", frame(gzipSync(buildPayload("logs", 1)), true), /grpc-encoding does not say how/],
    ];
    for (const [name, body, message] of cases) {
      const { headers } = await raw(url, {}, body);
      assert.equal(headers["grpc-status"], String(status.INTERNAL), name);
      assert.match(decodeURIComponent(String(headers["grpc-message"])), message, name);
    }
    const { headers } = await raw(url, { "grpc-encoding": "gzip" }, frame(new Uint8Array(30), true));
    assert.equal(headers["grpc-status"], String(status.INTERNAL));
    assert.match(String(headers["grpc-message"]), /not valid gzip/);
    assert.equal(next.batches.length, 0);
  });

  test("payloads that are not OTLP", async () => {
    const { url, next } = await start();
    const error = errorOf(await client(url).call("logs", buildPayload("logs", 1).subarray(0, 50)));
    assert.equal(error.code, status.INVALID_ARGUMENT);
    assert.match(error.details, /resource_logs/);
    assert.equal(next.batches.length, 0);
  });

  test("messages that are too large, as they come and when decompressed", async () => {
    const { url, next } = await start(undefined, { max_recv_msg_size_mib: 1 });
    const grpc = client(url);
    const large = buildPayload("logs", 4_000);
    assert.ok(large.length > 1024 * 1024);
    const error = errorOf(await grpc.call("logs", large));
    assert.equal(error.code, status.RESOURCE_EXHAUSTED, error.message);
    assert.equal(error.details, `received message larger than max (${large.length} vs. 1048576)`);
    const packed = client(url, { "grpc.default_compression_algorithm": compressionAlgorithms.gzip });
    assert.equal(errorOf(await packed.call("logs", large)).code, status.RESOURCE_EXHAUSTED);
    assert.equal(next.batches.length, 0);
    assertOk(await grpc.call("logs", buildPayload("logs", 1)));
  });

  test("who goes on sending after the refusal is reset", async () => {
    const { url } = await start(undefined, { max_recv_msg_size_mib: 1 });
    const answer = await raw(url, {}, frame(new Uint8Array(3 * 1024 * 1024), false));
    assert.equal(answer.headers["grpc-status"], String(status.RESOURCE_EXHAUSTED));
    assert.equal(answer.code, constants.NGHTTP2_NO_ERROR);
  });

  test("a pipeline's errors: code, message, and the delay in the details", async () => {
    const next = new TestConsumer();
    const { url } = await start(next);
    const grpc = client(url);
    const bytes = buildPayload("logs", 1);
    next.answer = () => Promise.reject(ConsumerError.permanent("100 % falsch: ü\n"));
    const permanent = errorOf(await grpc.call("logs", bytes));
    assert.equal(permanent.code, status.INTERNAL);
    assert.equal(permanent.details, "100 % falsch: ü\n");
    assert.equal(permanent.metadata.get("grpc-status-details-bin").length, 0);
    next.answer = () => Promise.reject(ConsumerError.retryable("later", { retryAfterMs: 1_500 }));
    const retryable = errorOf(await grpc.call("logs", bytes));
    assert.equal(retryable.code, status.UNAVAILABLE);
    const [details] = retryable.metadata.get("grpc-status-details-bin");
    assert.ok(details instanceof Buffer);
    assert.deepEqual(decodeStatus(details), { code: StatusCode.UNAVAILABLE, message: "later", retryAfterMs: 1_500 });
    next.answer = () => {
      throw new Error("a bug");
    };
    assert.equal(errorOf(await grpc.call("logs", bytes)).code, status.UNAVAILABLE);
  });
});

describe("time", () => {
  test("grpc-timeout is kept to, and the pipeline's late answer does no harm", async () => {
    const gate = new Gate();
    const { url } = await start(gate);
    // A deadline of our own: grpc-js would not wait for the server's word.
    const { headers } = await raw(url, { "grpc-timeout": "50m" }, frame(buildPayload("logs", 1), false));
    assert.equal(headers["grpc-status"], String(status.DEADLINE_EXCEEDED));
    gate.open();
    assertOk(await client(url).call("logs", buildPayload("logs", 1), { timeoutMs: 10_000 }));
  });

  test("a client's deadline, and cancel", async () => {
    const gate = new Gate();
    const { url } = await start(gate);
    const grpc = client(url);
    const late = errorOf(await grpc.call("logs", buildPayload("logs", 1), { timeoutMs: 30 }));
    assert.equal(late.code, status.DEADLINE_EXCEEDED);
    // On a busy machine the first may not have come so far.
    const next = gate.until(gate.batches.length + 1);
    let cancel: () => void = () => assert.fail("not started");
    const cancelled = grpc.call("logs", buildPayload("logs", 1), {
      started: (stop) => {
        cancel = stop;
      },
    });
    await next;
    cancel();
    assert.equal(errorOf(await cancelled).code, status.CANCELLED);
    gate.open();
    assertOk(await grpc.call("logs", buildPayload("logs", 1)));
  });

  test("a malformed grpc-timeout", async () => {
    const { url } = await start();
    const { headers } = await raw(url, { "grpc-timeout": "soon" }, frame(new Uint8Array(), false));
    assert.equal(headers["grpc-status"], String(status.INTERNAL));
  });
});

describe("connections", () => {
  test("a reset within the message, and a connection that is cut", async () => {
    const { url, next } = await start();
    const one = session(url);
    const stream = one.request({ ":method": "POST", ":path": OTLP.logs.grpcPath, "content-type": "application/grpc" });
    stream.on("error", () => stream.destroy());
    stream.write(frame(buildPayload("logs", 1), false).subarray(0, 20));
    await new Promise((resolve) => one.ping(resolve));
    stream.close(constants.NGHTTP2_CANCEL);
    await once(stream, "close");
    await new Promise((resolve) => one.ping(resolve));
    one.destroy();
    assertOk(await client(url).call("logs", buildPayload("logs", 1)));
    assert.equal(next.batches.length, 1);
  });

  test("keep-alive pings are answered", async () => {
    const { url } = await start();
    const one = session(url);
    await once(one, "connect");
    const [duration, payload] = await new Promise<[number, Buffer]>((resolve, reject) => {
      one.ping(Buffer.from("01234567"), (error, duration, payload) => {
        if (error === null) resolve([duration, payload]);
        else reject(error);
      });
    });
    assert.ok(duration >= 0);
    assert.equal(payload.toString(), "01234567");
  });

  test("windows are wide, streams as many as configured", async () => {
    const { url } = await start(undefined, { max_concurrent_streams: 5 });
    const one = session(url);
    const [settings] = await once(one, "remoteSettings");
    assert.equal(settings.maxConcurrentStreams, 5);
    assert.equal(settings.initialWindowSize, 4 * 1024 * 1024 + 64 * 1024);
  });
});

describe("limits", () => {
  test("without a word in the configuration, streams are limited all the same", async () => {
    const { url } = await start();
    const [settings] = await once(session(url), "remoteSettings");
    assert.equal(settings.maxConcurrentStreams, 1_000);
  });

  test("calls whose clients have given up count while the pipeline works on them", async () => {
    const gate = new Gate();
    const { url } = await start(gate, { max_concurrent_streams: 3 });
    const body = frame(buildPayload("logs", 1), false);
    for (let i = 0; i < 3; i++) {
      const { headers } = await raw(url, { "grpc-timeout": "100m" }, body);
      assert.equal(headers["grpc-status"], String(status.DEADLINE_EXCEEDED));
    }
    // Another connection is another client.
    assert.equal(gate.batches.length, 3);
    const grpc = client(url);
    const cancels: (() => void)[] = [];
    const started = (cancel: () => void): void => void cancels.push(cancel);
    const calls = [1, 2, 3].map(() => grpc.call("logs", buildPayload("logs", 1), { started }));
    await gate.until(6);
    for (const cancel of cancels) cancel();
    for (const call of calls) assert.equal(errorOf(await call).code, status.CANCELLED);
    const refused = errorOf(await grpc.call("logs", buildPayload("logs", 1)));
    assert.equal(refused.code, status.UNAVAILABLE);
    assert.match(refused.details, /more than 3 calls of one connection are under way/);
    gate.open();
    await Promise.resolve();
    assertOk(await grpc.call("logs", buildPayload("logs", 1)));
  });

  test("an upload that does not end is given up", async (t) => {
    const { url } = await start();
    const one = session(url);
    await once(one, "connect");
    const stream = one.request({ ":method": "POST", ":path": OTLP.logs.grpcPath, "content-type": "application/grpc" });
    const answered = once(stream, "response");
    stream.write(frame(buildPayload("logs", 1), false).subarray(0, 20));
    await new Promise((resolve) => one.ping(resolve));
    const now = performance.now();
    t.mock.method(performance, "now", () => now + 301_000);
    const [headers] = await answered;
    assert.equal(headers["grpc-status"], String(status.DEADLINE_EXCEEDED));
  });

  test("what a client sends is not sent back at any length", async () => {
    const { url } = await start();
    const { headers } = await raw(url, { ":path": `/${"x".repeat(4_000)}` }, undefined);
    assert.ok(String(headers["grpc-message"]).length < 300);
  });
});

describe("life", () => {
  test("says where it listens", async () => {
    const { receiver, url, lines } = await start();
    assert.deepEqual(receiver.endpoints, [{ protocol: "grpc", url: url.origin }]);
    assert.deepEqual(lines, [{ level: "info", message: "Starting GRPC server", attributes: { endpoint: url.host } }]);
  });

  test("a port that is taken", async () => {
    const { url } = await start();
    await assert.rejects(start(undefined, { endpoint: url.host }), /the address is in use/);
  });

  test("drains: GOAWAY, calls that run are answered, the port is free", async () => {
    const gate = new Gate();
    const { url } = await start(gate);
    const running = client(url).call("logs", buildPayload("logs", 1));
    const other = session(url);
    const goaway = once(other, "goaway");
    await Promise.all([gate.until(1), once(other, "remoteSettings")]);
    const stopped = receivers.splice(0)[0]!.shutdown();
    await goaway;
    gate.open();
    assertOk(await running);
    await stopped;
    const again = createServer().listen(Number(url.port), "127.0.0.1");
    await once(again, "listening");
    again.close();
  });
});
