import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Receiver } from "../../component/component.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { GrpcTestClient } from "../../transport/testing/grpc.ts";
import { createReceiver, startReceiver } from "./testing/receiver.ts";

const bytes = buildPayload("logs", 20);
const PROTOBUF = { "content-type": "application/x-protobuf" };
const ORIGIN = "https://app.example.com";

let folder: string;
const cleanup: (() => Promise<void> | void)[] = [];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "otelwasm-http-"));
});
after(() => rm(folder, { recursive: true }));
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each();
});

async function start(config: object, protocol: "grpc" | "http" = "http") {
  const started = await startReceiver(protocol, config);
  cleanup.push(() => started.receiver.shutdown());
  return started;
}

function ask(url: URL, headers: Record<string, string>, method = "POST"): Promise<Response> {
  return fetch(new URL("/v1/logs", url), { method, headers, body: method === "POST" ? bytes : null });
}

/** The CORS headers of an answer. */
function corsOf({ headers }: Response): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => name === "vary" || name.startsWith("access-control-")));
}

async function preflight(config: object, origin: string, headers?: string, method = "POST") {
  const { url } = await start({ cors: config });
  const wanted = headers === undefined ? {} : { "access-control-request-headers": headers };
  const answer = await ask(url, { origin, "access-control-request-method": method, ...wanted }, "OPTIONS");
  assert.equal(answer.status, 204);
  assert.equal(await answer.text(), "");
  return corsOf(answer);
}

const VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
const ALLOWED = {
  vary: VARY,
  "access-control-allow-origin": ORIGIN,
  "access-control-allow-methods": "POST",
  "access-control-allow-credentials": "true",
};

describe("cors", () => {
  test("a preflight is answered for origins that are allowed", async () => {
    for (const allowed of [ORIGIN, "https://*.example.com", "HTTPS://App.Example.com", "https://app*"])
      assert.deepEqual(await preflight({ allowed_origins: ["http://other", allowed] }, ORIGIN), ALLOWED, allowed);
    assert.deepEqual(await preflight({ allowed_origins: ["http://other", "*"] }, ORIGIN), {
      ...ALLOWED,
      "access-control-allow-origin": "*",
    });
    for (const refused of ["https://example.com", "https://*.example.org", "https://app.example.com*m"])
      assert.deepEqual(await preflight({ allowed_origins: [refused] }, ORIGIN), { vary: VARY }, refused);
    assert.deepEqual(await preflight({ allowed_origins: ["*"] }, ORIGIN, undefined, "PUT"), { vary: VARY });
  });

  test("a preflight names the headers that may be sent", async () => {
    const named = (headers: string) => ({ ...ALLOWED, "access-control-allow-headers": headers });
    const origins = { allowed_origins: [ORIGIN] };
    assert.deepEqual(await preflight(origins, ORIGIN, "content-type"), named("content-type"));
    assert.deepEqual(await preflight(origins, ORIGIN, "x-requested-with"), named("x-requested-with"));
    assert.deepEqual(await preflight(origins, ORIGIN, "authorization"), { vary: VARY });
    const some = { ...origins, allowed_headers: ["Authorization", "X-Key"], max_age: 7200 };
    assert.deepEqual(await preflight(some, ORIGIN, "authorization, content-type,x-key"), {
      ...named("authorization, content-type,x-key"),
      "access-control-max-age": "7200",
    });
    assert.deepEqual(await preflight(some, ORIGIN, "x-requested-with"), { vary: VARY });
    const all = { ...origins, allowed_headers: ["*"], max_age: -1 };
    assert.deepEqual(await preflight(all, ORIGIN, "x-anything"), {
      ...named("x-anything"),
      "access-control-max-age": "0",
    });
  });

  test("answers say who may read them, refusals too; a program may not send what is not OTLP", async () => {
    const { url, next } = await start({ cors: { allowed_origins: [ORIGIN], exposed_headers: ["Retry-After", "x-a"] } });
    const seen = {
      vary: "Origin",
      "access-control-allow-origin": ORIGIN,
      "access-control-expose-headers": "Retry-After, x-a",
      "access-control-allow-credentials": "true",
    };
    const good = await ask(url, { origin: ORIGIN, ...PROTOBUF });
    assert.deepEqual([good.status, corsOf(good)], [200, seen]);
    const bad = await ask(url, { origin: ORIGIN, "content-type": "text/plain" });
    assert.deepEqual([bad.status, corsOf(bad)], [415, seen]);
    // It is for browsers to keep programs of other origins from answers: the request is as good as any.
    assert.deepEqual(corsOf(await ask(url, { origin: "https://evil", ...PROTOBUF })), { vary: "Origin" });
    assert.deepEqual(corsOf(await ask(url, PROTOBUF)), { vary: "Origin" });
    assert.equal(next.batches.length, 3);
    assert.equal((await ask(url, { origin: ORIGIN }, "OPTIONS")).status, 405);
  });

  test("comes before authentication, which browsers do not send with a preflight", async () => {
    const refuse = () => {
      throw new Error("not asked");
    };
    const extension = { gate: { serverAuthenticator: { challenge: "Test", authenticate: refuse } } };
    const config = { cors: { allowed_origins: ["*"] }, auth: { authenticator: "gate" } };
    const { url, receiver } = await startReceiver("http", config, extension);
    cleanup.push(() => receiver.shutdown());
    const headers = { origin: ORIGIN, "access-control-request-method": "POST" };
    assert.equal((await ask(url, headers, "OPTIONS")).status, 204);
    const refused = await ask(url, { origin: ORIGIN, ...PROTOBUF });
    assert.equal(refused.headers.get("access-control-allow-origin"), "*");
  });

  test("without origins there is none, and headers for it are warned of", async () => {
    const { url, lines } = await start({ cors: { allowed_headers: ["x"] } });
    assert.ok(lines.some(({ message }) => message.includes("allowed headers but no allowed origins")));
    assert.deepEqual(corsOf(await ask(url, { origin: ORIGIN, ...PROTOBUF })), {});
    assert.equal((await ask(url, { origin: ORIGIN, "access-control-request-method": "POST" }, "OPTIONS")).status, 405);
  });
});

