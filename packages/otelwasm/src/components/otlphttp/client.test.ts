import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { Socket } from "node:net";
import { env } from "node:process";
import { afterEach, describe, test } from "node:test";
import { gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import type { ClientAuthenticator } from "../../component/auth.ts";
import type { Exporter, Extension } from "../../component/component.ts";
import { ConfigError, ConsumerError, StatusCode } from "../../component/errors.ts";
import { applySchema } from "../../config/schema.ts";
import { SINGLE_ATTEMPT } from "../../exporterhelper/testing/single.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { Authority } from "../../transport/testing/authority.ts";
import { TestProxy } from "../../transport/testing/proxy.ts";
import { failure, testSettings } from "../../transport/testing/support.ts";
import { otlpHttpExporter } from "./factory.ts";

const bytes = buildPayload("logs", 5);
const batch = { signal: "logs", bytes } as const;
const cleanup: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each();
});

interface Sink {
  readonly port: number;
  readonly received: { readonly request: IncomingMessage; readonly body: Buffer }[];
  readonly sockets: Set<Socket>;
}

type Answer = (response: ServerResponse, request: IncomingMessage, count: number) => void;

const ok: Answer = (response) => {
  response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
};

async function sink(answer: Answer = ok, server: Server = createServer()): Promise<Sink> {
  const received: { request: IncomingMessage; body: Buffer }[] = [];
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("tlsClientError", () => undefined);
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({ request, body: Buffer.concat(chunks) });
      answer(response, request, received.length);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanup.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return { port: address.port, received, sockets };
}

function extension(headers: ClientAuthenticator["headers"]): Extension {
  return { start: () => Promise.resolve(), shutdown: () => Promise.resolve(), clientAuthenticator: { headers } };
}

async function exporter(config: object, extensions: Readonly<Record<string, Extension>> = {}): Promise<Exporter> {
  const parsed = otlpHttpExporter.schema.parse({ compression: "none", ...SINGLE_ATTEMPT, ...config });
  const settings = { ...testSettings("otlp_http", "logs"), host: { extension: (id: string) => extensions[id] } };
  const made = otlpHttpExporter.create(settings, parsed);
  cleanup.push(() => made.shutdown());
  await made.start();
  return made;
}

function setEnvironment(variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = env[name];
    env[name] = value;
    cleanup.push(() => {
      if (before === undefined) delete env[name];
      else env[name] = before;
    });
  }
}

test("keys of the Collector's client: what is taken, and what is refused by name", () => {
  const issues = (tree: object) => {
    const checked = applySchema(otlpHttpExporter.schema, { endpoint: "http://otel:4318", ...tree }, ["e"]);
    return checked.ok ? [] : checked.issues;
  };
  // As in the Collector's documentation of `confighttp`, and all else that it has.
  const documented = {
    auth: { authenticator: "some-authenticator-extension" },
    tls: { ca_file: "ca.pem", cert_file: "cert.pem", key_file: "key.pem" },
    headers: { test1: "value1" },
    compression: "gzip",
    compression_params: { level: 1 },
    cookies: { enabled: true },
    proxy_url: "http://me:word@proxy:3128",
    read_buffer_size: 123,
    write_buffer_size: 345,
    max_idle_conns: 10,
    max_idle_conns_per_host: 0,
    max_conns_per_host: 20,
    idle_conn_timeout: "30s",
    disable_keep_alives: true,
    force_attempt_http2: false,
    http2_read_idle_timeout: "0s",
    middlewares: [],
    profiles_endpoint: "https://custom.profiles.endpoint:8080/v1development/profiles",
  };
  assert.deepEqual(issues(documented), []);
  const cases: [object, RegExp][] = [
    [{ cookies: { enable: true } }, /^e::cookies::enable: unknown key/],
    [{ http2_ping_timeout: "5s" }, /^e::http2_ping_timeout: has no meaning here: requests go over HTTP\/1.1/],
    [{ middlewares: [{ id: "x" }] }, /^e::middlewares: there are no middleware extensions/],
    [{ proxy_url: "socks5://me:word@proxy" }, /^e::proxy_url: names a socks5 proxy, which is not supported/],
    [{ proxy_url: "me:word@proxy:3128" }, /^e::proxy_url: needs a scheme, for example "http:\/\/proxy:3128"$/],
    [{ auth: {} }, /^e::auth::authenticator: is required/],
    [{ compression_params: { level: 10 } }, /^e::compression_params::level: unsupported level 10 .* "gzip": -2 to 9/],
    [{ compression: "lz4" }, /^e::compression: "lz4" is not supported in this version/],
    [{ read_buffer_size: 1e9 }, /^e::read_buffer_size: must be at most/],
  ];
  for (const [tree, message] of cases) assert.match(issues(tree).join(), message);
});

