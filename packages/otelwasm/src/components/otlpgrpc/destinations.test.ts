// Where both exporters can deliver to, and how: certificates, authenticators, proxies, Unix sockets.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import {
  createServer as createHttp2Server,
  createSecureServer as createSecureHttp2Server,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { afterEach, describe, test } from "node:test";
import { TLSSocket } from "node:tls";
import { zstdDecompressSync } from "node:zlib";
import type { Exporter, Extension } from "../../component/component.ts";
import { ConfigError, StatusCode } from "../../component/errors.ts";
import type { ExporterFactory } from "../../component/factory.ts";
import { SINGLE_ATTEMPT } from "../../exporterhelper/testing/single.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { frame } from "../../transport/grpc.ts";
import { Authority } from "../../transport/testing/authority.ts";
import { TestProxy } from "../../transport/testing/proxy.ts";
import { failure, type LogLine, testSettings } from "../../transport/testing/support.ts";
import { otlpHttpExporter } from "../otlphttp/factory.ts";
import { otlpGrpcExporter } from "./factory.ts";

const bytes = buildPayload("logs", 5);
const batch = { signal: "logs", bytes } as const;
const authority = new Authority();
const cleanup: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each();
});

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Of the client's certificate. */
  readonly client: string | undefined;
  readonly serverName: string | false | null | undefined;
}

interface Sink {
  readonly port: number;
  readonly received: Received[];
  readonly sockets: Set<Socket>;
}

async function listening(server: Server, to: { port: number; host: string } | { path: string }): Promise<Set<Socket>> {
  const sockets = new Set<Socket>();
  for (const event of ["connection", "secureConnection"]) {
    server.on(event, (socket: Socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    });
  }
  server.on("tlsClientError", () => undefined);
  server.listen(to);
  await once(server, "listening");
  cleanup.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return sockets;
}

function portOf(server: Server): number {
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

function noted(socket: unknown, headers: IncomingHttpHeaders, body: Buffer): Received {
  if (!(socket instanceof TLSSocket)) return { headers, body, client: undefined, serverName: undefined };
  const { subject } = socket.getPeerCertificate();
  return {
    headers,
    body,
    client: subject === undefined ? undefined : String(subject.CN),
    serverName: socket.servername,
  };
}

async function httpsSink(options: object): Promise<Sink> {
  const received: Received[] = [];
  const server = createHttpsServer(options, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push(noted(request.socket, request.headers, Buffer.concat(chunks)));
      response.end();
    });
  });
  const sockets = await listening(server, { port: 0, host: "127.0.0.1" });
  return { port: portOf(server), received, sockets };
}

function answering(server: Http2Server, received: Received[]): void {
  server.on("sessionError", () => undefined);
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const chunks: Buffer[] = [];
    stream.on("error", () => undefined).on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      received.push(noted(stream.session?.socket, headers, Buffer.concat(chunks).subarray(5)));
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(frame(new Uint8Array(), false));
    });
  });
}

async function grpcSink(options: object | undefined): Promise<Sink> {
  const received: Received[] = [];
  const server = options === undefined ? createHttp2Server() : createSecureHttp2Server(options);
  answering(server, received);
  const sockets = await listening(server, { port: 0, host: "127.0.0.1" });
  return { port: portOf(server), received, sockets };
}

interface Making {
  readonly lines?: LogLine[];
  readonly extensions?: Readonly<Record<string, Extension>>;
}

async function make(factory: ExporterFactory, config: object, { lines, extensions }: Making = {}): Promise<Exporter> {
  const parsed = factory.schema.parse({ compression: "none", ...SINGLE_ATTEMPT, ...config });
  const settings = {
    ...testSettings(factory.type, "logs", lines),
    host: { extension: (id: string) => extensions?.[id] },
  };
  const made = factory.create(settings, parsed);
  cleanup.push(() => made.shutdown());
  await made.start();
  return made;
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "otelwasm-"));
  cleanup.push(() => rm(path, { recursive: true }));
  return path;
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

