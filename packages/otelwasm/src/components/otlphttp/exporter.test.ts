import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from "node:net";
import { afterEach, describe, test } from "node:test";
import { gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import protobuf from "protobufjs";
import type { Exporter } from "../../component/component.ts";
import { ConfigError, type ConsumerError, StatusCode } from "../../component/errors.ts";
import { applySchema } from "../../config/schema.ts";
import { SINGLE_ATTEMPT } from "../../exporterhelper/testing/single.ts";
import type { Signal } from "../../telemetry/batch.ts";
import { encodeJson } from "../../telemetry/json.ts";
import { encodeStatus, encodeStatusJson } from "../../telemetry/response.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { failure, type LogLine, testSettings } from "../../transport/testing/support.ts";
import { otlpHttpExporter } from "./factory.ts";

const bytes = buildPayload("logs", 5);
const batch = { signal: "logs", bytes } as const;
const exporters: Exporter[] = [];
const servers: (Server | TcpServer)[] = [];
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(exporters.splice(0).map((exporter) => exporter.shutdown()));
  for (const server of servers.splice(0)) server.close();
});

interface Received {
  readonly request: IncomingMessage;
  readonly body: Buffer;
}

async function portOf(server: Server | TcpServer): Promise<number> {
  servers.push(server);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

/** A destination that keeps what it gets. */
async function sink(
  answer: (response: ServerResponse, received: Received, count: number) => void,
): Promise<{ url: string; received: Received[]; server: Server }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const each = { request, body: Buffer.concat(chunks) };
      received.push(each);
      answer(response, each, received.length);
    });
  });
  return { url: `http://127.0.0.1:${await portOf(server)}`, received, server };
}

/** A destination that says what a test wrote, one answer for each read that ends a request. */
async function rawSink(
  say: (socket: Socket, count: number) => void,
): Promise<{ url: string; connections: () => number }> {
  let requests = 0;
  let connections = 0;
  const server = createTcpServer((socket) => {
    connections++;
    let pending: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      const head = pending.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/.exec(pending.toString("latin1"))?.[1]);
      if (head < 0 || pending.length < head + 4 + length) return;
      pending = Buffer.alloc(0);
      say(socket, ++requests);
    });
  });
  return { url: `http://127.0.0.1:${await portOf(server)}`, connections: () => connections };
}

function exporter(config: object, signal: Signal = "logs", lines: LogLine[] = []): Exporter {
  const parsed = otlpHttpExporter.schema.parse({ compression: "none", ...SINGLE_ATTEMPT, ...config });
  const made = otlpHttpExporter.create(testSettings("otlp_http", signal, lines), parsed);
  exporters.push(made);
  return made;
}

const ok = (response: ServerResponse): void => {
  response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
};

