import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type IncomingMessage, request as plainRequest } from "node:http";
import { Agent, request } from "node:https";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { type ConnectionOptions, connect } from "node:tls";
import { credentials, status } from "@grpc/grpc-js";
import type { Receiver } from "../../component/component.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { Authority, type Issued } from "../../transport/testing/authority.ts";
import { GrpcTestClient } from "../../transport/testing/grpc.ts";
import { createReceiver, startReceiver } from "./testing/receiver.ts";

const authority = new Authority();
const stranger = new Authority("a stranger");
const own = authority.issue();
const theirs = authority.issue({ name: "a client" });
const strange = stranger.issue({ name: "a stranger's client" });
const bytes = buildPayload("logs", 20);

let folder: string;
const cleanup: (() => Promise<void> | void)[] = [];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "otelwasm-otlp-tls-"));
});
after(() => rm(folder, { recursive: true }));
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each();
});

async function put(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

async function files({ cert, key }: Issued, name = "server"): Promise<{ cert_file: string; key_file: string }> {
  return { cert_file: await put(`${name}.crt`, cert), key_file: await put(`${name}.key`, key) };
}

async function start(protocol: "grpc" | "http", tls: object) {
  const started = await startReceiver(protocol, { tls });
  cleanup.push(() => started.receiver.shutdown());
  assert.equal(started.url.protocol, "https:");
  return started;
}

/** What a client brings: whom it trusts, and its own certificate. */
interface Client {
  readonly ca: string;
  readonly own?: Issued;
}

/** Sends one batch; resolves with `ok`, or with what the client saw. */
type Send = (url: URL, client: Client) => Promise<string>;

const sendGrpc: Send = async (url, { ca, own: mine }) => {
  const key = mine === undefined ? null : Buffer.from(mine.key);
  const chain = mine === undefined ? null : Buffer.from(mine.cert);
  // It cannot verify the name of an address.
  const grpc = new GrpcTestClient(`localhost:${url.port}`, {}, credentials.createSsl(Buffer.from(ca), key, chain));
  const outcome = await grpc.call("logs", bytes, { timeoutMs: 20_000 });
  grpc.close();
  if (!("error" in outcome)) return "ok";
  assert.equal(outcome.error.code, status.UNAVAILABLE);
  return outcome.error.message;
};

function post(options: object): Promise<string> {
  return new Promise((resolve) => {
    const sent = request(
      { path: "/v1/logs", method: "POST", headers: { "content-type": "application/x-protobuf" }, ...options },
      (response: IncomingMessage) => {
        response.resume();
        resolve(response.statusCode === 200 ? "ok" : `HTTP ${response.statusCode}`);
      },
    );
    sent.on("error", (error) => resolve(`${"code" in error ? error.code : ""} ${error.message}`));
    sent.end(bytes);
  });
}

const sendHttp: Send = (url, { ca, own: mine }) =>
  post({ host: url.hostname, port: url.port, ca, ...mine, agent: false });

for (const [protocol, send] of [
  ["grpc", sendGrpc],
  ["http", sendHttp],
] as const) {
  describe(protocol, () => {
    test("who trusts its authority delivers, others say nothing", async () => {
      const { url, next } = await start(protocol, await files(own));
      assert.equal(await send(url, { ca: authority.cert }), "ok");
      assert.deepEqual(Buffer.from(next.batches[0]!.bytes), Buffer.from(bytes));
      assert.match(await send(url, { ca: stranger.cert }), /certificate|unable to|No connection/i);
      assert.equal(next.batches.length, 1);
    });

    test("mTLS: only clients of the authority get through", async () => {
      const client_ca_file = await put("clients.pem", authority.cert);
      const { url, next } = await start(protocol, { ...(await files(own)), client_ca_file });
      assert.equal(await send(url, { ca: authority.cert, own: theirs }), "ok");
      assert.notEqual(await send(url, { ca: authority.cert }), "ok");
      assert.notEqual(await send(url, { ca: authority.cert, own: strange }), "ok");
      const expired = authority.issue({ notBefore: new Date(0), notAfter: new Date(1_000) });
      assert.notEqual(await send(url, { ca: authority.cert, own: expired }), "ok");
      assert.equal(next.batches.length, 1);
    });

    test("an expired certificate is served and warned of; clients do not take it", async () => {
      const expired = authority.issue({ notBefore: new Date(0), notAfter: new Date(1_000) });
      const { url, lines } = await start(protocol, await files(expired, "expired"));
      assert.match(await send(url, { ca: authority.cert }), /expired|No connection/i);
      assert.ok(lines.some(({ level, message }) => level === "warn" && message.includes("has expired")));
    });

    test("a connection stays when the certificate changes, the next one gets the new one", async () => {
      const pair = await files(authority.issue({ name: "one" }), "changing");
      const { url, lines } = await start(protocol, { ...pair, reload_interval: "5ms" });
      const kept = await handshake(url);
      assert.equal(kept.getPeerCertificate().subject.CN, "one");
      const two = authority.issue({ name: "two" });
      await Promise.all([writeFile(pair.cert_file, two.cert), writeFile(pair.key_file, two.key)]);
      let socket = await handshake(url);
      // Nobody tells when the files have been read again.
      while (socket.getPeerCertificate().subject.CN !== "two") {
        socket.destroy();
        socket = await handshake(url);
      }
      assert.equal(kept.readyState, "open");
      assert.ok(lines.some(({ message }) => message.includes("certificates have changed")));
      assert.equal(await send(url, { ca: authority.cert }), "ok");
      kept.destroy();
      socket.destroy();
    });

    test("plaintext to its port is no way in, and is told of", async () => {
      const { url, lines } = await start(protocol, await files(own));
      const socket = connectPlain(Number(url.port), url.hostname);
      socket.on("error", () => undefined);
      socket.resume();
      socket.write("POST /v1/logs HTTP/1.1\r\nhost: x\r\n\r\n");
      await once(socket, "close");
      assert.ok(lines.some(({ level, message }) => level === "warn" && message.startsWith("TLS handshake failed: ")));
    });

    test("a handshake that does not come to an end does not hold up the shutdown", async () => {
      const { url, receiver } = await start(protocol, await files(own));
      const socket = connectPlain(Number(url.port), url.hostname);
      socket.on("error", () => undefined);
      socket.resume();
      await once(socket, "connect");
      // Its bytes come after the connection that is counted, in any case.
      const inside = await handshake(url);
      inside.on("error", () => undefined).resume();
      await receiver.shutdown();
      if (!socket.closed) await once(socket, "close");
      inside.destroy();
    });

    test("a file that is not there ends the start, by its name", async () => {
      const receiver: Receiver = createReceiver(protocol, {
        tls: { cert_file: "/nowhere.crt", key_file: "/nowhere.key" },
      });
      await assert.rejects(receiver.start(), (error) => {
        assert.ok(error instanceof Error);
        assert.match(
          error.message,
          new RegExp(
            `^receivers::otlp::protocols::${protocol}::tls::(?:cert|key)_file: cannot read "/nowhere\\.(?:crt|key)": there is no such file`,
          ),
        );
        return true;
      });
      await receiver.shutdown();
    });
  });
}

async function handshake(url: URL, options: ConnectionOptions = {}) {
  const protocols = { ALPNProtocols: ["h2", "http/1.1"] };
  const socket = connect({ port: Number(url.port), host: url.hostname, ca: authority.cert, ...protocols, ...options });
  socket.on("error", () => undefined);
  await once(socket, "secureConnect");
  return socket;
}

test("each protocol speaks the version of HTTP that it is made for", async () => {
  const pair = await files(own);
  const grpc = await start("grpc", pair);
  const http = await start("http", pair);
  const [two, one] = [await handshake(grpc.url), await handshake(http.url)];
  assert.deepEqual([two.alpnProtocol, one.alpnProtocol], ["h2", "http/1.1"]);
  two.destroy();
  one.destroy();
  const silent = await handshake(grpc.url, { ALPNProtocols: [] });
  silent.resume();
  await once(silent, "close");
  const wrong = connect({
    port: Number(grpc.url.port),
    host: grpc.url.hostname,
    ca: authority.cert,
    ALPNProtocols: ["http/1.1"],
  });
  const [error]: unknown[] = await once(wrong, "error");
  assert.match(String(error), /no application protocol/i);
});

test("versions of TLS, as configured", async () => {
  const { url } = await start("http", { ...(await files(own)), min_version: "1.3" });
  const { url: older } = await start("http", { ...(await files(own)), max_version: "1.2" });
  const newer = await handshake(url);
  assert.equal(newer.getProtocol(), "TLSv1.3");
  const old = await handshake(older);
  assert.equal(old.getProtocol(), "TLSv1.2");
  newer.destroy();
  old.destroy();
  const refused = connect({ port: Number(url.port), host: url.hostname, ca: authority.cert, maxVersion: "TLSv1.2" });
  const [error]: unknown[] = await once(refused, "error");
  assert.match(String(error), /protocol version/i);
});

test("over TLS, keep-alive and large bodies are what they are without", async () => {
  const { url, next } = await start("http", await files(own));
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: authority.cert });
  const large = buildPayload("logs", 20_000);
  const options = { host: url.hostname, port: url.port, agent };
  for (let index = 0; index < 3; index++) assert.equal(await post(options), "ok");
  agent.destroy();
  const whole = await new Promise<number | undefined>((resolve, reject) => {
    const sent = request(
      new URL("/v1/logs", url),
      { method: "POST", ca: authority.cert, agent: false, headers: { "content-type": "application/x-protobuf" } },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    sent.on("error", reject);
    sent.end(large);
  });
  assert.equal(whole, 200);
  assert.deepEqual(Buffer.from(next.batches.at(-1)!.bytes), Buffer.from(large));
  // Who speaks HTTP without TLS gets no answer.
  const plain = plainRequest({ host: url.hostname, port: url.port });
  const [error]: unknown[] = await once(plain.end(), "error");
  assert.match(String(error), /hang up|ECONNRESET/);
});
