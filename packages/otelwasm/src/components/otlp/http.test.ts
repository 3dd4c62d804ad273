import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, describe, test } from "node:test";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import type { Receiver } from "../../component/component.ts";
import { ConsumerError, StatusCode } from "../../component/errors.ts";
import type { Signal } from "../../telemetry/batch.ts";
import { encodeJson } from "../../telemetry/json.ts";
import { decodeStatus, decodeStatusJson } from "../../telemetry/response.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { assertTransferable, Gate, type LogLine, TestConsumer, testSettings } from "../../transport/testing/support.ts";
import { otlpReceiver } from "./factory.ts";

const PROTOBUF = { "content-type": "application/x-protobuf" };
const JSON_TYPE = { "content-type": "application/json" };
const running: Receiver[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((receiver) => receiver.shutdown()));
});

interface Started {
  readonly receiver: Receiver;
  readonly url: URL;
  readonly next: TestConsumer;
  readonly lines: LogLine[];
}

async function start(
  config: object = {},
  next: TestConsumer = new TestConsumer(),
  signals: Signal[] = ["logs"],
): Promise<Started> {
  const lines: LogLine[] = [];
  const shared = new Map<string, unknown>();
  const parsed = otlpReceiver.schema.parse({ protocols: { http: { endpoint: "127.0.0.1:0", ...config } } });
  const receivers = signals.map((signal) =>
    otlpReceiver.create(testSettings("otlp", signal, lines, shared), parsed, next),
  );
  for (const receiver of receivers) await receiver.start();
  running.push(...receivers);
  const [receiver] = receivers;
  return { receiver: receiver!, url: new URL(receiver!.endpoints![0]!.url), next, lines };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function send(
  url: URL,
  path: string,
  headers: Record<string, string>,
  body: Uint8Array,
  method = "POST",
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(new URL(path, url), { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** A connection on which a test writes what it likes. */
class RawClient {
  readonly socket: Socket;
  #text = "";
  #ended = false;
  #change: (() => void) | undefined;

  constructor(url: URL) {
    this.socket = connect({ port: Number(url.port), host: url.hostname, allowHalfOpen: true });
    this.socket.on("data", (chunk) => {
      this.#text += chunk.toString("latin1");
      this.#change?.();
    });
    const end = (): void => {
      this.#ended = true;
      this.#change?.();
    };
    this.socket.on("end", end);
    this.socket.on("close", end);
    this.socket.on("error", end);
  }

  /** Everything that has come, once it matches. */
  async receive(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#text)) {
      assert.ok(!this.#ended, `the connection ended after ${JSON.stringify(this.#text)}`);
      await new Promise<void>((resolve) => {
        this.#change = resolve;
      });
    }
    return this.#text;
  }

  async ended(): Promise<string> {
    while (!this.#ended) {
      await new Promise<void>((resolve) => {
        this.#change = resolve;
      });
    }
    return this.#text;
  }
}

const head = (length: number | "chunked", more = ""): string =>
  `POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n${more}${
    length === "chunked" ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`
  }\r\n\r\n`;

describe("what is taken", () => {
  test("protobuf of each signal, byte for byte, in a buffer that can be given away", async () => {
    const { url, next } = await start({}, undefined, ["traces", "metrics", "logs"]);
    for (const signal of ["traces", "metrics", "logs"] as const) {
      for (const items of [1, 5_000]) {
        const bytes = buildPayload(signal, items);
        const answer = await send(url, `/v1/${signal}`, PROTOBUF, bytes);
        assert.equal(answer.status, 200);
        assert.equal(answer.headers["content-type"], "application/x-protobuf");
        assert.equal(answer.body.length, 0);
        const batch = next.batches.pop();
        assert.equal(batch?.signal, signal);
        assert.deepEqual(Buffer.from(batch.bytes), Buffer.from(bytes));
        assertTransferable(batch.bytes);
      }
    }
  });

  test("each content coding", async () => {
    const { url, next } = await start();
    for (const items of [10, 3_000]) {
      const bytes = buildPayload("logs", items);
      const packed = {
        gzip: gzipSync(bytes),
        deflate: deflateSync(bytes),
        zstd: zstdCompressSync(bytes),
        identity: bytes,
      };
      for (const [coding, body] of Object.entries(packed)) {
        const answer = await send(url, "/v1/logs", { ...PROTOBUF, "content-encoding": coding }, body);
        assert.equal(answer.status, 200, coding);
        assert.deepEqual(Buffer.from(next.batches.pop()!.bytes), Buffer.from(bytes), coding);
      }
    }
  });

  test("JSON, with a charset and compressed too", async () => {
    const { url, next } = await start();
    const bytes = buildPayload("logs", 3);
    const json = Buffer.from(encodeJson("logs", bytes));
    const type = { "content-type": "Application/JSON; charset=utf-8" };
    for (const [headers, body] of [
      [type, json],
      [{ ...type, "content-encoding": "gzip" }, gzipSync(json)],
    ] as const) {
      const answer = await send(url, "/v1/logs", headers, body);
      assert.equal(answer.status, 200, answer.body.toString());
      assert.equal(answer.headers["content-type"], "application/json");
      assert.equal(answer.body.toString(), "{}");
      assert.equal(encodeJson("logs", next.batches.pop()!.bytes), json.toString());
    }
  });

  test("an empty body is a valid request that nobody needs to see", async () => {
    const { url, next } = await start();
    assert.equal((await send(url, "/v1/logs", PROTOBUF, new Uint8Array())).status, 200);
    assert.equal((await send(url, "/v1/logs", JSON_TYPE, Buffer.from("{}"))).status, 200);
    assert.equal(next.batches.length, 0);
  });

  test("other paths, a query, the absolute form", async () => {
    const { url, next } = await start({ logs_url_path: "/in/logs" });
    const bytes = buildPayload("logs", 1);
    assert.equal((await send(url, "/in/logs?tenant=1", PROTOBUF, bytes)).status, 200);
    assert.equal((await send(url, "/v1/logs", PROTOBUF, bytes)).status, 404);
    const client = new RawClient(url);
    client.socket.write(
      `POST http://x/in/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${bytes.length}\r\n\r\n`,
    );
    client.socket.write(bytes);
    assert.match(await client.receive(/\r\n\r\n/), /^HTTP\/1.1 200/);
    client.socket.destroy();
    assert.equal(next.batches.length, 2);
  });
});

