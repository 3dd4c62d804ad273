import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { afterEach, describe, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { type HeaderLookup, type ServerAuthenticator, unauthenticated } from "../../component/auth.ts";
import { ConfigError, ConsumerError } from "../../component/errors.ts";
import { extensionSettings } from "../../component/testing/settings.ts";
import { decodeStatus, decodeStatusJson } from "../../telemetry/response.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { OTLP } from "../../transport/otlp.ts";
import { GrpcTestClient } from "../../transport/testing/grpc.ts";
import { basicAuthExtension } from "../basicauth/factory.ts";
import { bearerTokenAuthExtension } from "../bearertokenauth/factory.ts";
import { createReceiver, startReceiver } from "./testing/receiver.ts";

const bytes = buildPayload("logs", 20);
const PROTOBUF = { "content-type": "application/x-protobuf" };
const AUTH = { auth: { authenticator: "gate" } };

const cleanup: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each();
});

async function start(protocol: "grpc" | "http", serverAuthenticator: ServerAuthenticator, config: object = AUTH) {
  const started = await startReceiver(protocol, config, { gate: { serverAuthenticator } });
  cleanup.push(() => started.receiver.shutdown());
  return started;
}

function call(url: URL, metadata: Record<string, string> = {}) {
  const grpc = new GrpcTestClient(url);
  cleanup.push(() => grpc.close());
  return grpc.call("logs", bytes, { metadata });
}

async function post(url: URL, headers: Record<string, string>, path = "/v1/logs", method = "POST"): Promise<Response> {
  const body = method === "GET" ? null : bytes;
  return await fetch(new URL(path, url), { method, headers: { ...PROTOBUF, ...headers }, body });
}

/** Lets in who says `yes`, when the test says so. */
class Gate implements ServerAuthenticator {
  readonly challenge = "Test";
  readonly waiting: PromiseWithResolvers<void>[] = [];
  asked: () => void = () => {};

  authenticate(header: HeaderLookup): Promise<void> {
    const answer = Promise.withResolvers<void>();
    this.waiting.push(answer);
    const known = header("authorization") === "yes";
    this.asked();
    return answer.promise.then(() => {
      if (!known) throw unauthenticated("who are you?");
    });
  }
}

