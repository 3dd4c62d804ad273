import assert from "node:assert/strict";
import { once } from "node:events";
import { get } from "node:https";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { createNoopMeter } from "@opentelemetry/api";
import type { ComponentStatus, Health } from "../../component/health.ts";
import { silentLogger } from "../../component/logger.ts";
import { applySchema } from "../../config/schema.ts";
import { Authority } from "../../transport/testing/authority.ts";
import { schema } from "./config.ts";
import { healthCheckExtension } from "./factory.ts";

const SINCE = new Date(Date.now() - 5_000);

function healthOf(status: ComponentStatus, extension: ComponentStatus = "OK"): Health {
  const healthy = { kind: "exporter", id: "nop", signal: "logs", status: "OK", since: new Date(0) } as const;
  const plugin = {
    kind: "processor",
    id: "wasm/a",
    signal: "logs",
    pipeline: "logs",
    status,
    since: SINCE,
    ...(status === "PermanentError" ? { error: "it trapped" } : {}),
  } as const;
  return {
    status: "Starting",
    pipelines: {
      logs: { status, components: [plugin, healthy] },
      traces: { status: "OK", components: [healthy] },
    },
    extensions: [{ kind: "extension", id: "health_check", status: extension, since: SINCE }],
  };
}

/** An extension on a port that the system chooses; `health` is what its host says. */
async function serve(config: object, health: () => Health) {
  const extension = healthCheckExtension.create(
    {
      id: "health_check",
      logger: silentLogger,
      meter: createNoopMeter(),
      attributes: {},
      reportStatus: () => {},
      host: { extension: () => undefined, health },
    },
    healthCheckExtension.schema.parse({ endpoint: "127.0.0.1:0", ...config }),
  );
  await extension.start();
  const [{ protocol, url } = assert.fail()] = extension.endpoints ?? [];
  assert.equal(protocol, "health_check");
  return { extension, url };
}

describe("extension health_check", () => {
  test("its defaults are the Collector's", () => {
    assert.deepEqual(schema.parse({}), {
      endpoint: { host: "localhost", port: 13133 },
      path: "/",
      watchdog: { enabled: true, loop_timeout: 5_000 },
    });
    assert.deepEqual(schema.parse({ response_body: { healthy: "yes" } }).response_body, {
      healthy: "yes",
      unhealthy: "",
    });
  });

  test("what it does not know is refused", () => {
    const checked = applySchema(
      schema,
      {
        endpoint: "x",
        path: "health",
        response_body: { sick: "" },
        check_collector_pipeline: {},
        watchdog: { loop_timeout: "1ms" },
      },
      ["extensions", "health_check"],
    );
    assert.deepEqual(checked.ok ? [] : checked.issues, [
      'extensions::health_check::endpoint: "x" is not host:port, for example "localhost:4317" or "0.0.0.0:4317"',
      'extensions::health_check::path: must be a path such as "/" or "/health/status"',
      "extensions::health_check::response_body::sick: unknown key; known: healthy, unhealthy",
      "extensions::health_check::watchdog::loop_timeout: must be at least 100ms",
      "extensions::health_check::check_collector_pipeline: unknown key; known: endpoint, transport, tls, path, response_body, watchdog",
    ]);
  });

  test("200 while all pipelines can take data, 503 else, whatever the other extensions are", async () => {
    let health = healthOf("OK");
    const { extension, url } = await serve({}, () => health);
    const status = async (next: Health): Promise<number> => {
      health = next;
      return (await fetch(url)).status;
    };
    assert.equal(await status(healthOf("OK", "PermanentError")), 200);
    for (const each of [
      "None",
      "Starting",
      "RecoverableError",
      "PermanentError",
      "FatalError",
      "Stopping",
      "Stopped",
    ] as const)
      assert.equal(await status(healthOf(each)), 503, each);
    assert.equal(await status(healthOf("OK")), 200);
    await extension.shutdown();
    assert.deepEqual(extension.endpoints, []);
    await assert.rejects(fetch(url));
  });

  test("says how each component is, and since when the whole is available", async () => {
    let health = healthOf("OK");
    const { extension, url } = await serve({ path: "/health/status" }, () => health);
    const answer = await fetch(url);
    assert.equal(answer.headers.get("content-type"), "application/json");
    const { status, upSince, uptime, ...rest } = JSON.parse(await answer.text());
    assert.deepEqual([status, upSince], ["Server available", SINCE.toISOString()]);
    assert.match(uptime, /^(\d+m)?\d+(\.\d+)?s$/);
    assert.deepEqual(
      rest,
      JSON.parse(
        JSON.stringify({
          health: "Starting",
          pipelines: health.pipelines,
          extensions: health.extensions,
          watchdog: { status: "OK" },
        }),
      ),
    );

    health = healthOf("PermanentError");
    const sick = JSON.parse(await (await fetch(url)).text());
    assert.equal(sick.status, "Server not available");
    assert.equal(sick.upSince, undefined);
    assert.deepEqual(sick.pipelines.logs.components[0], {
      kind: "processor",
      id: "wasm/a",
      signal: "logs",
      pipeline: "logs",
      status: "PermanentError",
      error: "it trapped",
      since: SINCE.toISOString(),
    });
    assert.equal((await fetch(new URL("/", url))).status, 404);
    await extension.shutdown();
  });

  test("response_body stands in place of the JSON", async () => {
    let health = healthOf("OK");
    const { extension, url } = await serve({ response_body: { healthy: "fine", unhealthy: "ill" } }, () => health);
    assert.equal(await (await fetch(url)).text(), "fine");
    health = healthOf("RecoverableError");
    assert.equal(await (await fetch(url)).text(), "ill");
    await extension.shutdown();
  });

  test("over TLS, with a certificate for it", async () => {
    const authority = new Authority();
    const { cert, key } = authority.issue();
    const { extension, url } = await serve({ tls: { cert_pem: cert, key_pem: key } }, () => healthOf("OK"));
    assert.match(url, /^https:/);
    const status = await new Promise((resolve, reject) =>
      get(url, { ca: authority.cert, agent: false }, (response) => resolve(response.resume().statusCode)).on(
        "error",
        reject,
      ),
    );
    assert.equal(status, 200);
    // Somebody who does not shake hands does not hold up the end.
    const socket = connect(Number(new URL(url).port), "127.0.0.1").on("error", () => undefined);
    await once(socket, "connect");
    await extension.shutdown();
    socket.destroy();
  });
});