describe("what is refused", () => {
  test("path, method and type, in HTTP's own terms", async () => {
    const { url, next } = await start();
    const bytes = buildPayload("logs", 1);
    assert.equal((await send(url, "/v1/traces", PROTOBUF, bytes)).status, 404, "no pipeline takes traces");
    const get = await send(url, "/v1/logs", PROTOBUF, new Uint8Array(), "GET");
    assert.equal(get.status, 405);
    assert.equal(get.headers.allow, "POST");
    assert.equal((await send(url, "/v1/logs", { "content-type": "text/plain" }, bytes)).status, 415);
    assert.equal((await send(url, "/v1/logs", {}, bytes)).status, 415);
    const coding = await send(url, "/v1/logs", { ...PROTOBUF, "content-encoding": "br" }, bytes);
    assert.equal(coding.status, 400);
    assert.match(decodeStatus(coding.body).message, /unsupported Content-Encoding: br; supported: gzip, deflate, zstd/);
    assert.equal(next.batches.length, 0);
  });

  test("bodies that are not OTLP", async () => {
    const { url, next } = await start();
    const bytes = buildPayload("logs", 2);
    const broken = await send(url, "/v1/logs", PROTOBUF, bytes.subarray(0, bytes.length - 3));
    assert.equal(broken.status, 400);
    assert.equal(broken.headers["content-type"], "application/x-protobuf");
    const status = decodeStatus(broken.body);
    assert.equal(status.code, StatusCode.INVALID_ARGUMENT);
    assert.match(status.message, /resource_logs/);
    for (const text of ["{", "[1]", '{"resourceLogs":3}']) {
      const answer = await send(url, "/v1/logs", JSON_TYPE, Buffer.from(text));
      assert.equal(answer.status, 400, text);
      assert.equal(answer.headers["content-type"], "application/json");
      assert.equal(decodeStatusJson(answer.body.toString()).code, StatusCode.INVALID_ARGUMENT);
    }
    const latin1 = await send(url, "/v1/logs", JSON_TYPE, Buffer.from('{"x":"\xff"}', "latin1"));
    assert.equal(latin1.status, 400);
    const gzip = await send(url, "/v1/logs", { ...PROTOBUF, "content-encoding": "gzip" }, bytes);
    assert.equal(gzip.status, 400);
    assert.match(decodeStatus(gzip.body).message, /not valid gzip/);
    assert.equal(next.batches.length, 0);
  });

  test("bodies that are too large: announced, in chunks, and when decompressed", async () => {
    const { url, next } = await start({ max_request_body_size: 10_000 });
    const large = new Uint8Array(10_001);
    assert.equal((await send(url, "/v1/logs", PROTOBUF, large)).status, 413);
    const chunked = await send(url, "/v1/logs", { ...PROTOBUF, "transfer-encoding": "chunked" }, large);
    assert.equal(chunked.status, 413);
    assert.match(decodeStatus(chunked.body).message, /larger than 10000 bytes/);
    for (const [coding, body] of [
      ["gzip", gzipSync(large)],
      ["zstd", zstdCompressSync(large)],
    ] as const) {
      assert.equal(
        (await send(url, "/v1/logs", { ...PROTOBUF, "content-encoding": coding }, body)).status,
        413,
        coding,
      );
    }
    assert.equal(next.batches.length, 0);
  });

  test("who goes on sending after 413 is cut off", async () => {
    const { url } = await start({ max_request_body_size: 1_000 });
    const client = new RawClient(url);
    client.socket.write(head("chunked"));
    const piece = `400\r\n${"x".repeat(0x400)}\r\n`;
    client.socket.write(piece);
    await client.receive(/^HTTP\/1.1 413/);
    const closed = client.ended();
    let done = false;
    void closed.then(() => {
      done = true;
    });
    while (!done) {
      if (client.socket.writable) client.socket.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.socket.destroy();
  });

  test("a refused request leaves the connection in step", async () => {
    const { url } = await start({ max_request_body_size: 10_000 });
    const bytes = buildPayload("logs", 1);
    const client = new RawClient(url);
    client.socket.write(head(10_001));
    client.socket.write(Buffer.alloc(10_001, 1));
    await client.receive(/413 /);
    client.socket.write(head(bytes.length));
    client.socket.write(bytes);
    await client.receive(/200 OK/);
    client.socket.destroy();
  });

  const errors: [string, ConsumerError, number, number, string | undefined][] = [
    ["retryable", ConsumerError.retryable("busy"), 503, StatusCode.UNAVAILABLE, undefined],
    [
      "retryable with a delay",
      ConsumerError.retryable("busy", { retryAfterMs: 1500 }),
      503,
      StatusCode.UNAVAILABLE,
      "2",
    ],
    ["permanent", ConsumerError.permanent("no"), 500, StatusCode.INTERNAL, undefined],
    [
      "permanent with a code",
      ConsumerError.permanent("no", { code: StatusCode.PERMISSION_DENIED }),
      403,
      StatusCode.PERMISSION_DENIED,
      undefined,
    ],
    [
      "exhausted",
      ConsumerError.retryable("slow", { code: StatusCode.RESOURCE_EXHAUSTED, retryAfterMs: 0 }),
      429,
      StatusCode.RESOURCE_EXHAUSTED,
      "0",
    ],
  ];
  for (const [name, error, http, code, retryAfter] of errors) {
    test(`a pipeline's error: ${name}`, async () => {
      const next = new TestConsumer();
      next.answer = () => Promise.reject(error);
      const { url } = await start({}, next);
      const bytes = buildPayload("logs", 1);
      const answer = await send(url, "/v1/logs", PROTOBUF, bytes);
      assert.equal(answer.status, http);
      assert.equal(answer.headers["retry-after"], retryAfter);
      const told = { code, message: error.message };
      const { retryAfterMs } = error;
      const expected = retryAfterMs === undefined ? told : { ...told, retryAfterMs };
      assert.deepEqual(decodeStatus(answer.body), expected);
      const json = await send(url, "/v1/logs", JSON_TYPE, Buffer.from(encodeJson("logs", bytes)));
      assert.equal(json.status, http);
      assert.deepEqual(decodeStatusJson(json.body.toString()), expected);
    });
  }

  test("an exception of a consumer is an answer too", async () => {
    const next = new TestConsumer();
    next.answer = () => {
      throw new Error("a bug");
    };
    const { url } = await start({}, next);
    const answer = await send(url, "/v1/logs", PROTOBUF, buildPayload("logs", 1));
    assert.equal(answer.status, 503);
    assert.match(decodeStatus(answer.body).message, /a bug/);
  });
});

describe("connections", () => {
  test("Expect: 100-continue is answered before the body, or with the refusal", async () => {
    const { url } = await start({ max_request_body_size: 1_000 });
    const bytes = buildPayload("logs", 1);
    const client = new RawClient(url);
    client.socket.write(head(bytes.length, "Expect: 100-continue\r\n"));
    await client.receive(/^HTTP\/1.1 100 Continue\r\n\r\n$/);
    client.socket.write(bytes);
    await client.receive(/200 OK/);
    client.socket.destroy();
    const refused = new RawClient(url);
    refused.socket.write(head(1_001, "Expect: 100-continue\r\n"));
    await refused.receive(/^HTTP\/1.1 413/);
    refused.socket.destroy();
  });

  test("keep-alive and pipelining: answers in order, bodies apart", async () => {
    const { url, next } = await start();
    const bodies = [1, 2, 3].map((items) => buildPayload("logs", items));
    const client = new RawClient(url);
    client.socket.write(Buffer.concat(bodies.flatMap((body) => [Buffer.from(head(body.length)), body])));
    await client.receive(/(200 OK[\s\S]*){3}/);
    assert.deepEqual(
      next.batches.map((batch) => Buffer.from(batch.bytes)),
      bodies.map((body) => Buffer.from(body)),
    );
    const buffers = new Set(next.batches.map((batch) => batch.bytes.buffer));
    assert.equal(buffers.size, 3, "each body has a buffer of its own");
    client.socket.destroy();
  });

  test("who pipelines without end is cut off, while the pipeline is busy", async () => {
    const gate = new Gate();
    const { url } = await start({}, gate);
    const client = new RawClient(url);
    const body = buildPayload("logs", 1);
    const one = Buffer.concat([Buffer.from(head(body.length)), body]);
    client.socket.write(Buffer.concat(Array.from({ length: 1_200 }, () => one)));
    await client.ended();
    assert.equal(gate.batches.length, 1_000);
    gate.open();
  });

  test("a body in chunks of a byte each", async () => {
    const { url, next } = await start();
    const body = buildPayload("logs", 200);
    const client = new RawClient(url);
    client.socket.write(head("chunked"));
    client.socket.write(
      Buffer.concat([...[...body].map((byte) => Buffer.from([0x31, 13, 10, byte, 13, 10])), Buffer.from("0\r\n\r\n")]),
    );
    await client.receive(/200 OK/);
    assert.deepEqual(Buffer.from(next.batches[0]!.bytes), Buffer.from(body));
    client.socket.destroy();
  });

  test("a half-closed client gets its answer", async () => {
    const gate = new Gate();
    const { url } = await start({}, gate);
    const bytes = buildPayload("logs", 1);
    const client = new RawClient(url);
    client.socket.write(head(bytes.length));
    client.socket.end(bytes);
    await gate.until(1);
    gate.open();
    assert.match(await client.ended(), /^HTTP\/1.1 200 OK/);
    client.socket.destroy();
  });

  test("clients that vanish, within the body and while they wait", async () => {
    const gate = new Gate();
    const { url } = await start({}, gate);
    const bytes = buildPayload("logs", 1);
    const first = new RawClient(url);
    first.socket.write(head(bytes.length));
    first.socket.write(bytes.subarray(0, 10), () => first.socket.resetAndDestroy());
    await first.ended();
    const second = new RawClient(url);
    second.socket.write(head(bytes.length));
    second.socket.write(bytes);
    await gate.until(1);
    second.socket.resetAndDestroy();
    await second.ended();
    gate.open();
    assert.equal((await send(url, "/v1/logs", PROTOBUF, bytes)).status, 200);
    assert.equal(gate.batches.length, 2);
  });

  test("malformed framing gets 400 and a closed connection", async () => {
    const { url, next } = await start();
    for (const text of [
      "NONSENSE\r\n\r\n",
      `${head("chunked")}zz\r\n`,
      "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
      "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
      `POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ]) {
      const client = new RawClient(url);
      client.socket.write(text);
      assert.match(await client.ended(), /^HTTP\/1.1 400/, text);
      client.socket.destroy();
    }
    assert.equal(next.batches.length, 0);
  });
});

describe("life", () => {
  test("says where it listens; the signals share the port", async () => {
    const { receiver, url, lines } = await start({}, undefined, ["traces", "logs"]);
    assert.deepEqual(receiver.endpoints, [{ protocol: "http", url: url.origin }]);
    assert.deepEqual(lines, [{ level: "info", message: "Starting HTTP server", attributes: { endpoint: url.host } }]);
  });

  test("a port that is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    assert.ok(typeof address === "object" && address !== null);
    await assert.rejects(start({ endpoint: `127.0.0.1:${address.port}` }), (error: Error) => {
      assert.match(error.message, new RegExp(`^cannot listen on 127.0.0.1:${address.port}: the address is in use`));
      return true;
    });
    other.close();
  });

  test("IPv6 and localhost", async () => {
    const v6 = await start({ endpoint: "[::1]:0" });
    assert.match(v6.url.origin, /^http:\/\/\[::1\]:\d+$/);
    const local = await start({ endpoint: "localhost:0" });
    assert.match(local.url.origin, /^http:\/\/127\.0\.0\.1:\d+$/);
  });

  test("drains: no new connections, what is in is answered, idle connections are closed, the port is free", async () => {
    const gate = new Gate();
    const { receiver, url } = await start({}, gate);
    const bytes = buildPayload("logs", 1);
    const idle = new RawClient(url);
    idle.socket.write(head(0));
    await idle.receive(/200 OK/);
    const waiting = new RawClient(url);
    waiting.socket.write(head(bytes.length));
    waiting.socket.write(bytes);
    const uploading = new RawClient(url);
    uploading.socket.write(head(bytes.length, "Expect: 100-continue\r\n"));
    uploading.socket.write(bytes.subarray(0, 10));
    await uploading.receive(/100 Continue/);
    await gate.until(1);
    const stopped = running.splice(0)[0]!.shutdown();
    await idle.ended();
    const refused = connect(Number(url.port), "127.0.0.1");
    const [error] = await once(refused, "error");
    assert.equal(error.code, "ECONNREFUSED");
    uploading.socket.write(bytes.subarray(10));
    await gate.until(2);
    gate.open();
    for (const client of [waiting, uploading]) {
      assert.match(await client.ended(), /HTTP\/1.1 200 OK[\s\S]*Connection: close/i);
      client.socket.destroy();
    }
    await stopped;
    assert.deepEqual(receiver.endpoints, []);
    const again = createServer().listen(Number(url.port), "127.0.0.1");
    await once(again, "listening");
    again.close();
  });

  test("a signal that is shut down refuses while the other goes on", async () => {
    const { url } = await start({}, undefined, ["traces", "logs"]);
    await running.shift()!.shutdown();
    const refused = await send(url, "/v1/traces", PROTOBUF, buildPayload("traces", 1));
    assert.equal(refused.status, 503);
    assert.equal((await send(url, "/v1/logs", PROTOBUF, buildPayload("logs", 1))).status, 200);
  });

  test("shutdown without start, and after a start that failed", async () => {
    const parsed = otlpReceiver.schema.parse({ protocols: { http: { endpoint: "no-such-host.invalid:0" } } });
    const never = otlpReceiver.create(testSettings("otlp", "logs"), parsed, new TestConsumer());
    await never.shutdown();
    const failing = otlpReceiver.create(testSettings("otlp", "logs"), parsed, new TestConsumer());
    await assert.rejects(failing.start(), /cannot listen on no-such-host.invalid:0/);
    await failing.shutdown();
  });
});
