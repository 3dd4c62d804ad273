import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { afterEach, describe, test } from "node:test";
import { StatusCode } from "../component/errors.ts";
import { frame } from "./grpc.ts";
import { GrpcError } from "./grpc-call.ts";
import { type ChannelOptions, GrpcChannel } from "./grpc-channel.ts";

const EMPTY = new Uint8Array();
const cleanup: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each();
});

function answerOk(stream: ServerHttp2Stream): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(frame(EMPTY, false));
}

interface Backend {
  calls: number;
  readonly port: number;
  readonly sessions: Set<ServerHttp2Session>;
  close(): Promise<void>;
}

async function portOf(server: Server, port: number, host: string): Promise<number> {
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

/** The addresses 127.0.0.1, 127.0.0.2 and so on are different servers of one name. */
async function backend(host: string, port = 0, onStream = answerOk): Promise<Backend> {
  const server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream: ServerHttp2Stream) => {
    made.calls++;
    stream.on("error", () => stream.destroy());
    stream.resume();
    onStream(stream);
  });
  const made = {
    calls: 0,
    port: await portOf(server, port, host),
    sessions,
    async close(): Promise<void> {
      if (!server.listening) return;
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, "close");
    },
  };
  cleanup.push(() => made.close());
  return made;
}

function channel(port: number, options: Partial<ChannelOptions> = {}): GrpcChannel {
  const made = new GrpcChannel({
    destination: { address: { host: "otel.example", port } },
    balance: true,
    authority: `otel.example:${port}`,
    path: "/x",
    headers: {},
    encoding: undefined,
    timeoutMs: 10_000,
    waitForReady: false,
    ...options,
  });
  cleanup.push(() => made.close());
  return made;
}