test("compression by each name, at each level", async () => {
  const { port, received } = await sink();
  const open = { gzip: gunzipSync, zlib: inflateSync, deflate: inflateSync, zstd: zstdDecompressSync };
  const payload = buildPayload("logs", 2_000);
  for (const [compression, unpack] of Object.entries(open)) {
    const sizes = new Map<number, number>();
    for (const level of [-2, -1, 0, 1, 9, ...(compression === "zstd" ? [100] : [])]) {
      const target = await exporter({
        endpoint: `http://127.0.0.1:${port}`,
        compression,
        compression_params: { level },
      });
      await target.consume({ signal: "logs", bytes: payload });
      const { request, body } = received.pop()!;
      assert.equal(request.headers["content-encoding"], compression);
      assert.deepEqual(Buffer.from(unpack(body)), Buffer.from(payload));
      sizes.set(level, body.length);
    }
    assert.ok(sizes.get(9)! < sizes.get(1)!, `${compression}: ${[...sizes]}`);
  }
});

test("cookies come back if that is wanted, all of them", async () => {
  for (const cookies of [undefined, { enabled: false }, {}, { enabled: true }]) {
    const { port, received } = await sink((response, _, count) => {
      response.setHeader(
        "set-cookie",
        count === 1 ? ["AWSALB=a; Path=/; Expires=Fri, 01 Jan 2100 00:00:00 GMT", "b=c"] : [],
      );
      response.writeHead(count === 3 ? 503 : 200).end();
    });
    const target = await exporter({ endpoint: `http://127.0.0.1:${port}`, ...(cookies && { cookies }) });
    await target.consume(batch);
    await target.consume(batch);
    await failure(target.consume(batch));
    const back = cookies === undefined || cookies.enabled === false ? undefined : "b=c; AWSALB=a";
    assert.deepEqual(
      received.map(({ request }) => request.headers.cookie),
      [undefined, back, back],
    );
  }
});

describe("connections", () => {
  test("max_conns_per_host: the others wait, and have their turn, also when a connection breaks", async () => {
    let most = 0;
    const { port, sockets } = await sink((response, request, count) => {
      most = Math.max(most, sockets.size);
      if (count % 5 === 0) request.socket.destroy();
      else ok(response, request, count);
    });
    const target = await exporter({ endpoint: `http://127.0.0.1:${port}`, max_conns_per_host: 3 });
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => target.consume(batch)));
    assert.equal(outcomes.filter((each) => each.status === "rejected").length, 10);
    assert.ok(most <= 3, `${most}`);
  });

  test("max_conns_per_host: who waits for too long is told", async () => {
    const { port } = await sink(() => undefined);
    const target = await exporter({ endpoint: `http://127.0.0.1:${port}`, max_conns_per_host: 1, timeout: "60ms" });
    const errors = await Promise.all([failure(target.consume(batch)), failure(target.consume(batch))]);
    assert.deepEqual(
      errors.map((each) => [each.permanent, each.code]),
      [
        [false, StatusCode.DEADLINE_EXCEEDED],
        [false, StatusCode.DEADLINE_EXCEEDED],
      ],
    );
  });

  test("disable_keep_alives: each request has its own, and says so", async () => {
    const { port, received } = await sink();
    const target = await exporter({ endpoint: `http://127.0.0.1:${port}`, disable_keep_alives: true });
    for (let i = 0; i < 3; i++) await target.consume(batch);
    assert.equal(new Set(received.map(({ request }) => request.socket)).size, 3);
    assert.equal(received[0]!.request.headers.connection, "close");
  });

  test("max_idle_conns_per_host: no more are kept; idle_conn_timeout: nor longer", async () => {
    const server = createServer();
    let connections = 0;
    server.on("connection", () => connections++);
    const answers: (() => void)[] = [];
    const all = Promise.withResolvers<void>();
    const { port, sockets } = await sink((response, request, count) => {
      answers.push(() => ok(response, request, count));
      if (answers.length === 10) all.resolve();
      if (answers.length > 10) ok(response, request, count);
    }, server);
    const endpoint = `http://127.0.0.1:${port}`;
    const target = await exporter({ endpoint, max_idle_conns_per_host: 2, idle_conn_timeout: "50ms" });
    const running = Array.from({ length: 10 }, () => target.consume(batch));
    await all.promise;
    const closed = [...sockets].map((socket) => once(socket, "close"));
    assert.equal(closed.length, 10);
    for (const answer of answers.splice(0, 10)) answer();
    await Promise.all([...running, ...closed]);
    answers.length = 10;
    await target.consume(batch);
    assert.equal(connections, 11);
  });

  test("a small read buffer", async () => {
    const { port } = await sink((response) => response.writeHead(503).end(Buffer.alloc(50_000)));
    const target = await exporter({ endpoint: `http://127.0.0.1:${port}`, read_buffer_size: 7 });
    assert.match((await failure(target.consume(batch))).message, /503/);
    assert.match((await failure(target.consume(batch))).message, /503/);
  });

  test("the end of a long answer is not waited for", async () => {
    const endless = Buffer.alloc(256 * 1024, 0x20);
    const { port } = await sink((response, _, count) => {
      response.writeHead(count === 1 ? 200 : 503, { "content-type": "text/plain" });
      const more = (): void => {
        while (!response.destroyed && response.write(endless));
        response.once("drain", more);
      };
      more();
    });
    const target = await exporter({ endpoint: `http://127.0.0.1:${port}` });
    await target.consume(batch);
    assert.match((await failure(target.consume(batch))).message, /503/);
  });

  test("a connection that ends without an answer: what may have been processed is not sent again here", async () => {
    const { port, received } = await sink((response, request, count) => {
      if (count === 2) request.socket.end();
      else ok(response, request, count);
    });
    const target = await exporter({ endpoint: `http://127.0.0.1:${port}` });
    await target.consume(batch);
    const error = await failure(target.consume(batch));
    assert.equal(error.permanent, false);
    assert.equal(error.code, StatusCode.UNAVAILABLE);
    assert.equal(received.length, 2);
  });
});

