/** How the command, and a program that uses the library, end with each engine: as they do with V8 alone. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { childrenOf, ended } from "../packages/otelwasm/src/plugin/testing/processes.ts";
import { BUILT_IN } from "../packages/otelwasm/src/runtime/engines.ts";
import { capabilitiesOf } from "../packages/otelwasm/src/runtime/registry.ts";
import { needsEngine } from "../packages/otelwasm/src/runtime/testing/engines.ts";
import { postHttp } from "./clients.ts";
import { throughConfig } from "./collector.ts";
import { compileGuest } from "./guests.ts";
import { everyField } from "./payload.ts";
import { type Program, runOtelwasm, runProgram } from "./process.ts";
import { gate, startSink } from "./sink.ts";

const logs = everyField("logs", { unknownFields: true });

async function urlOf(program: Program): Promise<{ httpUrl: string }> {
  const [, httpUrl] = await program.waitFor(/Listening for http on (http:\/\/\S+)/);
  return { httpUrl: httpUrl! };
}

for (const type of BUILT_IN)
  describe(`the process, with plugins on ${type}`, needsEngine(type), () => {
    const runtime_config = { type };

    for (const signal of ["SIGINT", "SIGTERM"] as const)
      test(`${signal} to all processes of a terminal, with a request in flight: it is answered, guests are shut down, exit code 0`, async () => {
        await using sink = await startSink();
        const held = gate();
        sink.respond = () => held.answer;
        const wasm = { path: await compileGuest("lifecycle"), runtime_config };
        await using program = runOtelwasm(throughConfig("otlp_http", sink, { wasm }), [], { group: true });
        const target = await urlOf(program);
        const inFlight = postHttp(target, "logs", logs);
        await sink.waitForRequests(1);
        const plugins = childrenOf(program.child.pid!);
        process.kill(-program.child.pid!, signal);
        for (const pid of plugins) process.kill(pid, signal);
        await program.waitFor(/shutting down|stopping|draining/i);
        held.open();
        assert.equal((await inFlight).status, 200);
        assert.equal(await program.exit, 0, program.output);
        assert.equal(program.output.match(/guest shut down/g)?.length, 3);
        for (const pid of plugins) await ended(pid);
      });

    test("a guest that spins is no reason to stay: the stop ends it, and says so", async () => {
      await using sink = await startSink();
      const path = await compileGuest("spinning");
      const wasm = { path, runtime_config, limits: { call_timeout: "60s", shutdown_timeout: "500ms" } };
      await using program = runOtelwasm(throughConfig("otlp_http", sink, { wasm }, { signals: ["logs"] }));
      const target = await urlOf(program);
      const inFlight = postHttp(target, "logs", logs).then(
        ({ status }) => status,
        () => 0,
      );
      await program.waitFor(/guest spins/);
      program.child.kill("SIGTERM");
      assert.equal(await program.exit, 1, program.output);
      assert.notEqual(await inFlight, 200);
    });

    for (const isolation of capabilitiesOf({ type })!.capabilities.isolations.filter((each) => each !== "inline"))
      test(`process.exit of a program whose guest spins, isolated by ${isolation}`, async () => {
        await using program = runProgram(["e2e/exit-main.ts", type, isolation]);
        await program.waitFor(/spinning/);
        const plugins = childrenOf(program.child.pid!);
        assert.equal(plugins.length, isolation === "process" ? 1 : 0);
        program.child.kill("SIGUSR2");
        assert.equal(await program.exit, 3, program.output);
        for (const pid of plugins) await ended(pid);
      });

    test("an engine's process that crashes costs a restart, not the collector", async () => {
      await using sink = await startSink();
      const wasm = { path: await compileGuest("lifecycle"), runtime_config, isolation: "process" };
      await using program = runOtelwasm(throughConfig("otlp_http", sink, { wasm }, { signals: ["logs"] }));
      const target = await urlOf(program);
      assert.equal((await postHttp(target, "logs", logs)).status, 200);
      const [plugin] = childrenOf(program.child.pid!);
      process.kill(plugin!, "SIGSEGV");
      await program.waitFor(/was replaced by a fresh one/);
      assert.equal((await postHttp(target, "logs", logs)).status, 200);
      program.child.kill("SIGTERM");
      assert.equal(await program.exit, 0, program.output);
    });
  });
