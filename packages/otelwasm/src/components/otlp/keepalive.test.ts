import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { afterEach, describe, test } from "node:test";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { frame } from "../../transport/grpc.ts";
import { OTLP } from "../../transport/otlp.ts";
import { GrpcTestClient } from "../../transport/testing/grpc.ts";
import { startReceiver } from "./testing/receiver.ts";

const bytes = buildPayload("logs", 5);
const cleanup: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each();
});

async function start(keepalive: object) {
  const started = await startReceiver("grpc", { keepalive });
  cleanup.push(() => started.receiver.shutdown());
  return started;
}

interface Farewell {
  readonly code: number;
  readonly text: string;
}

/** A client that keeps what the server says when it goes. */
async function open(
  url: URL,
): Promise<{ session: ClientHttp2Session; goodbye: Promise<Farewell>; closed: Promise<unknown> }> {
  const session = connectHttp2(url.origin);
  cleanup.push(() => session.destroy());
  session.on("error", () => undefined);
  const goodbye = new Promise<Farewell>((resolve) => {
    session.once("goaway", (code, _lastId, data?: Uint8Array) =>
      resolve({ code, text: Buffer.from(data ?? []).toString() }),
    );
  });
  const closed = new Promise((resolve) => session.once("close", resolve));
  await once(session, "remoteSettings");
  return { session, goodbye, closed };
}

/** A call; resolves with its status, `""` if there is none. */
async function call(session: ClientHttp2Session): Promise<string> {
  const headers = {
    ":method": "POST",
    ":path": OTLP.logs.grpcPath,
    "content-type": "application/grpc",
    te: "trailers",
  };
  const stream = session.request(headers);
  let status = "";
  stream.on("trailers", (trailers) => {
    status = String(trailers["grpc-status"]);
  });
  stream.on("error", () => undefined);
  stream.resume().end(frame(bytes, false));
  await once(stream, "close");
  return status;
}

function ping(session: ClientHttp2Session): Promise<boolean> {
  return new Promise((resolve) => {
    if (session.destroyed || !session.ping((error) => resolve(error === null))) resolve(false);
  });
}

/** Introduces itself, and that is all. */
function silentClient(url: URL): Socket {
  const socket = connect(Number(url.port), url.hostname);
  cleanup.push(() => void socket.destroy());
  socket.on("error", () => undefined);
  socket.resume();
  const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
  socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), settings]));
  return socket;
}

const CALM = constants.NGHTTP2_ENHANCE_YOUR_CALM;

describe("server_parameters", () => {
  test("max_connection_idle: who has no call for so long is let go; who has one is not", async () => {
    const { url, next } = await start({ server_parameters: { max_connection_idle: "100ms" } });
    const answer = Promise.withResolvers<void>();
    next.answer = () => answer.promise;
    const busy = await open(url);
    const status = call(busy.session);
    await next.until(1);
    const idle = await open(url);
    assert.deepEqual(await idle.goodbye, { code: 0, text: "max_idle" });
    await idle.closed;
    // The time of the busy one would be over by now.
    assert.equal(busy.session.closed, false);
    answer.resolve();
    assert.equal(await status, "0");
    assert.deepEqual(await busy.goodbye, { code: 0, text: "max_idle" });
    await busy.closed;
  });

  test("a client that says nothing to the farewell is let go all the same", async () => {
    const { url } = await start({ server_parameters: { max_connection_idle: "50ms" } });
    await once(silentClient(url), "close");
  });

  test("max_connection_age: the last call is answered, the next one comes by another connection", async () => {
    const { url, next } = await start({ server_parameters: { max_connection_age: "100ms" } });
    const answer = Promise.withResolvers<void>();
    next.answer = () => answer.promise;
    const { session, goodbye, closed } = await open(url);
    const status = call(session);
    assert.deepEqual(await goodbye, { code: 0, text: "max_age" });
    answer.resolve();
    assert.equal(await status, "0");
    await closed;
    const grpc = new GrpcTestClient(url);
    for (let index = 0; index < 5; index++) assert.ok("answer" in (await grpc.call("logs", bytes)));
    grpc.close();
  });

  test("max_connection_age_grace: a call that takes longer is given up", async () => {
    const { url, next } = await start({
      server_parameters: { max_connection_age: "50ms", max_connection_age_grace: "50ms" },
    });
    const answer = Promise.withResolvers<void>();
    next.answer = () => answer.promise;
    const { session, closed } = await open(url);
    assert.equal(await call(session), "");
    await closed;
    answer.resolve();
  });

  test("time and timeout: who does not answer a ping is cut off, who does is not", async () => {
    const { url, lines } = await start({ server_parameters: { time: "1s", timeout: "200ms" } });
    const alive = await open(url);
    const silent = silentClient(url);
    await once(silent, "close");
    const said = () => lines.find(({ attributes }) => attributes?.reason === "the client does not answer pings");
    // The client may see the end before the server does.
    while (said() === undefined) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await call(alive.session), "0");
  });
});

describe("enforcement_policy", () => {
  test("pings without calls: the fourth is one too many", async () => {
    const { url } = await start({});
    const { session, goodbye } = await open(url);
    for (let index = 0; index < 3; index++) assert.equal(await ping(session), true);
    await ping(session);
    assert.deepEqual(await goodbye, { code: CALM, text: "too_many_pings" });
  });

  test("an answer makes up for pings", async () => {
    const { url } = await start({});
    const { session } = await open(url);
    for (let index = 0; index < 10; index++) {
      assert.equal(await call(session), "0");
      assert.equal(await ping(session), true);
      assert.equal(await ping(session), true);
    }
  });

  test("min_time holds while there are calls, without them it is two hours", async () => {
    const { url, next } = await start({ enforcement_policy: { min_time: "1ns" } });
    const answer = Promise.withResolvers<void>();
    next.answer = () => answer.promise;
    const { session, goodbye } = await open(url);
    const status = call(session);
    await next.until(1);
    for (let index = 0; index < 10; index++) assert.equal(await ping(session), true);
    answer.resolve();
    assert.equal(await status, "0");
    // The first makes the answer even.
    for (let index = 0; index < 4; index++) await ping(session);
    assert.deepEqual(await goodbye, { code: CALM, text: "too_many_pings" });
  });

  test("permit_without_stream", async () => {
    const { url } = await start({ enforcement_policy: { min_time: "1ns", permit_without_stream: true } });
    const { session } = await open(url);
    for (let index = 0; index < 10; index++) assert.equal(await ping(session), true);
    assert.equal(await call(session), "0");
  });
});