for (const [name, factory, sink, endpointOf] of [
  ["otlp_http", otlpHttpExporter, httpsSink, (host: string, port: number) => `https://${host}:${port}`],
  ["otlp_grpc", otlpGrpcExporter, grpcSink, (host: string, port: number) => `${host}:${port}`],
] as const) {
  describe(`${name}: tls`, () => {
    test("ca_pem; an address and a name; server_name_override, also with an address", async () => {
      const { port, received } = await sink(authority.issue({ hosts: ["localhost", "127.0.0.1", "otel.example"] }));
      const other = await sink(authority.issue({ hosts: ["10.0.0.1"] }));
      const ca_pem = authority.cert;
      const cases: [string, number, object][] = [
        ["127.0.0.1", port, {}],
        ["localhost", port, {}],
        ["127.0.0.1", port, { server_name_override: "otel.example" }],
        ["127.0.0.1", other.port, { server_name_override: "10.0.0.1" }],
        ["127.0.0.1", other.port, { insecure_skip_verify: true }],
      ];
      for (const [host, to, tls] of cases) {
        const target = await make(factory, { endpoint: endpointOf(host, to), tls: { ca_pem, ...tls } });
        await target.consume(batch);
      }
      assert.deepEqual(
        received.map(({ serverName }) => serverName || ""),
        ["", "localhost", "otel.example"],
      );
      assert.equal(other.received.length, 2);
      for (const { body } of received) assert.deepEqual(body, Buffer.from(bytes));
      const wrong = { ca_pem, server_name_override: "elsewhere.example" };
      const error = await failure(
        (await make(factory, { endpoint: endpointOf("127.0.0.1", port), tls: wrong })).consume(batch),
      );
      assert.equal(error.permanent, false);
      assert.equal(error.code, StatusCode.UNAVAILABLE);
      assert.match(error.message, /altnames/);
    });

    test("mTLS: the server learns who the client is; who has no certificate is refused, retryably", async () => {
      const server = { ...authority.issue(), ca: authority.cert, requestCert: true, rejectUnauthorized: true };
      const { port, received } = await sink(server);
      const { cert, key } = authority.issue({ name: "client one" });
      const endpoint = endpointOf("127.0.0.1", port);
      const tls = { ca_pem: authority.cert, cert_pem: cert, key_pem: key };
      await (await make(factory, { endpoint, tls })).consume(batch);
      assert.deepEqual(
        received.map(({ client }) => client),
        ["client one"],
      );
      const error = await failure((await make(factory, { endpoint, tls: { ca_pem: authority.cert } })).consume(batch));
      assert.equal(error.permanent, false);
      assert.equal(error.code, StatusCode.UNAVAILABLE);
      assert.equal(received.length, 1);
    });

    test("files that change: new connections have the new certificate", async () => {
      const server = { ...authority.issue(), ca: authority.cert, requestCert: true, rejectUnauthorized: true };
      const { port, received, sockets } = await sink(server);
      const path = await folder();
      const write = async (who: string): Promise<void> => {
        const { cert, key } = authority.issue({ name: who });
        await Promise.all([writeFile(join(path, "client.crt"), cert), writeFile(join(path, "client.key"), key)]);
      };
      await write("one");
      await writeFile(join(path, "ca.crt"), authority.cert);
      const lines: LogLine[] = [];
      const tls = {
        ca_file: join(path, "ca.crt"),
        cert_file: join(path, "client.crt"),
        key_file: join(path, "client.key"),
        reload_interval: "20ms",
      };
      const target = await make(factory, { endpoint: endpointOf("127.0.0.1", port), tls }, { lines });
      await target.consume(batch);
      await write("two");
      while (!lines.some(({ message }) => message.includes("have changed"))) await turn();
      await target.consume(batch);
      assert.deepEqual(
        received.map(({ client }) => client),
        ["one", "one"],
      );
      for (const socket of sockets) socket.destroy();
      while (received.at(-1)!.client !== "two") await target.consume(batch).catch(turn);
    });

    test("versions: what both sides have, or an error that is retryable", async () => {
      const { port, received } = await sink({ ...authority.issue(), minVersion: "TLSv1.3" });
      const endpoint = endpointOf("127.0.0.1", port);
      await (await make(factory, { endpoint, tls: { ca_pem: authority.cert, min_version: "1.3" } })).consume(batch);
      assert.equal(received.length, 1);
      const old = await make(factory, { endpoint, tls: { ca_pem: authority.cert, max_version: "1.2" } });
      const error = await failure(old.consume(batch));
      assert.equal(error.permanent, false);
      assert.match(error.message, /alert protocol version|ECONNRESET|closed/);
    });

    test("a file that is not there is an error of the start, with its key", async () => {
      const tls = { ca_file: "/nowhere/ca.crt" };
      await assert.rejects(
        make(factory, { endpoint: endpointOf("localhost", 1), tls }),
        new RegExp(`exporters::${name}::tls::ca_file: cannot read "/nowhere/ca.crt": there is no such file`),
      );
    });
  });
}