describe("auth", () => {
  test("names an extension that can do it", () => {
    for (const protocol of ["grpc", "http"] as const) {
      const where = `receivers::otlp::protocols::${protocol}::auth::authenticator`;
      for (const [extensions, message] of [
        [
          {},
          `${where}: failed to resolve authenticator "gate": authenticator not found; it has to be in service::extensions`,
        ],
        [{ gate: {} }, `${where}: "gate" is not a server authenticator: it cannot tell who may send`],
      ] as const)
        assert.throws(
          () => createReceiver(protocol, AUTH, extensions),
          (error) => {
            assert.ok(error instanceof ConfigError);
            assert.deepEqual(error.issues, [message]);
            return true;
          },
        );
    }
  });

  test("gRPC: a token that is right, wrong, missing", async () => {
    const config = bearerTokenAuthExtension.schema.parse({ token: "open sesame".split(" ")[1] });
    const extension = bearerTokenAuthExtension.create(extensionSettings("gate"), config);
    const { url, next } = await start("grpc", extension.serverAuthenticator!);
    assert.ok("answer" in (await call(url, { authorization: "Bearer sesame" })));
    const wrong = await call(url, { authorization: "Bearer semame" });
    assert.ok("error" in wrong);
    assert.equal(wrong.error.code, status.UNAUTHENTICATED);
    assert.equal(wrong.error.details, "provided authorization does not match expected scheme or token");
    const missing = await call(url);
    assert.ok("error" in missing && missing.error.code === status.UNAUTHENTICATED);
    assert.equal(missing.error.details, "missing or empty authorization header: authorization");
    assert.equal(next.batches.length, 1);
  });

  test("HTTP: a name and a password that are right, wrong, missing", async () => {
    const hash = "$2a$05$tBHRSS66h4nY9LZprkRCZuhpI3z4Xw9Jn17zqs11GdTAhZj3LLuO2";
    const config = basicAuthExtension.schema.parse({ htpasswd: { inline: `me:${hash}` } });
    const extension = basicAuthExtension.create(extensionSettings("gate"), config);
    await extension.start();
    cleanup.push(() => extension.shutdown());
    const { url, next } = await start("http", extension.serverAuthenticator!);
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
    for (let time = 0; time < 3; time++) assert.equal((await post(url, basic("me:secret"))).status, 200);
    assert.deepEqual(Buffer.from(next.batches[0]!.bytes), Buffer.from(bytes));
    const wrong = await post(url, basic("me:sacred"));
    assert.equal(wrong.status, 401);
    assert.equal(wrong.headers.get("www-authenticate"), 'Basic realm="otelwasm", charset="UTF-8"');
    assert.equal(wrong.headers.get("content-type"), "application/x-protobuf");
    const { code, message } = decodeStatus(Buffer.from(await wrong.arrayBuffer()));
    assert.deepEqual([code, message], [status.UNAUTHENTICATED, "invalid credentials"]);
    const json = await post(url, { "content-type": "application/json" });
    assert.deepEqual([json.status, json.headers.get("content-type")], [401, "application/json"]);
    assert.equal(decodeStatusJson(await json.text()).message, "no basic auth provided");
    assert.equal(next.batches.length, 3);
  });

  test("HTTP: nobody is told more before they are let in, not even which paths there are", async () => {
    const { url } = await start("http", {
      challenge: "Test",
      authenticate: (header) => {
        if (header("authorization") !== "yes") throw unauthenticated("who are you?");
      },
    });
    assert.equal((await post(url, {}, "/nowhere")).status, 401);
    assert.equal((await post(url, {}, "/v1/logs", "GET")).status, 401);
    assert.equal((await post(url, { authorization: "yes" }, "/nowhere")).status, 404);
    assert.equal((await post(url, { authorization: "yes" }, "/v1/logs", "GET")).status, 405);
    assert.equal((await post(url, { authorization: "yes", "content-type": "text/plain" })).status, 415);
  });

  test("HTTP: a parameter of the query may stand for a header", async () => {
    const seen: (string | undefined)[] = [];
    const { url } = await start(
      "http",
      { challenge: "Test", authenticate: (header) => void seen.push(header("authorization")) },
      { auth: { authenticator: "gate", request_params: ["authorization", "token"] } },
    );
    await post(url, { authorization: "header" });
    await post(url, { authorization: "header" }, "/v1/logs?authorization=a%20b&token=x");
    await post(url, {}, "/v1/logs?other=1");
    assert.deepEqual(seen, ["header", "a b", undefined]);
  });

  test("what cannot be told now is to be tried again", async () => {
    const busy: ServerAuthenticator = {
      challenge: "Test",
      authenticate: () => Promise.reject(ConsumerError.retryable("too much to do", { retryAfterMs: 1_500 })),
    };
    const http = await start("http", busy);
    const answer = await post(http.url, {});
    assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, "2"]);
    assert.equal(answer.headers.get("www-authenticate"), null);
    const grpc = await start("grpc", busy);
    const outcome = await call(grpc.url);
    assert.ok("error" in outcome && outcome.error.code === status.UNAVAILABLE);
  });

  test("HTTP: of a body, nothing is read before its sender is known", async () => {
    const gate = new Gate();
    const { url, next } = await start("http", gate);
    const asked = new Promise<void>((resolve) => {
      gate.asked = resolve;
    });
    const socket = connect(Number(url.port), url.hostname);
    cleanup.push(() => void socket.destroy());
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
    });
    socket.write("POST /v1/logs HTTP/1.1\r\nhost: x\r\nauthorization: yes\r\nexpect: 100-continue\r\n");
    socket.write(`content-type: application/x-protobuf\r\ncontent-length: ${bytes.length}\r\n\r\n`);
    await asked;
    assert.equal(text, "");
    gate.waiting[0]!.resolve();
    while (!text.includes("100 Continue")) await once(socket, "data");
    socket.write(bytes);
    while (!text.includes("200 OK")) await once(socket, "data");
    assert.equal(next.batches.length, 1);
  });

  test("gRPC: a connection is not read from before the sender of a call is known", async () => {
    const gate = new Gate();
    const { url, next } = await start("grpc", gate);
    const asked = new Promise<void>((resolve) => {
      gate.asked = resolve;
    });
    const session = connectHttp2(url.origin);
    cleanup.push(() => session.destroy());
    const begin = (authorization: string) =>
      session.request({
        ":method": "POST",
        ":path": OTLP.logs.grpcPath,
        "content-type": "application/grpc",
        te: "trailers",
        authorization,
      });
    const good = begin("yes");
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(bytes.length, 1);
    await asked;
    good.end(Buffer.concat([frame, bytes]));
    // What a ping would say, the server does not read.
    let answered = false;
    session.ping(() => {
      answered = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(next.batches.length, 0);
    assert.equal(answered, false);
    gate.waiting[0]!.resolve();
    const [headers]: unknown[] = await once(good, "response");
    assert.ok(typeof headers === "object" && headers !== null);
    good.resume();
    await once(good, "close");
    assert.equal(next.batches.length, 1);

    const askedAgain = new Promise<void>((resolve) => {
      gate.asked = resolve;
    });
    const bad = begin("no");
    bad.end(Buffer.concat([frame, bytes]));
    await askedAgain;
    gate.waiting[1]!.resolve();
    const [refused]: { "grpc-status"?: string }[] = await once(bad, "response");
    assert.equal(refused?.["grpc-status"], String(status.UNAUTHENTICATED));
    assert.equal(next.batches.length, 1);
  });

  test("gRPC: who goes while it is asked who they are does not hold up the shutdown", async () => {
    const gate = new Gate();
    const { url, receiver } = await start("grpc", gate);
    const asked = new Promise<void>((resolve) => {
      gate.asked = resolve;
    });
    const grpc = new GrpcTestClient(url);
    const outcome = grpc.call("logs", bytes, { metadata: { authorization: "yes" }, timeoutMs: 50 });
    await asked;
    assert.ok("error" in (await outcome));
    grpc.close();
    gate.waiting[0]!.resolve();
    await receiver.shutdown();
  });
});
