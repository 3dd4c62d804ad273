/** A receiver in Go and an exporter in Rust, each alone on the host that collectors use, over sockets that it grants. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { describe, test } from "node:test";
import { postHttp } from "../e2e/clients.ts";
import { LogLines } from "../e2e/log-lines.ts";
import { everyField } from "../e2e/payload.ts";
import { decode, requestType, SIGNALS, type Signal } from "../e2e/proto.ts";
import { startSink } from "../e2e/sink.ts";
import { PluginError } from "../packages/otelwasm/src/plugin/errors.ts";
import { WasmPlugin } from "../packages/otelwasm/src/plugin/plugin.ts";
import { buildGuest } from "./build.ts";
import { needs } from "./needs.ts";

const NETWORK = { args: [], env: {}, files: [] };

interface Receiving extends AsyncDisposable {
  readonly plugin: WasmPlugin;
  readonly httpUrl: string;
  readonly log: LogLines;
  /** Settles when the loop has ended. */
  readonly loop: Promise<void>;
}

describe("a receiver in Go", needs("go"), () => {
  async function receiver(
    signal: Signal,
    deliver: (bytes: Uint8Array) => Promise<void>,
    listen: readonly string[] = ["127.0.0.1:0"],
  ): Promise<Receiving> {
    const log = new LogLines();
    const plugin = await WasmPlugin.load({
      id: "wasm/go",
      role: "receiver",
      signals: [signal],
      pluginConfig: { listen: { [signal]: "127.0.0.1:0" } },
      grants: { ...NETWORK, network: { listen, connect: [], resolve: [] } },
      restart: { maxRestarts: 0 },
      logger: log,
      path: await buildGuest("go-receiver"),
    });
    await plugin.start();
    const loop = plugin.receive(signal, deliver);
    loop.catch(() => {});
    const stop = { [Symbol.asyncDispose]: () => plugin.shutdown().catch(() => undefined) };
    const [line] = await Promise.race([
      log.waitFor(/listening for/),
      loop.then(() => Promise.reject(new Error(log.lines.join("\n")))),
    ]).catch(async (error: unknown) => {
      await stop[Symbol.asyncDispose]();
      throw error;
    });
    const [, address] = /on ([\d.]+:\d+)/.exec(line!)!;
    return { plugin, loop, log, httpUrl: `http://${address}`, ...stop };
  }

  for (const signal of SIGNALS)
    test(`${signal}: what is posted is what the pipeline gets, and is answered when the pipeline has`, async () => {
      const got: Uint8Array[] = [];
      const { promise: held, resolve: release } = Promise.withResolvers<void>();
      const { promise: came, resolve: arrived } = Promise.withResolvers<void>();
      await using receiving = await receiver(signal, async (bytes) => {
        got.push(bytes);
        arrived();
        await held;
      });
      const bytes = everyField(signal, { unknownFields: true });
      let answered = false;
      const answer = postHttp(receiving, signal, bytes).then((response) => {
        answered = true;
        return response;
      });
      await came;
      assert.equal(answered, false);
      release();
      assert.equal((await answer).status, 200);
      assert.equal(Buffer.compare(got[0]!, bytes), 0, "byte by byte");
    });

  test("many clients at once, each answered, each batch once", async () => {
    const got = new Set<number>();
    await using receiving = await receiver("logs", async (bytes) => {
      const { resourceLogs } = decode(requestType.logs, bytes) as { resourceLogs: { droppedCount: number }[] };
      assert.equal(resourceLogs.length, 1);
      got.add(bytes.length);
    });
    const sizes = Array.from({ length: 60 }, (_, index) => index * 1000);
    const answers = await Promise.all(
      sizes.map((size) =>
        postHttp(
          receiving,
          "logs",
          requestType.logs
            .encode(requestType.logs.fromObject({ resourceLogs: [{ schemaUrl: "x".repeat(size) }] }))
            .finish(),
        ),
      ),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.equal(got.size, sizes.length);
  });

  test("what is no request for it is answered as HTTP has it, and nothing is handed on", async () => {
    let delivered = 0;
    await using receiving = await receiver("logs", async () => void delivered++);
    const bytes = everyField("logs", { unknownFields: false });
    const statuses = [
      await postHttp(receiving, "logs", bytes, { contentType: "application/json" }),
      await postHttp(receiving, "logs", bytes, { path: "/v1/traces" }),
      await postHttp(receiving, "logs", "", { method: "GET" }),
    ].map(({ status }) => status);
    assert.deepEqual(statuses, [415, 404, 405]);
    assert.equal(delivered, 0);
  });

  test("ends by itself when it is asked to, idle clients or not, and its port is free", async () => {
    const receiving = await receiver("logs", async () => {});
    const port = Number(new URL(receiving.httpUrl).port);
    const idle = connect(port, "127.0.0.1");
    await once(idle, "connect");
    await postHttp(receiving, "logs", everyField("logs", { unknownFields: false }));
    await receiving.plugin.shutdown();
    await receiving.loop;
    idle.destroy();
    assert.deepEqual(receiving.log.matching(/^(warn|error)/), []);
    const next = createTcpServer().listen(port, "127.0.0.1");
    await once(next, "listening");
    next.close();
  });

  test("does not listen where it was not granted to", async () => {
    for (const listen of [[], ["127.0.0.2:*"]])
      await assert.rejects(
        receiver("logs", async () => {}, listen),
        /127.0.0.1:0: sock_\w+: Permission denied/,
      );
  });
});

describe("an exporter in Rust", needs("rust"), () => {
  async function exporter(
    endpoint: string,
    connectTo: readonly string[],
    callTimeoutMs = 10_000,
  ): Promise<WasmPlugin & AsyncDisposable> {
    const plugin = await WasmPlugin.load({
      id: "wasm/rust",
      role: "exporter",
      signals: SIGNALS,
      pluginConfig: { endpoint },
      grants: { ...NETWORK, network: { listen: [], connect: connectTo, resolve: [] } },
      limits: { callTimeoutMs },
      path: await buildGuest("rust-exporter"),
    });
    await plugin.start();
    return Object.assign(plugin, { [Symbol.asyncDispose]: () => plugin.shutdown() });
  }

  async function refusal(work: Promise<unknown>): Promise<PluginError> {
    const error = await work.then(
      () => undefined,
      (caught: unknown) => caught,
    );
    assert.ok(error instanceof PluginError, `not refused: ${error}`);
    return error;
  }

  const batch = (signal: Signal = "logs"): { signal: Signal; bytes: Uint8Array } => ({
    signal,
    bytes: everyField(signal, { unknownFields: true }),
  });

  test("posts every signal to its path, byte by byte, on one connection", async () => {
    await using sink = await startSink();
    const { host } = new URL(sink.httpUrl);
    await using plugin = await exporter(host, [host]);
    for (const signal of [...SIGNALS, ...SIGNALS]) await plugin.consume(batch(signal));
    assert.deepEqual(
      sink.requests.map(({ signal }) => signal),
      [...SIGNALS, ...SIGNALS],
    );
    for (const { signal, raw } of sink.requests) assert.equal(Buffer.compare(raw, batch(signal).bytes), 0, signal);
  });

  test("what the destination answers is what the sender is told", async () => {
    const statuses = [200, 400, 429, 500, 503];
    let connections = 0;
    await using server = await listening(
      createServer((request, response) => {
        request.resume().on("end", () => {
          response.statusCode = statuses.shift()!;
          response.end("no");
        });
      }).on("connection", () => connections++),
    );
    await using plugin = await exporter(server.host, [server.host]);
    await plugin.consume(batch());
    const told: unknown[] = [];
    while (statuses.length > 0) {
      const { permanent, reason } = await refusal(plugin.consume(batch()));
      told.push([reason, permanent]);
    }
    assert.deepEqual(told, [
      ["the destination answered 400", true],
      ["the destination answered 429", false],
      ["the destination answered 500", true],
      ["the destination answered 503", false],
    ]);
    assert.equal(connections, 1);
  });

  test("a connection that was closed meanwhile is dialled again, and what cannot be reached can be tried again", async () => {
    let requests = 0;
    await using server = await listening(
      createServer((request, response) => {
        requests++;
        request.resume().on("end", () => response.end());
        response.on("close", () => request.socket.destroy());
      }),
    );
    await using plugin = await exporter(server.host, [server.host]);
    for (let round = 0; round < 3; round++) await plugin.consume(batch());
    assert.equal(requests, 3);
    await server[Symbol.asyncDispose]();
    const { permanent, reason } = await refusal(plugin.consume(batch()));
    assert.equal(permanent, false);
    assert.match(reason, /127\.0\.0\.1:\d+: .*refused/i);
  });

  test("a destination that does not answer costs the call's time and a restart, no more", async () => {
    const silent = createTcpServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const host = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    await using plugin = await exporter(host, [host], 300);
    const error = await refusal(plugin.consume(batch()));
    assert.equal(error.permanent, false);
    assert.equal(plugin.stats.deadlines, 1);
    silent.close();
  });

  test("does not dial where it was not granted to", async () => {
    await using sink = await startSink();
    const { host } = new URL(sink.httpUrl);
    for (const granted of [[], ["127.0.0.2:*"], ["127.0.0.1:1"]]) {
      await using plugin = await exporter(host, granted);
      assert.equal((await refusal(plugin.consume(batch()))).permanent, false);
    }
    assert.equal(sink.requests.length, 0);
  });
});

async function listening(server: Server): Promise<AsyncDisposable & { readonly host: string }> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
