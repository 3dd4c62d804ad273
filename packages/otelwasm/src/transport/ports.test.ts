import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer as createHttpServer, request } from "node:http";
import { connect, createServer, type Server } from "node:net";
import { describe, test } from "node:test";
import { PortRegistry } from "./ports.ts";

const LOCAL = { host: "localhost", port: 0 };

function answering(word: string): Server {
  return createHttpServer((_, response) => response.end(word));
}

function ask(url: string, agent?: Agent): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  request(`http://${url}/`, { agent: agent ?? false }, (response) => {
    response.setEncoding("utf8").once("data", resolve);
  })
    .once("error", reject)
    .end();
  return promise;
}

async function close(server: Server): Promise<void> {
  if ("closeAllConnections" in server && typeof server.closeAllConnections === "function") server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** A registry in which `old` listens, on a port that is then a fixed one. */
async function begin(host = "localhost") {
  const ports = new PortRegistry();
  const probe = createServer();
  await new PortRegistry().of({}).listen(probe, { host, port: 0 });
  const bound = probe.address();
  assert.ok(typeof bound === "object" && bound !== null);
  await close(probe);
  const address = { host, port: bound.port };
  const old = answering("old");
  const owner = {};
  const url = await ports.of(owner).listen(old, address);
  return { ports, address, old, owner, url };
}

describe("a port", () => {
  test("is not had twice, nor by one who was not offered it", async () => {
    const { ports, address, old, owner } = await begin();
    ports.offer(new Set([{}]));
    const other = answering("other");
    await assert.rejects(ports.of(owner).listen(other, address), /cannot listen on localhost:\d+: .*EADDRINUSE/);
    await Promise.all([close(old), close(other)]);
  });

  test("goes to whoever replaces its owner, with no connection refused meanwhile; who is in is served on", async () => {
    const { ports, address, old, owner, url } = await begin();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    assert.equal(await ask(url, agent), "old");
    let over = false;
    const answers = new Set<string>();
    const clients = Array.from({ length: 8 }, async () => {
      while (!over) answers.add(await ask(url));
    });
    ports.offer(new Set([owner]));
    const next = answering("new");
    assert.equal(await ports.of({}).listen(next, address), url);
    ports.settle();
    assert.equal(await ask(url, agent), "old", "the connection stays with the server that it was made with");
    agent.destroy();
    await close(old);
    assert.equal(await ask(url), "new");
    over = true;
    await Promise.all(clients);
    assert.ok(answers.has("new"));
    await close(next);
    await assert.rejects(ask(url), { code: "ECONNREFUSED" });
  });

  test("goes back when that came to nothing, and on again", async () => {
    const { ports, address, old, owner, url } = await begin();
    for (let round = 0; round < 3; round++) {
      ports.offer(new Set([owner]));
      const next = answering("new");
      await ports.of({}).listen(next, address);
      assert.equal(await ask(url), "new");
      await ports.giveBack();
      assert.equal(await ask(url), "old");
      await close(next);
      assert.equal(await ask(url), "old");
    }
    await close(old);
  });

  test("goes to a server of another kind, and to another host's", async () => {
    const { ports, address, old, owner, url } = await begin("127.0.0.1");
    const next = createServer((socket) => socket.end("plain"));
    const nextOwner = {};
    ports.offer(new Set([owner]));
    assert.match(await ports.of(nextOwner).listen(next, { ...address, host: "" }), new RegExp(`:${address.port}$`));
    const [bytes] = await once(connect(address.port, "127.0.0.1"), "data");
    assert.equal(String(bytes), "plain");
    await ports.giveBack();
    assert.equal(await ask(url), "old");
    await Promise.all([close(next), close(old)]);
  });

  test("of what listens elsewhere is shared: it serves who replaces its owner, and its owner again if that came to nothing", async () => {
    class Elsewhere {
      readonly served: string[] = [];
    }
    const ports = new PortRegistry();
    const address = { host: "localhost", port: 13133 };
    const [first, second, third] = [{}, {}, {}];
    const share = (owner: object, name: string, at = address) =>
      ports.of(owner).share(
        at,
        (found) => found instanceof Elsewhere,
        async () => new Elsewhere(),
        ({ served }) => served.push(name),
      );
    const page = await share(first, "first");
    assert.notEqual(await share(second, "second"), page, "its owner was not leaving");
    ports.offer(new Set([first]));
    assert.equal(await share(third, "third"), page);
    await ports.giveBack();
    assert.equal(ports.of(third).release(page), false);
    ports.offer(new Set([first]));
    assert.equal(await share(third, "third"), page);
    ports.settle();
    assert.deepEqual(page.served, ["first", "third", "first", "third"]);
    assert.deepEqual([ports.of(first).release(page), ports.of(third).release(page)], [false, true]);
    ports.offer(new Set([third]));
    assert.notEqual(await share(second, "second"), page, "it was released");
  });

  test("that the system chooses is another one each time", async () => {
    const ports = new PortRegistry();
    const [a, b, owner] = [answering("a"), answering("b"), {}];
    const first = await ports.of(owner).listen(a, LOCAL);
    ports.offer(new Set([owner]));
    const second = await ports.of({}).listen(b, LOCAL);
    assert.notEqual(first, second);
    await ports.giveBack();
    assert.deepEqual([await ask(first), await ask(second)], ["a", "b"]);
    await Promise.all([close(a), close(b)]);
  });
});