describe("redirects", () => {
  test("307 and 308 are followed with the data, on the same host", async () => {
    const { port, received } = await sink((response, request, count) => {
      if (request.url === "/v1/logs") response.writeHead(count % 2 === 1 ? 307 : 308, { location: "/there/" }).end();
      else ok(response, request, count);
    });
    const target = await exporter({ endpoint: `http://me:word@127.0.0.1:${port}`, headers: { "x-tenant": "a" } });
    for (let i = 0; i < 3; i++) await target.consume(batch);
    const there = received.filter(({ request }) => request.url === "/there/");
    assert.equal(there.length, 3);
    assert.equal(new Set(there.map(({ request }) => request.socket)).size, 1);
    for (const { request, body } of there) {
      assert.equal(request.method, "POST");
      assert.equal(request.headers["x-tenant"], "a");
      assert.match(request.headers.authorization!, /^Basic /);
      assert.deepEqual(body, Buffer.from(bytes));
    }
  });

  test("from http to https, and what a redirect must not do", async () => {
    const authority = new Authority();
    const secure = await sink(ok, createSecureServer(authority.issue()));
    const locations = [
      `https://127.0.0.1:${secure.port}/in`,
      "http://elsewhere.example/in",
      "ftp://127.0.0.1/",
      "http://127.0.0.1:99999/",
    ];
    const { port } = await sink((response, _, count) =>
      response.writeHead(307, { location: locations[count - 1] }).end(),
    );
    const target = await exporter({ endpoint: `http://127.0.0.1:${port}`, tls: { ca_pem: authority.cert } });
    await target.consume(batch);
    assert.equal(secure.received.length, 1);
    for (const message of [
      /elsewhere.example\/in: data only goes to hosts/,
      /which is not HTTP/,
      /what is not a URL/,
    ]) {
      const error = await failure(target.consume(batch));
      assert.equal(error.permanent, true);
      assert.match(error.message, message);
    }
    const back = await sink(
      (response) => response.writeHead(308, { location: `http://127.0.0.1:${port}/` }).end(),
      createSecureServer(authority.issue()),
    );
    const downgraded = await exporter({ endpoint: `https://127.0.0.1:${back.port}`, tls: { ca_pem: authority.cert } });
    assert.match((await failure(downgraded.consume(batch))).message, /without TLS/);
  });

  test("shutdown waits for what a redirect has sent on", async () => {
    let answer: () => void = () => assert.fail("no request yet");
    const arrived = Promise.withResolvers<void>();
    const { port } = await sink((response, request, count) => {
      answer = () => {
        if (request.url === "/there") ok(response, request, count);
        else response.writeHead(307, { location: "/there" }).end();
      };
      if (request.url === "/there") answer();
      else arrived.resolve();
    });
    const target = await exporter({ endpoint: `http://127.0.0.1:${port}` });
    const running = target.consume(batch);
    await arrived.promise;
    const stopping = target.shutdown();
    answer();
    await Promise.all([running, stopping]);
  });

  test("in circles, and for too long", async () => {
    const { port, received } = await sink((response, request) =>
      response.writeHead(307, { location: `/${received.length}${request.url}` }).end(),
    );
    const target = await exporter({ endpoint: `http://127.0.0.1:${port}` });
    const error = await failure(target.consume(batch));
    assert.match(error.message, /stopped after 10 redirects/);
    assert.equal(error.permanent, true);
    assert.equal(received.length, 11);
    const slow = await sink((response, request, count) => {
      if (count === 1) response.writeHead(307, { location: "/x" }).end();
      else if (request.url !== "/x") ok(response, request, count);
    });
    const late = await exporter({ endpoint: `http://127.0.0.1:${slow.port}`, timeout: "60ms" });
    assert.equal((await failure(late.consume(batch))).code, StatusCode.DEADLINE_EXCEEDED);
  });
});