async function failed(call: Promise<Uint8Array>): Promise<GrpcError> {
  const error: unknown = await call.then(
    () => assert.fail("it was answered"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof GrpcError, String(error));
  return error;
}

describe("the addresses of a name", () => {
  test("calls go to all in turn; those of one that is gone go to the others", async () => {
    const one = await backend("127.0.0.1");
    const two = await backend("127.0.0.2", one.port);
    const both = channel(one.port, { resolve: () => Promise.resolve(["127.0.0.1", "127.0.0.2"]) });
    await both.call(EMPTY);
    while (both.connections.size < 2 || one.calls === 0 || two.calls === 0) await both.call(EMPTY);
    one.calls = 0;
    two.calls = 0;
    for (let i = 0; i < 20; i++) await both.call(EMPTY);
    assert.deepEqual([one.calls, two.calls], [10, 10]);
    await one.close();
    let lost = 0;
    for (let i = 0; i < 20; i++) await both.call(EMPTY).catch(() => lost++);
    assert.ok(lost <= 1, `${lost}`);
    assert.ok(two.calls >= 29, `${two.calls}`);
  });

  test("an address that cannot be reached is none of the calls' concern", async () => {
    const { port } = await backend("127.0.0.1");
    const both = channel(port, { resolve: () => Promise.resolve(["127.0.0.3", "127.0.0.1"]) });
    for (let i = 0; i < 20; i++) await both.call(EMPTY);
    assert.equal(both.connections.size, 1);
  });

  test("a server that says goodbye: its name is looked up again, and calls go to whoever has it now", async () => {
    const one = await backend("127.0.0.1");
    const two = await backend("127.0.0.2", one.port);
    let addresses = ["127.0.0.1"];
    let lookups = 0;
    const moving = channel(one.port, {
      resolve: (host) => {
        assert.equal(host, "otel.example");
        lookups++;
        return Promise.resolve(addresses);
      },
    });
    await moving.call(EMPTY);
    await moving.call(EMPTY);
    assert.equal(lookups, 1);
    addresses = ["127.0.0.2"];
    for (const session of one.sessions) session.goaway(0);
    while (two.calls === 0) await moving.call(EMPTY);
    assert.equal(lookups, 2);
  });

  test("an address that is no longer the name's finishes what it has", async () => {
    let answer: () => void = () => assert.fail("no call yet");
    const arrived = Promise.withResolvers<void>();
    const slow = await backend("127.0.0.1", 0, (stream) => {
      answer = () => answerOk(stream);
      arrived.resolve();
    });
    const two = await backend("127.0.0.2", slow.port);
    const three = await backend("127.0.0.3", slow.port);
    let addresses = ["127.0.0.1"];
    const moving = channel(slow.port, { resolve: () => Promise.resolve(addresses) });
    const running = moving.call(EMPTY);
    await arrived.promise;
    addresses = ["127.0.0.2", "127.0.0.3"];
    for (const session of slow.sessions) session.goaway(0);
    while (two.calls === 0 || three.calls === 0) await moving.call(EMPTY);
    answer();
    await running;
    assert.equal(slow.calls, 1);
  });

  test("a name that nobody knows: calls fail at once until the back-off is over", async (t) => {
    const { port } = await backend("127.0.0.1");
    let known = false;
    const unknown = channel(port, {
      resolve: () => (known ? Promise.resolve(["127.0.0.1"]) : Promise.reject(new Error("getaddrinfo ENOTFOUND"))),
    });
    const errors = await Promise.all([failed(unknown.call(EMPTY)), failed(unknown.call(EMPTY))]);
    for (const error of errors) {
      assert.equal(error.code, StatusCode.UNAVAILABLE);
      assert.equal(error.message, "cannot find the server: getaddrinfo ENOTFOUND");
    }
    known = true;
    assert.match((await failed(unknown.call(EMPTY))).message, /ENOTFOUND/);
    const now = performance.now();
    t.mock.method(performance, "now", () => now + 1_500);
    await unknown.call(EMPTY);
  });

  test("pick_first has one connection", async () => {
    const { port } = await backend("127.0.0.1");
    const first = channel(port, {
      destination: { address: { host: "localhost", port } },
      balance: false,
      resolve: () => assert.fail("it is not looked up here"),
    });
    for (let i = 0; i < 5; i++) await first.call(EMPTY);
    assert.equal(first.connections.size, 1);
  });
});

describe("wait_for_ready", () => {
  test("calls wait for a server that comes later", async (t) => {
    const { port, close } = await backend("127.0.0.1");
    await close();
    t.mock.timers.enable({ apis: ["setTimeout"] });
    let now = performance.now();
    t.mock.method(performance, "now", () => now);
    const attempts: string[] = [];
    const second = Promise.withResolvers<void>();
    const patient = channel(port, {
      waitForReady: true,
      timeoutMs: 1e9,
      resolve: (host) => {
        attempts.push(host);
        if (attempts.length === 2) second.resolve();
        return Promise.reject(new Error("not yet"));
      },
    });
    const waiting = patient.call(EMPTY);
    const outcome = failed(waiting);
    while (attempts.length < 1) await new Promise<void>((resolve) => void setImmediate(resolve));
    await new Promise<void>((resolve) => void setImmediate(resolve));
    now += 1_300;
    t.mock.timers.tick(1_300);
    await second.promise;
    // Nothing comes: its time ends it, and says why.
    now += 1e9;
    t.mock.timers.reset();
    assert.match((await outcome).message, /no connection within the timeout: cannot find the server: not yet/);
  });

  test("calls are sent when there is a connection", async () => {
    const { port, close } = await backend("127.0.0.1");
    await close();
    const patient = channel(port, {
      destination: { address: { host: "127.0.0.1", port } },
      waitForReady: true,
      timeoutMs: 30_000,
    });
    const waiting = [patient.call(EMPTY), patient.call(EMPTY)];
    const again = await backend("127.0.0.1", port);
    await Promise.all(waiting);
    assert.equal(again.calls, 2);
  });
});

describe("keepalive", () => {
  /** Forwards bytes, until it is told to swallow them. */
  async function wire(to: number): Promise<{ port: number; cut: () => void; closed: Promise<void> }> {
    const closed = Promise.withResolvers<void>();
    let dead = false;
    const pairs: Socket[] = [];
    const server = createTcpServer((client) => {
      const onward = connect(to, "127.0.0.1");
      pairs.push(client, onward);
      client.on("data", (chunk: Buffer) => dead || onward.write(chunk));
      onward.on("data", (chunk: Buffer) => dead || client.write(chunk));
      client.on("error", () => undefined).on("close", () => closed.resolve());
      onward.on("error", () => undefined);
    });
    const port = await portOf(server, 0, "127.0.0.1");
    cleanup.push(() => {
      for (const each of pairs) each.destroy();
      server.close();
    });
    const cut = (): void => {
      dead = true;
    };
    return { port, cut, closed: closed.promise };
  }

  test("a server that is gone without a word: its calls fail, and can be tried again", async () => {
    const arrived = Promise.withResolvers<void>();
    const silent = await backend("127.0.0.1", 0, () => arrived.resolve());
    const { port, cut, closed } = await wire(silent.port);
    const watched = channel(port, {
      destination: { address: { host: "127.0.0.1", port } },
      keepalive: { timeMs: 50, timeoutMs: 50, withoutStream: false },
      timeoutMs: 60_000,
    });
    const outcome = failed(watched.call(EMPTY));
    await arrived.promise;
    cut();
    const error = await outcome;
    assert.equal(error.code, StatusCode.UNAVAILABLE);
    assert.match(error.message, /the connection was lost: the server has not answered a keepalive ping within 50 ms/);
    await closed;
  });

  test("a server that is there is asked again and again; without a call only if that is wanted", async () => {
    const held: ServerHttp2Stream[] = [];
    const there = await backend("127.0.0.1", 0, (stream) => void held.push(stream));
    const destination = { address: { host: "127.0.0.1", port: there.port } };
    const keepalive = { timeMs: 20, timeoutMs: 5_000, withoutStream: false };
    const watched = channel(there.port, { destination, keepalive });
    const running = watched.call(EMPTY);
    while (held.length === 0) await new Promise<void>((resolve) => void setImmediate(resolve));
    const [session] = there.sessions;
    assert.ok(session !== undefined);
    for (let i = 0; i < 3; i++) await once(session, "ping");
    answerOk(held[0]!);
    await running;
    const idle = channel(there.port, { destination, keepalive: { ...keepalive, withoutStream: true } });
    const second = idle.call(EMPTY);
    while (held.length < 2) await new Promise<void>((resolve) => void setImmediate(resolve));
    answerOk(held[1]!);
    await second;
    const other = [...there.sessions].find((each) => each !== session);
    assert.ok(other !== undefined);
    let unwanted = 0;
    session.on("ping", () => unwanted++);
    for (let i = 0; i < 5; i++) await once(other, "ping");
    // One may have been on its way.
    assert.ok(unwanted <= 1, `${unwanted}`);
  });

  test("a server that is asked too often is asked half as often on the next connection", async () => {
    const there = await backend("127.0.0.1");
    const asked = channel(there.port, {
      destination: { address: { host: "127.0.0.1", port: there.port } },
      keepalive: { timeMs: 10_000, timeoutMs: 1_000, withoutStream: true },
    });
    await asked.call(EMPTY);
    const [session] = there.sessions;
    session!.goaway(0xb, 0, Buffer.from("too_many_pings"));
    while (asked.keepalive?.timeMs === 10_000) await asked.call(EMPTY);
    assert.equal(asked.keepalive?.timeMs, 20_000);
  });
});
