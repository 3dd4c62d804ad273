/** The real command in a process of its own: signals, exit codes, messages. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, test } from "node:test";
import { childrenOf, ended } from "../packages/otelwasm/src/plugin/testing/processes.ts";
import { callGrpc, postHttp, type Target } from "./clients.ts";
import { OUTPUTS, throughConfig } from "./collector.ts";
import { compileGuest } from "./guests.ts";
import { everyField } from "./payload.ts";
import { type Program, runOtelwasm } from "./process.ts";
import { gate, startSink } from "./sink.ts";

const logs = everyField("logs", { unknownFields: true });

/** The addresses, as the log tells them. */
async function listening(program: Program): Promise<Target> {
  const [, grpcUrl] = await program.waitFor(/Listening for grpc on (http:\/\/\S+)/);
  const [, httpUrl] = await program.waitFor(/Listening for http on (http:\/\/\S+)/);
  assert.ok(grpcUrl !== undefined && httpUrl !== undefined);
  return { grpcUrl, httpUrl };
}

describe("the otelwasm command", () => {
  for (const output of OUTPUTS) {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      test(`${signal} with requests in flight to ${output}: they are answered, guests shut down, exit code 0`, async () => {
        await using sink = await startSink();
        const held = gate();
        sink.respond = () => held.answer;
        const config = throughConfig(output, sink, { wasm: { path: await compileGuest("lifecycle") } });
        await using program = runOtelwasm(config);
        const target = await listening(program);
        assert.equal(program.output.match(/guest started/g)?.length, 3, "one instance for each pipeline");

        const inFlight = [callGrpc(target, "logs", logs), postHttp(target, "logs", logs)] as const;
        await sink.waitForRequests(2);
        program.child.kill(signal);
        await program.waitFor(/shutting down|stopping|draining/i);
        assert.doesNotMatch(program.output, /guest shut down/);
        held.open();
        const [overGrpc, overHttp] = await Promise.all(inFlight);
        assert.equal(overGrpc.code, 0, overGrpc.message);
        assert.equal(overHttp.status, 200);
        assert.equal(await program.exit, 0, program.output);
        assert.equal(program.output.match(/guest shut down/g)?.length, 3);
        for (const { raw } of sink.requests) assert.deepEqual(Buffer.from(raw), Buffer.from(logs));
      });
    }
  }

  test("Ctrl-C in a terminal, with plugins in processes of their own: they answer what is in flight, and are shut down by the collector", async () => {
    await using sink = await startSink();
    const held = gate();
    sink.respond = () => held.answer;
    const wasm = { path: await compileGuest("lifecycle"), isolation: "process" };
    await using program = runOtelwasm(throughConfig("otlp_http", sink, { wasm }), [], { group: true });
    const target = await listening(program);
    const inFlight = [callGrpc(target, "logs", logs), postHttp(target, "logs", logs)] as const;
    await sink.waitForRequests(2);
    assert.ok(program.child.pid !== undefined);
    const plugins = childrenOf(program.child.pid);
    assert.equal(plugins.length, 3, "one for each pipeline");
    process.kill(-program.child.pid, "SIGINT");
    // As a supervisor does.
    for (const pid of plugins) process.kill(pid, "SIGTERM");
    await program.waitFor(/shutting down|stopping|draining/i);
    held.open();
    const [overGrpc, overHttp] = await Promise.all(inFlight);
    assert.equal(overGrpc.code, 0, overGrpc.message);
    assert.equal(overHttp.status, 200);
    assert.equal(await program.exit, 0, program.output);
    assert.equal(program.output.match(/guest shut down/g)?.length, 3);
    for (const { raw } of sink.requests) assert.deepEqual(Buffer.from(raw), Buffer.from(logs));
    for (const pid of plugins) await ended(pid);
  });

  test("kill -9 with plugins in processes of their own leaves none of them", async () => {
    await using sink = await startSink();
    const wasm = { path: await compileGuest("lifecycle"), isolation: "process" };
    await using program = runOtelwasm(throughConfig("otlp_http", sink, { wasm }));
    await listening(program);
    assert.ok(program.child.pid !== undefined);
    const plugins = childrenOf(program.child.pid);
    assert.equal(plugins.length, 3);
    program.child.kill("SIGKILL");
    for (const pid of plugins) await ended(pid);
  });

  test("a second signal ends at once, whatever is in flight", async () => {
    await using sink = await startSink();
    sink.respond = () => gate().answer;
    await using program = runOtelwasm(throughConfig("otlp_http", sink));
    const target = await listening(program);
    const inFlight = postHttp(target, "logs", logs).then(
      () => "answered",
      () => "cut off",
    );
    await sink.waitForRequests(1);
    program.child.kill("SIGTERM");
    await program.waitFor(/shutting down|stopping|draining/i);
    program.child.kill("SIGTERM");
    assert.notEqual(await program.exit, 0, "not a clean end");
    assert.equal(await inFlight, "cut off");
  });

  test("a wrong configuration: one clear message, exit code 1", async () => {
    const config = {
      receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } },
      exporters: { nop: null },
      service: { pipelines: { logs: { receivers: ["otlp"], processors: ["wasm/missing"], exporters: ["nop"] } } },
    };
    await using program = runOtelwasm(config);
    assert.equal(await program.exit, 1);
    assert.match(
      program.stderr,
      /service::pipelines::logs: references processor "wasm\/missing" which is not configured/,
    );
    assert.doesNotMatch(program.output, /\n\s+at /, "no stack trace");
  });

  test("a plugin that is not there: the message names the component and the file", async () => {
    const config = {
      receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } },
      processors: { "wasm/gone": { path: "/no/such/plugin.wasm" } },
      exporters: { nop: null },
      service: { pipelines: { logs: { receivers: ["otlp"], processors: ["wasm/gone"], exporters: ["nop"] } } },
    };
    await using program = runOtelwasm(config);
    assert.equal(await program.exit, 1);
    assert.match(program.output, /wasm\/gone/);
    assert.match(program.output, /\/no\/such\/plugin\.wasm/);
    assert.doesNotMatch(program.output, /\n\s+at /, "no stack trace");
  });

  test("a port that is taken: the message names it, exit code 1", async () => {
    await using server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    const endpoint = `127.0.0.1:${address.port}`;
    await using program = runOtelwasm({
      receivers: { otlp: { protocols: { http: { endpoint } } } },
      exporters: { nop: null },
      service: { pipelines: { logs: { receivers: ["otlp"], exporters: ["nop"] } } },
    });
    assert.equal(await program.exit, 1);
    assert.ok(program.output.includes(endpoint), program.output);
    assert.match(program.output, /in use/);
  });

  test("no configuration: says how to give one, exit code 1", async () => {
    await using program = runOtelwasm(undefined);
    assert.equal(await program.exit, 1);
    assert.match(program.stderr, /--config/);
  });

  test("validate and --version", async () => {
    await using sink = await startSink();
    await using good = runOtelwasm(throughConfig("otlp_grpc", sink), ["validate"]);
    assert.equal(await good.exit, 0, good.output);
    await using version = runOtelwasm(undefined, ["--version"]);
    assert.equal(await version.exit, 0);
    assert.match(version.stdout, /\d+\.\d+\.\d+/);
  });
});
