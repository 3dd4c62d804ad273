/** What a plugin may do before and after its calls: a collector that cannot start says why and is gone, one that shuts down ends. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { createCollector } from "otelwasm";
import { LogLines } from "../log-lines.ts";
import { type Sink, startSink } from "../sink.ts";
import { type HostileParts, hostileGuest } from "./guests.ts";
import { assertFree, BAD, GOOD, type HostileOptions, hostileConfig, withHostile } from "./neighbour.ts";

const SPIN = "(loop $again (br $again))";
const START_TIMEOUT = { limits: { start_timeout: "300ms" } };
/** For a guest that must get as far as its start: a busy machine takes its time to make the worker. */
const LONG_START_TIMEOUT = { limits: { start_timeout: "2s" } };
const SHUTDOWN_TIMEOUT = { limits: { shutdown_timeout: "200ms" } };

const CANNOT_START: readonly (HostileOptions & { does: string; parts: HostileParts; error: RegExp })[] = [
  {
    does: "spins in start",
    parts: { start: SPIN },
    config: LONG_START_TIMEOUT,
    error: /start: stopped: it ran longer than 2000 ms/,
  },
  {
    does: "spins in _initialize",
    parts: { initialize: SPIN },
    config: START_TIMEOUT,
    error: /instantiation: stopped: it ran longer than 300 ms/,
  },
  {
    does: "spins in the start function of its module",
    parts: { fields: `(func $first ${SPIN}) (start $first)` },
    config: START_TIMEOUT,
    error: /instantiation: stopped: it ran longer than 300 ms/,
  },
  {
    does: "spins in get_supported_telemetry",
    parts: { telemetry: SPIN },
    config: START_TIMEOUT,
    error: /instantiation: stopped: it ran longer than 300 ms/,
  },
  {
    does: "traps in the start function of its module",
    parts: { fields: "(func $first unreachable) (start $first)" },
    error: /instantiation: unreachable executed/,
  },
  {
    does: "traps in get_supported_telemetry",
    parts: { telemetry: "unreachable" },
    error: /get_supported_telemetry: trapped: /,
  },
  { does: "traps in start", parts: { start: "unreachable" }, error: /start: trapped: / },
  { does: "traps in _initialize", parts: { initialize: "unreachable" }, error: /_initialize: trapped: / },
  {
    does: "refuses to start",
    parts: { start: "(return (i32.const 1))" },
    error: /start: status 1 \(error\), no reason given/,
  },
  {
    does: "sets a result in _initialize",
    parts: { initialize: "(call $set_result_traces (i32.const 0) (i32.const 0))" },
    error: /_initialize: trapped: .*set_result_traces called during _initialize/,
  },
  {
    does: "gives a reason in _initialize",
    parts: { initialize: "(call $set_status_reason (i32.const 16) (i32.const 4))" },
    error: /_initialize: trapped: .*set_status_reason called during _initialize/,
  },
  {
    does: "sets a result in start",
    parts: { start: "(call $set_result_traces (i32.const 0) (i32.const 0))" },
    error: /start: trapped: .*set_result_traces called during start/,
  },
  {
    does: "has its configuration written outside of its memory by _initialize",
    parts: { initialize: "(drop (call $get_plugin_config (i32.const -8) (i32.const -1)))" },
    error:
      /_initialize: trapped: .*get_plugin_config: 2 bytes at pointer 4294967288 are outside the memory of 131072 bytes/,
  },
  {
    does: "takes more memory than it may from the beginning",
    parts: { memory: '(memory (export "memory") 512)' },
    config: { limits: { memory: "1MiB" } },
    error: /memory/,
  },
];

const ENDS_BADLY: readonly (HostileOptions & { does: string; parts: HostileParts; error: RegExp })[] = [
  { does: "traps in shutdown", parts: { shutdown: "unreachable" }, error: /shutdown: trapped: / },
  {
    does: "spins in shutdown",
    parts: { shutdown: SPIN },
    config: SHUTDOWN_TIMEOUT,
    error: /shutdown: stopped: it ran longer than 200 ms/,
  },
  {
    does: "returns an error from shutdown",
    parts: { shutdown: "(return (i32.const 7))" },
    error: /shutdown: status 7/,
  },
  {
    does: "sets a result in shutdown",
    parts: { shutdown: "(call $set_result_traces (i32.const 0) (i32.const 0))" },
    error: /shutdown: trapped: .*set_result_traces called during shutdown/,
  },
];

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

describe("hostile life cycles", () => {
  let sink: Sink;
  before(async () => {
    sink = await startSink();
  });
  after(() => sink.close());

  for (const role of ["processor", "exporter"] as const)
    for (const { does, parts, error, ...options } of CANNOT_START)
      test(`${role}: a plugin that ${does} stops the collector's start`, async () => {
        const port = await freePort();
        const protocols = { protocols: { http: { endpoint: `127.0.0.1:${port}` } } };
        const config = await hostileConfig(sink, await hostileGuest(parts), { ...options, role }, protocols);
        const collector = await createCollector(config, { logger: new LogLines() });
        await assert.rejects(collector.start(), (thrown: Error) => {
          assert.match(thrown.message, /wasm\/hostile/);
          assert.match(thrown.message, error);
          return true;
        });
        await collector.shutdown();
        await assertFree(port);
      });

  for (const { does, parts, error, ...options } of ENDS_BADLY)
    test(`a plugin that ${does}: the collector's shutdown ends, and says so`, async () => {
      await using fixture = await withHostile(sink, await hostileGuest(parts), options);
      assert.equal((await fixture.grpc(GOOD)).code, 0);
      const outcome = await fixture.finish();
      assert.match(String(outcome?.message), /wasm\/hostile/);
      assert.match(String(outcome?.message), error);
    });

  test("a shutdown ends although a call spins that has a minute: the receiver waits for it until its own deadline, then the plugin is ended", async () => {
    const config = { limits: { call_timeout: "60s", shutdown_timeout: "200ms" } };
    await using fixture = await withHostile(sink, await hostileGuest({ consume: SPIN }), { config });
    const bad = fixture.grpc(BAD);
    await fixture.log.waitFor(/begins/);
    await fixture.neighbour.more(2);
    const outcome = await fixture.finish();
    assert.match(String(outcome?.message), /wasm\/hostile/);
    assert.notEqual((await bad).code, 0);
  });

  test("what may be called in _initialize and start works there", async () => {
    const calls = `(drop (call $get_plugin_config (i32.const 512) (i32.const 512)))
      (drop (call $get_shutdown_requested)) (call $log (i32.const 3) (i32.const 512) (i32.const 17))`;
    const path = await hostileGuest({ initialize: calls, start: calls });
    await using fixture = await withHostile(sink, path, { config: { plugin_config: { said: "hello" } } });
    assert.equal(fixture.log.matching(/^warn: \{"said":"hello"\}/).length, 2);
    assert.equal((await fixture.grpc(GOOD)).code, 0);
    assert.equal(await fixture.finish(), undefined);
  });
});