describe("otlp_grpc", () => {
  function vouching(headers: () => Readonly<Record<string, string>>): Extension {
    return { start: () => Promise.resolve(), shutdown: () => Promise.resolve(), clientAuthenticator: { headers } };
  }

  test("auth: the headers of now, with each call; over TLS only", async () => {
    const { port, received } = await grpcSink(authority.issue());
    let headers: Readonly<Record<string, string>> = { authorization: "Bearer 1" };
    const extensions = { "bearertokenauth/a": vouching(() => headers) };
    const config = {
      endpoint: `127.0.0.1:${port}`,
      auth: { authenticator: "bearertokenauth/a" },
      headers: { "x-tenant": "a" },
    };
    const target = await make(otlpGrpcExporter, { ...config, tls: { ca_pem: authority.cert } }, { extensions });
    await target.consume(batch);
    await target.consume(batch);
    headers = { authorization: "Bearer 2" };
    await target.consume(batch);
    assert.deepEqual(
      received.map((each) => [each.headers.authorization, each.headers["x-tenant"]]),
      [
        ["Bearer 1", "a"],
        ["Bearer 1", "a"],
        ["Bearer 2", "a"],
      ],
    );
    headers = { authorization: "Bearer \n" };
    assert.match((await failure(target.consume(batch))).message, /characters that a header cannot have/);
    const isConfigError = (pattern: RegExp) => (error: unknown) =>
      error instanceof ConfigError && pattern.test(error.message);
    await assert.rejects(
      make(otlpGrpcExporter, { ...config, tls: { insecure: true } }, { extensions }),
      isConfigError(/^exporters::otlp_grpc::auth: the credentials require transport level security/),
    );
    await assert.rejects(
      make(otlpGrpcExporter, config),
      isConfigError(/^exporters::otlp_grpc::auth::authenticator: failed to resolve authenticator "bearertokenauth\/a"/),
    );
  });

  test("zstd", async () => {
    const { port, received } = await grpcSink(undefined);
    const target = await make(otlpGrpcExporter, {
      endpoint: `127.0.0.1:${port}`,
      tls: { insecure: true },
      compression: "zstd",
    });
    await target.consume(batch);
    assert.equal(received[0]!.headers["grpc-encoding"], "zstd");
    assert.deepEqual(Buffer.from(zstdDecompressSync(received[0]!.body)), Buffer.from(bytes));
  });

  test("Unix sockets; authority and user_agent", async () => {
    const path = join(await folder(), "otlp.sock");
    const received: Received[] = [];
    for (const [at, endpoint] of [
      [path, `unix://${path}`],
      [`${path}2`, `unix:${path}2`],
      [`\0${path}`, `unix-abstract:${path}`],
    ] as const) {
      const server = createHttp2Server();
      answering(server, received);
      await listening(server, { path: at });
      const target = await make(otlpGrpcExporter, { endpoint, tls: { insecure: true } });
      await target.consume(batch);
      assert.equal(received.pop()!.headers[":authority"], "localhost");
      const named = { endpoint, tls: { insecure: true }, authority: "otel.example", user_agent: "mine/1" };
      await (await make(otlpGrpcExporter, named)).consume(batch);
      const { headers } = received.pop()!;
      assert.equal(headers[":authority"], "otel.example");
      assert.equal(headers["user-agent"], "mine/1");
    }
    const nobody = await make(otlpGrpcExporter, { endpoint: `unix://${path}3`, tls: { insecure: true } });
    const error = await failure(nobody.consume(batch));
    assert.equal(error.permanent, false);
    assert.match(error.message, /^unix:\/\/.*otlp.sock3: cannot connect: connect ENOENT/);
  });

  test("through the proxy of the environment, with TLS and without", async () => {
    const proxy = new TestProxy({ credentials: "me:word" });
    cleanup.push(() => proxy.close());
    const before = env.HTTPS_PROXY;
    env.HTTPS_PROXY = `http://me:word@${await proxy.listen()}`;
    cleanup.push(() => {
      if (before === undefined) delete env.HTTPS_PROXY;
      else env.HTTPS_PROXY = before;
    });
    const plain = await grpcSink(undefined);
    const secure = await grpcSink(authority.issue({ hosts: ["otel.example"] }));
    const big = { signal: "logs", bytes: buildPayload("logs", 5_000) } as const;
    for (const [{ port, received }, tls] of [
      [plain, { insecure: true }],
      [secure, { ca_pem: authority.cert }],
    ] as const) {
      const target = await make(otlpGrpcExporter, { endpoint: `otel.example:${port}`, tls });
      for (const each of [batch, batch, big]) await target.consume(each);
      assert.deepEqual(
        received.map(({ body }) => body.length),
        [batch, batch, big].map((each) => each.bytes.length),
      );
    }
    // Not to this machine.
    await (await make(otlpGrpcExporter, { endpoint: `127.0.0.1:${plain.port}`, tls: { insecure: true } })).consume(
      batch,
    );
    assert.deepEqual(proxy.asked, [`CONNECT otel.example:${plain.port}`, `CONNECT otel.example:${secure.port}`]);
    env.HTTPS_PROXY = env.HTTPS_PROXY!.replace("word", "wrong");
    const refused = await make(otlpGrpcExporter, { endpoint: `otel.example:${plain.port}`, tls: { insecure: true } });
    const error = await failure(refused.consume(batch));
    assert.equal(error.permanent, false);
    assert.equal(error.code, StatusCode.UNAVAILABLE);
    assert.match(error.message, /cannot connect: proxy http:\/\/127.*: it refused the tunnel to otel.example:\d+: 407/);
  });
});