describe("auth", () => {
  test("the authenticator's headers, those of now, in place of configured ones", async () => {
    const { port, received } = await sink();
    let headers: Readonly<Record<string, string>> = { authorization: "Bearer 1" };
    const config = {
      endpoint: `http://me:word@127.0.0.1:${port}`,
      headers: { authorization: "x" },
      auth: { authenticator: "bearertokenauth/a" },
    };
    const target = await exporter(config, { "bearertokenauth/a": extension(() => headers) });
    await target.consume(batch);
    await target.consume(batch);
    headers = { authorization: "Bearer 2", "x-more": "y" };
    await target.consume(batch);
    assert.deepEqual(
      received.map(({ request }) => [request.headers.authorization, request.headers["x-more"]]),
      [
        ["Bearer 1", undefined],
        ["Bearer 1", undefined],
        ["Bearer 2", "y"],
      ],
    );
    headers = { authorization: "Bearer 3\r\nx-smuggled: 1" };
    const error = await failure(target.consume(batch));
    assert.equal(error.permanent, false);
    assert.match(error.message, /authenticator's authorization has characters that a header cannot have/);
  });

  test("an authenticator without headers is a retryable failure, an unknown one an error of the configuration", async () => {
    const { port, received } = await sink();
    const config = { endpoint: `http://127.0.0.1:${port}`, auth: { authenticator: "a" } };
    const without = extension(() => {
      throw ConsumerError.retryable("no token yet");
    });
    const target = await exporter(config, { a: without });
    assert.match((await failure(target.consume(batch))).message, /no token yet/);
    assert.equal(received.length, 0);
    const { clientAuthenticator: _, ...other } = without;
    for (const [extensions, message] of [
      [{}, /^exporters::otlp_http::auth::authenticator: failed to resolve authenticator "a": authenticator not found/],
      [{ a: other }, /auth::authenticator: "a" is not a client authenticator/],
    ] as const) {
      await assert.rejects(exporter(config, extensions), (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, message);
        return true;
      });
    }
  });
});