describe("answers", () => {
  test("response_headers are in each of them", async () => {
    const { url } = await start({ response_headers: { "X-One": "1", "strict-transport-security": "max-age=1" } });
    const json = { "content-type": "application/json" };
    for (const headers of [PROTOBUF, json, { "content-type": "text/plain" }]) {
      const answer = await ask(url, headers);
      assert.deepEqual(
        [answer.headers.get("x-one"), answer.headers.get("strict-transport-security")],
        ["1", "max-age=1"],
      );
      assert.ok(answer.headers.get("content-type"));
    }
    const listed = await start({ response_headers: [{ name: "x-two", value: "2" }] });
    assert.equal((await ask(listed.url, PROTOBUF)).headers.get("x-two"), "2");
  });

  test("keep_alives_enabled: false closes after each", async () => {
    const { url } = await start({ keep_alives_enabled: false });
    assert.equal((await ask(url, PROTOBUF)).headers.get("connection"), "close");
  });
});

test("compression_algorithms are those that may be sent", async () => {
  const { url } = await start({ compression_algorithms: ["gzip", "deflate"] });
  const send = async (coding: string | undefined, body: Uint8Array) => {
    const headers = coding === undefined ? PROTOBUF : { ...PROTOBUF, "content-encoding": coding };
    const answer = await fetch(new URL("/v1/logs", url), { method: "POST", headers, body: Buffer.from(body) });
    return [answer.status, answer.headers.get("accept-encoding")];
  };
  assert.deepEqual(await send("gzip", gzipSync(bytes)), [200, null]);
  assert.deepEqual(await send("zstd", zstdCompressSync(bytes)), [400, "gzip, deflate"]);
  // As in the Collector: what is not compressed has to be in the list, as an empty text.
  assert.deepEqual(await send(undefined, bytes), [400, "gzip, deflate"]);
});