test("configurations of the Collector's own documentation and tests are read as they are", () => {
  const documented: [ExporterFactory, object][] = [
    [
      otlpGrpcExporter, // configgrpc
      {
        endpoint: "otelcol2:55690",
        auth: { authenticator: "some-authenticator-extension" },
        tls: { ca_file: "ca.pem", cert_file: "cert.pem", key_file: "key.pem" },
        headers: { test1: "value1" },
      },
    ],
    [
      otlpGrpcExporter, // otlpexporter
      {
        endpoint: "1.2.3.4:1234",
        compression: "gzip",
        tls: { ca_file: "/var/lib/mycert.pem" },
        timeout: "10s",
        sending_queue: {
          enabled: true,
          sizer: "items",
          num_consumers: 2,
          queue_size: 100_000,
          batch: { flush_timeout: "200ms", min_size: 1_000, max_size: 10_000 },
        },
        auth: { authenticator: "nop" },
        keepalive: { time: "20s", timeout: "30s", permit_without_stream: true },
        balancer_name: "round_robin",
      },
    ],
    // configtls
    [
      otlpGrpcExporter,
      {
        endpoint: "myserver.local:55690",
        tls: {
          insecure: false,
          ca_file: "server.crt",
          cert_file: "client.crt",
          key_file: "client.key",
          min_version: "1.1",
          max_version: "1.2",
        },
      },
    ],
    [otlpGrpcExporter, { endpoint: "myserver.local:55690", tls: { insecure: true } }],
    [otlpGrpcExporter, { endpoint: "myserver.local:55690", tls: { insecure: false, insecure_skip_verify: true } }],
    [
      otlpHttpExporter, // otlphttpexporter
      {
        endpoint: "https://1.2.3.4:1234",
        tls: { ca_file: "/var/lib/mycert.pem", cert_file: "certfile", key_file: "keyfile", insecure: true },
        timeout: "10s",
        read_buffer_size: 123,
        write_buffer_size: 345,
        headers: { header1: "234", another: "somevalue" },
        compression: "gzip",
        profiles_endpoint: "https://custom.profiles.endpoint:8080/v1development/profiles",
      },
    ],
  ];
  for (const [factory, config] of documented) {
    const { error } = factory.schema.safeParse(config);
    assert.equal(error, undefined, JSON.stringify(config));
  }
});