describe("configuration", () => {
  const issues = (tree: unknown) => {
    const checked = applySchema(otlpHttpExporter.schema, tree, ["exporters", "otlp_http"]);
    return checked.ok ? [] : checked.issues;
  };

  test("what is not supported is refused", () => {
    assert.deepEqual(issues({}), [
      "exporters::otlp_http: at least one endpoint must be specified: endpoint, or traces_endpoint, metrics_endpoint, logs_endpoint",
    ]);
    const endpoint = "http://localhost:4318";
    assert.deepEqual(issues({ endpoint, ...SINGLE_ATTEMPT }), []);
    assert.deepEqual(issues({ endpoint, sending_queue: { queue_size: 0 } }), [
      "exporters::otlp_http::sending_queue::queue_size: must be positive",
    ]);
    assert.match(
      issues({ endpoint, tls: { insecur: true } })[0]!,
      /tls::insecur: unknown key; did you mean "insecure"/,
    );
    assert.match(
      issues({ endpoint, compression: "snappy" })[0]!,
      /"snappy" is not supported in this version: choose one of gzip, zlib, deflate, zstd, none/,
    );
    assert.match(issues({ endpoint: "localhost:4318" })[0]!, /is not an http:\/\/ or https:\/\/ URL/);
    assert.match(issues({ endpoint, headers: { "a b": "c" } })[0]!, /is not a header's name/);
    assert.match(issues({ endpoint, headers: { a: "b\r\nc: d" } })[0]!, /characters that a header cannot have/);
    for (const name of ["Content-Length", "transfer-encoding", "Connection"]) {
      assert.match(issues({ endpoint, headers: { [name]: "5" } })[0]!, /only the exporter itself can set/);
    }
    assert.match(issues({ endpoint: "http://us%er@localhost" })[0]!, /user or password is not percent-encoded/);
    assert.match(issues({ endpoint, timeout: 5 })[0]!, /needs a unit/);
  });

  test("a signal without an endpoint", () => {
    assert.throws(
      () => exporter({ traces_endpoint: "http://localhost:1/in" }),
      (error) => error instanceof ConfigError && /neither endpoint nor logs_endpoint is given/.test(error.message),
    );
  });
});

describe("what arrives", () => {
  test("the bytes, at the path of the signal, with the headers", async () => {
    const { url, received } = await sink(ok);
    for (const signal of ["traces", "metrics", "logs"] as const) {
      for (const items of [1, 3_000]) {
        const payload = buildPayload(signal, items);
        await exporter({ endpoint: `${url}/base/`, headers: { "X-Tenant": "a" } }, signal).consume({
          signal,
          bytes: payload,
        });
        const { request, body } = received.pop()!;
        assert.equal(request.method, "POST");
        assert.equal(request.url, `/base/v1/${signal}`);
        assert.equal(request.headers["content-type"], "application/x-protobuf");
        assert.equal(request.headers["content-encoding"], undefined);
        assert.equal(request.headers["x-tenant"], "a");
        assert.equal(request.headers.host, new URL(url).host);
        assert.match(request.headers["user-agent"] ?? "", /^otelwasm/);
        assert.deepEqual(body, Buffer.from(payload));
      }
    }
  });

  test("a signal's own endpoint is taken as it is; a user and password become basic authorization", async () => {
    const { url, received } = await sink(ok);
    const own = `${url.replace("http://", "http://me:p%40ss@")}/in?x=1`;
    await exporter({ endpoint: "http://localhost:1", logs_endpoint: own }).consume(batch);
    const { request } = received.pop()!;
    assert.equal(request.url, "/in?x=1");
    assert.equal(request.headers.authorization, `Basic ${Buffer.from("me:p@ss").toString("base64")}`);
  });

  test("compressed, gzip by default", async () => {
    const { url, received } = await sink(ok);
    const unpack = { gzip: gunzipSync, deflate: inflateSync, zstd: zstdDecompressSync };
    for (const [coding, open] of Object.entries(unpack)) {
      for (const items of [1, 3_000]) {
        const payload = buildPayload("logs", items);
        await exporter({ endpoint: url, compression: coding === "gzip" ? undefined : coding }).consume({
          signal: "logs",
          bytes: payload,
        });
        const { request, body } = received.pop()!;
        assert.equal(request.headers["content-encoding"], coding);
        assert.deepEqual(Buffer.from(open(body)), Buffer.from(payload));
      }
    }
  });

  test("JSON", async () => {
    const { url, received } = await sink(ok);
    await exporter({ endpoint: url, encoding: "json" }).consume(batch);
    const { request, body } = received.pop()!;
    assert.equal(request.headers["content-type"], "application/json");
    assert.equal(body.toString(), encodeJson("logs", bytes));
  });

  test("connections are kept, and as many as batches are under way", async () => {
    const { url, received } = await sink(ok);
    const target = exporter({ endpoint: url });
    for (let i = 0; i < 5; i++) await target.consume(batch);
    assert.equal(new Set(received.map(({ request }) => request.socket)).size, 1);
    await Promise.all(Array.from({ length: 20 }, () => target.consume(batch)));
    assert.equal(received.length, 25);
  });
});

describe("answers", () => {
  for (const [status, permanent, code] of [
    [400, true, StatusCode.INVALID_ARGUMENT],
    [401, true, StatusCode.UNAUTHENTICATED],
    [404, true, StatusCode.UNIMPLEMENTED],
    [413, true, StatusCode.UNKNOWN],
    [429, false, StatusCode.RESOURCE_EXHAUSTED],
    [500, true, StatusCode.UNKNOWN],
    [502, false, StatusCode.UNAVAILABLE],
    [503, false, StatusCode.UNAVAILABLE],
    [504, false, StatusCode.UNAVAILABLE],
    [302, true, StatusCode.UNKNOWN],
  ] as const) {
    test(`HTTP ${status} is ${permanent ? "permanent" : "retryable"}`, async () => {
      const body = encodeStatus({ code: 3, message: "because" });
      const { url } = await sink((response) =>
        response.writeHead(status, { "content-type": "application/x-protobuf" }).end(body),
      );
      const error = await failure(exporter({ endpoint: url }).consume(batch));
      assert.equal(error.permanent, permanent);
      assert.equal(error.code, code);
      assert.equal(error.message, `request to ${url}/v1/logs responded with HTTP Status Code ${status}: because`);
    });
  }

  test("Retry-After in seconds and as a date; the reason in JSON, in text, unreadable, none", async () => {
    const date = new Date(Date.now() + 60_000).toUTCString();
    const answers: [Record<string, string>, Uint8Array, RegExp][] = [
      [
        { "retry-after": "7", "content-type": "application/json" },
        encodeStatusJson({ code: 14, message: "j" }),
        /503: j$/,
      ],
      [{ "retry-after": date, "content-type": "text/plain; charset=utf-8" }, Buffer.from("t\n"), /503: t$/],
      [
        { "retry-after": "soon", "content-type": "application/x-protobuf" },
        Uint8Array.of(0x12, 9),
        /unreadable google.rpc.Status/,
      ],
      [{ "content-type": "text/html" }, Buffer.from("<html>"), /503$/],
    ];
    const { url } = await sink((response, _, count) => {
      const [headers, body] = answers[count - 1]!;
      response.writeHead(503, headers).end(body);
    });
    const target = exporter({ endpoint: url });
    const errors: ConsumerError[] = [];
    for (const [, , message] of answers) {
      const error = await failure(target.consume(batch));
      assert.match(error.message, message);
      errors.push(error);
    }
    assert.equal(errors[0]!.retryAfterMs, 7_000);
    assert.ok(errors[1]!.retryAfterMs! > 50_000 && errors[1]!.retryAfterMs! <= 60_000);
    assert.equal(errors[2]!.retryAfterMs, undefined);
  });

  test("a partial success is a warning, not an error", async () => {
    const type = protobuf
      .parse(
        `syntax = "proto3"; message P { int64 rejected = 1; string message = 2; } message R { P partial_success = 1; }`,
        { keepCase: true },
      )
      .root.lookupType("R");
    const proto = type.encode({ partial_success: { rejected: 2, message: "too old" } }).finish();
    const json = `{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too old"}}`;
    const answers: [string, Uint8Array | string][] = [
      ["application/x-protobuf", proto],
      ["application/json", json],
      ["application/json", "{}"],
      ["application/json", "{"],
    ];
    const { url } = await sink((response, _, count) => {
      const [kind, body] = answers[count - 1]!;
      response.writeHead(200, { "content-type": kind }).end(body);
    });
    const lines: LogLine[] = [];
    const target = exporter({ endpoint: url }, "logs", lines);
    for (const _ of answers) await target.consume(batch);
    const endpoint = `${url}/v1/logs`;
    const partial = {
      level: "warn",
      message: "Partial success response",
      attributes: { endpoint, message: "too old", rejected: "2" },
    };
    assert.deepEqual(lines.slice(0, 2), [partial, partial]);
    assert.equal(lines.length, 3);
    assert.match(lines[2]!.message, /cannot be read/);
  });
});

describe("trouble", () => {
  test("refused connections are retryable and name the endpoint", async () => {
    const { url, server } = await sink(ok);
    server.close();
    await once(server, "close");
    const error = await failure(exporter({ endpoint: url }).consume(batch));
    assert.equal(error.permanent, false);
    assert.equal(error.code, StatusCode.UNAVAILABLE);
    assert.match(error.message, new RegExp(`^failed to make an HTTP request to ${url}/v1/logs: connect ECONNREFUSED`));
  });

  test("a server that does not answer in time", async () => {
    const { url } = await sink(() => undefined);
    const error = await failure(exporter({ endpoint: url, timeout: "60ms" }).consume(batch));
    assert.equal(error.permanent, false);
    assert.equal(error.code, StatusCode.DEADLINE_EXCEEDED);
    assert.match(error.message, /no response in time|no answer within/);
  });

  test("a connection that ends within an answer, or before it", async () => {
    const { url } = await rawSink((socket, count) => {
      if (count === 1) socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
      else socket.resetAndDestroy();
    });
    const target = exporter({ endpoint: url });
    assert.match((await failure(target.consume(batch))).message, /the server closed the connection/);
    const reset = await failure(target.consume(batch));
    assert.equal(reset.permanent, false);
    assert.match(reset.message, /ECONNRESET/);
  });

  test("nonsense is retryable, and the connection is given up", async () => {
    const { url, connections } = await rawSink((socket, count) => {
      socket.write(count === 1 ? "SSH-2.0-x\r\n\r\n" : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    const target = exporter({ endpoint: url });
    assert.match((await failure(target.consume(batch))).message, /malformed HTTP response/);
    await target.consume(batch);
    assert.equal(connections(), 2);
  });

  test("answers in pieces, in chunks, after an interim answer, up to the end of the connection", async () => {
    const { url, connections } = await rawSink((socket, count) => {
      if (count === 1)
        socket.write("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
      else if (count === 2) socket.end("HTTP/1.0 200 OK\r\n\r\n");
      else {
        socket.write("HTTP/1.1 200 OK\r\nContent-");
        setImmediate(() => socket.write("Length: 0\r\n\r\n"));
      }
    });
    const target = exporter({ endpoint: url });
    for (let i = 0; i < 4; i++) await target.consume(batch);
    assert.equal(connections(), 2);
  });

  test("a kept connection that the server has closed meanwhile costs nothing", async () => {
    const { url, connections } = await rawSink((socket, count) => {
      // The second request finds the connection closed: it was never read.
      if (count === 2) socket.resetAndDestroy();
      else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    const target = exporter({ endpoint: url });
    await target.consume(batch);
    await target.consume(batch);
    assert.equal(connections(), 2);
  });

  test("408 on a kept connection is the end of the wait for a request, not an answer to this one", async () => {
    const { url, connections } = await rawSink((socket, count) => {
      if (count === 1) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      else if (count === 4) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      else socket.end("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    const target = exporter({ endpoint: url });
    await target.consume(batch);
    assert.match((await failure(target.consume(batch))).message, /408/);
    assert.equal(connections(), 2);
    await target.consume(batch);
    assert.equal(connections(), 3);
  });

  test("Connection: close is believed", async () => {
    const { url, connections } = await rawSink((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    const target = exporter({ endpoint: url });
    await target.consume(batch);
    await target.consume(batch);
    assert.equal(connections(), 2);
  });

  test("an answer that comes before the request is sent in full", async () => {
    const server = createTcpServer((socket) => {
      socket.once("data", () => {
        socket.pause();
        socket.write("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n");
      });
    });
    const url = `http://127.0.0.1:${await portOf(server)}`;
    const error = await failure(
      exporter({ endpoint: url }).consume({ signal: "logs", bytes: new Uint8Array(30_000_000) }),
    );
    assert.equal(error.permanent, true);
    assert.match(error.message, /413/);
  });

  test("shutdown waits for what is under way, and refuses what comes after", async () => {
    let answer: () => void = () => assert.fail("no request yet");
    const arrived = Promise.withResolvers<void>();
    const { url } = await sink((response) => {
      answer = () => ok(response);
      arrived.resolve();
    });
    const target = exporter({ endpoint: url });
    const running = target.consume(batch);
    await arrived.promise;
    let stopped = false;
    const stopping = exporters
      .pop()!
      .shutdown()
      .then(() => {
        stopped = true;
      });
    assert.match((await failure(target.consume(batch))).message, /closed/);
    assert.equal(stopped, false);
    answer();
    await running;
    await stopping;
  });

  test("https: a certificate that nobody vouches for is refused", async () => {
    const { url } = await sink(ok);
    const target = exporter({ endpoint: url.replace("http:", "https:") });
    await target.start();
    const error = await failure(target.consume(batch));
    assert.equal(error.permanent, false);
    assert.match(error.message, /^failed to make an HTTP request to https:/);
  });
});