/** Resolves with all that has come when the server has closed the connection. */
async function closedBy(url: URL, text: string | Uint8Array): Promise<string> {
  const socket: Socket = connect(Number(url.port), url.hostname);
  cleanup.push(() => void socket.destroy());
  let received = "";
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
  });
  socket.write(text);
  await once(socket, "close");
  return received;
}

const HEAD = `POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n`;

describe("time", () => {
  test("read_header_timeout and read_timeout end what does not come", async () => {
    const { url } = await start({ read_header_timeout: "100ms" });
    assert.match(await closedBy(url, HEAD), /^HTTP\/1\.1 408 /);
    const { url: other } = await start({ read_timeout: "100ms" });
    assert.match(await closedBy(other, `${HEAD}content-length: 10\r\n\r\nabc`), /^HTTP\/1\.1 408 /);
  });

  test("idle_timeout ends a connection without requests", async () => {
    const { url } = await start({ idle_timeout: "50ms" });
    assert.match(await closedBy(url, `${HEAD}content-length: 0\r\n\r\n`), /^HTTP\/1\.1 200 /);
  });

  test("write_timeout ends a request that is not answered, and no other", async () => {
    const { url, next } = await start({ write_timeout: "100ms" });
    assert.equal((await ask(url, PROTOBUF)).status, 200);
    const answer = Promise.withResolvers<void>();
    next.answer = () => answer.promise;
    const head = Buffer.from(`${HEAD}content-length: ${bytes.length}\r\n\r\n`);
    assert.equal(await closedBy(url, Buffer.concat([head, bytes])), "");
    answer.resolve();
  });
});

describe("a Unix socket", { skip: process.platform === "win32" ? "Windows has none in files" : false }, () => {
  function post(path: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const options = { socketPath: path, path: "/v1/logs", method: "POST", headers: PROTOBUF, agent: false };
      request(options, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end(bytes);
    });
  }

  async function startAt(protocol: "grpc" | "http", path: string): Promise<Receiver> {
    const { receiver } = await startReceiver(protocol, { endpoint: path, transport: "unix" });
    cleanup.push(() => receiver.shutdown());
    assert.equal(receiver.endpoints?.[0]?.url, `unix://${path}`);
    return receiver;
  }

  test("takes OTLP over both protocols, and leaves nothing in the folder", async () => {
    const path = join(folder, "http.sock");
    const http = await startAt("http", path);
    assert.equal(await post(path), 200);
    await http.shutdown();
    await assert.rejects(stat(path));
    const other = join(folder, "grpc.sock");
    const grpc = await startAt("grpc", other);
    const client = new GrpcTestClient(`unix:${other}`);
    assert.ok("answer" in (await client.call("logs", bytes)));
    client.close();
    await grpc.shutdown();
    await assert.rejects(stat(other));
  });

  test("one that a killed process has left is replaced; one that is in use, or another file, is not", async () => {
    const path = join(folder, "left.sock");
    // A socket whose file stays: bound elsewhere, moved here.
    const dead = createServer().listen(join(folder, "dead.sock"));
    await once(dead, "listening");
    await rename(join(folder, "dead.sock"), path);
    await assert.rejects(
      createReceiver("http", { endpoint: path, transport: "unix" }).start(),
      /in use \(EADDRINUSE\)/,
    );
    dead.close();
    await once(dead, "close");
    assert.ok((await stat(path)).isSocket());
    await startAt("http", path);
    assert.equal(await post(path), 200);
    const file = join(folder, "file");
    await writeFile(file, "");
    await assert.rejects(createReceiver("http", { endpoint: file, transport: "unix" }).start(), /EADDRINUSE/);
    assert.ok((await stat(file)).isFile());
  });

  test("of Linux without a file", { skip: process.platform === "linux" ? false : "only Linux has them" }, async () => {
    const name = `@otelwasm-test-${process.pid}`;
    await startAt("http", name);
    assert.equal(await post(`\0${name.slice(1)}`), 200);
  });
});