describe("proxies", () => {
  const authority = new Authority();

  async function proxy(options: ConstructorParameters<typeof TestProxy>[0] = {}): Promise<[TestProxy, string]> {
    const made = new TestProxy(options);
    cleanup.push(() => made.close());
    return [made, await made.listen()];
  }

  test("http: the proxy is asked for the whole URL; https: for a tunnel", async () => {
    const plain = await sink();
    const secure = await sink(ok, createSecureServer(authority.issue({ hosts: ["otel.example"] })));
    const [{ asked }, address] = await proxy({ credentials: "me:p@ss" });
    const common = { proxy_url: `http://me:p%40ss@${address}`, tls: { ca_pem: authority.cert } };
    const big = buildPayload("logs", 5_000);
    for (const [endpoint, { received }] of [
      [`http://otel.example:${plain.port}/a`, plain],
      [`https://otel.example:${secure.port}/a`, secure],
    ] as const) {
      const target = await exporter({ endpoint, ...common });
      for (const payload of [bytes, bytes, big]) await target.consume({ signal: "logs", bytes: payload });
      assert.deepEqual(
        received.map(({ body }) => body.length),
        [bytes, bytes, big].map((each) => each.length),
      );
      assert.equal(received[0]!.request.headers.host, new URL(endpoint).host);
      assert.equal(received[0]!.request.url, "/a/v1/logs");
    }
    const post = `POST http://otel.example:${plain.port}/a/v1/logs`;
    assert.deepEqual(asked, [post, post, post, `CONNECT otel.example:${secure.port}`]);
  });

  test("a proxy that is spoken to over TLS", async () => {
    const secure = await sink(ok, createSecureServer(authority.issue({ hosts: ["otel.example"] })));
    const plain = await sink();
    const [{ asked }, address] = await proxy({ secure: authority.issue({ hosts: ["127.0.0.1"] }) });
    const common = { proxy_url: `https://${address}`, tls: { ca_pem: authority.cert } };
    await (await exporter({ endpoint: `https://otel.example:${secure.port}`, ...common })).consume(batch);
    await (await exporter({ endpoint: `http://otel.example:${plain.port}`, ...common })).consume(batch);
    assert.equal(asked.length, 2);
    assert.equal(secure.received.length + plain.received.length, 2);
  });

  test("of the environment, but not to this machine", async () => {
    const { port, received } = await sink();
    const [{ asked }, address] = await proxy();
    setEnvironment({ HTTP_PROXY: address, NO_PROXY: "other.example" });
    await (await exporter({ endpoint: `http://otel.example:${port}` })).consume(batch);
    await (await exporter({ endpoint: `http://127.0.0.1:${port}` })).consume(batch);
    assert.equal(received.length, 2);
    assert.equal(asked.length, 1);
    setEnvironment({ HTTP_PROXY: "socks5://x" });
    await assert.rejects(
      exporter({ endpoint: `http://otel.example:${port}` }),
      /^ConfigError: exporters::otlp_http: the environment variable HTTP_PROXY names a socks5 proxy/,
    );
  });

  test("what a proxy refuses, or cannot do", async () => {
    const [, address] = await proxy({ credentials: "me:word" });
    const unreachable = createServer().listen(0, "127.0.0.1");
    await once(unreachable, "listening");
    const gone = unreachable.address();
    assert.ok(typeof gone === "object" && gone !== null);
    unreachable.close();
    await once(unreachable, "close");
    const cases: [endpoint: string, proxy: string, message: RegExp][] = [
      [
        "https://otel.example:1",
        `http://${address}`,
        /proxy http:\/\/127.*it refused the tunnel to otel.example:1: 407 Proxy/,
      ],
      ["http://otel.example:1", `http://${address}`, /HTTP Status Code 407/],
      ["https://otel.example:1", `http://me:word@${address}`, /proxy http:\/\/127.0.0.1:\d+: it closed the connection/],
      [
        "https://otel.example:1",
        `http://me:word@127.0.0.1:${gone.port}`,
        /proxy http:\/\/127.0.0.1:\d+: connect ECONNREFUSED/,
      ],
    ];
    for (const [endpoint, proxy_url, message] of cases) {
      const error = await failure((await exporter({ endpoint, proxy_url })).consume(batch));
      assert.match(error.message, message);
      assert.equal(error.permanent, error.message.includes("Status Code 407"));
      assert.doesNotMatch(error.message, /word/);
    }
  });

  test("answers to CONNECT that are none, and none at all", async () => {
    const answers = ["SSH-2.0\r\n\r\n", `HTTP/1.1 200 ${"x".repeat(20_000)}`, ""];
    for (const answer of answers) {
      const server = createServer();
      server.on("connect", (_, socket) => {
        socket.on("error", () => undefined);
        socket.on("end", () => socket.end()).resume();
        if (answer === "") return;
        socket.write(answer);
      });
      const { port, sockets } = await sink(ok, server);
      const config = { endpoint: "https://otel.example", proxy_url: `http://127.0.0.1:${port}`, timeout: "200ms" };
      const error = await failure((await exporter(config)).consume(batch));
      assert.equal(error.permanent, false);
      assert.match(error.message, /is not HTTP|does not end|no response in time|no answer within/);
      await Promise.all([...sockets].map((socket) => once(socket, "close")));
    }
  });
});
