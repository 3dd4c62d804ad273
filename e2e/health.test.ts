/** A plugin that fails is seen in the log, in the metrics and in the health check; the process and the other pipelines go on. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createCollector } from "otelwasm";
import { callGrpc, postHttp } from "./clients.ts";
import { anyPort, startCollector } from "./collector.ts";
import { BEGINS, hostileGuest } from "./hostile/guests.ts";
import { BAD, GOOD, hostileConfig } from "./hostile/neighbour.ts";
import { LogLines } from "./log-lines.ts";
import { type Program, runOtelwasm } from "./process.ts";
import { encode, requestType } from "./proto.ts";
import { gate, type Sink, startSink } from "./sink.ts";

const LOGS = encode(requestType.logs, {
  resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: "all is well" } }] }] }],
});

interface Config {
  readonly service: object;
}

/** With a health check and own metrics on free ports. */
function observed(config: Config): object {
  const prometheus = { host: "127.0.0.1", port: 0 };
  return {
    ...config,
    extensions: { health_check: { endpoint: "127.0.0.1:0" } },
    service: {
      ...config.service,
      extensions: ["health_check"],
      telemetry: { metrics: { readers: [{ pull: { exporter: { prometheus } } }] } },
    },
  };
}

interface Component {
  readonly kind: string;
  readonly id: string;
  readonly status: string;
  readonly error?: string;
}

interface Answer {
  readonly code: number;
  readonly status: string;
  readonly health: string;
  readonly pipelines: Readonly<Record<string, { readonly status: string; readonly components: readonly Component[] }>>;
}

async function healthAt(url: string): Promise<Answer> {
  const answer = await fetch(url);
  return { code: answer.status, ...(JSON.parse(await answer.text()) as Omit<Answer, "code">) };
}

/** The plugin's own line among an answer's. */
function plugin({ pipelines }: Answer, id: string): Component | undefined {
  return Object.values(pipelines)
    .flatMap(({ components }) => components)
    .find((component) => component.id === id);
}

/** The series of the hostile plugin: by name, and of the state by state. */
async function seriesAt(url: string): Promise<Record<string, number>> {
  const text = await (await fetch(url)).text();
  const lines = [...text.matchAll(/^otelwasm_plugin_(\w+)\{(.*otelcol_component_id="wasm\/hostile".*)\} (\S+)$/gm)];
  return Object.fromEntries(
    lines.map(([, name, labels, value]) => {
      assert.match(labels!, /otelcol_component_kind="processor",otelcol_signal="traces",otelcol_pipeline_id="traces"/);
      const state = /,state="(\w+)"/.exec(labels!)?.[1];
      return [state === undefined ? name : `${name} ${state}`, Number(value)];
    }),
  );
}

async function addressOf(program: Program, protocol: string): Promise<string> {
  const [, url] = await program.waitFor(new RegExp(`Listening for ${protocol} on (http://\\S+)`));
  return url!;
}

describe("a plugin that fails is visible", () => {
  let sink: Sink;
  before(async () => {
    sink = await startSink();
  });
  after(() => sink.close());

  test("one that traps until max_restarts: 503 and its name, metrics, the log; the other pipeline delivers, the process lives", async () => {
    sink.clear();
    const restart = { initial_interval: "1ms", max_interval: "1ms", max_restarts: 3 };
    const path = await hostileGuest({ always: "unreachable" });
    const config = (await hostileConfig(sink, path, { config: { restart } }, anyPort)) as Config;
    await using program = runOtelwasm(observed(config));
    const target = { grpcUrl: await addressOf(program, "grpc"), httpUrl: await addressOf(program, "http") };
    const health = await addressOf(program, "health_check");
    const metrics = await addressOf(program, "prometheus");
    await program.waitFor(/Everything is ready/);

    const well = await healthAt(health);
    assert.deepEqual([well.code, well.status, well.health], [200, "Server available", "OK"]);
    assert.equal(plugin(well, "wasm/hostile")?.status, "OK");
    assert.equal((await seriesAt(metrics))["state working"], 1);

    for (let broken = 0; !/failed for good/.test(program.stderr); broken++) {
      assert.ok(broken < 1000, "it never fails for good");
      assert.equal((await callGrpc(target, "traces", GOOD)).code, 14);
    }

    const ill = await healthAt(health);
    assert.deepEqual([ill.code, ill.status, ill.health], [503, "Server not available", "PermanentError"]);
    const { status, error } = plugin(ill, "wasm/hostile")!;
    assert.equal(status, "PermanentError");
    assert.match(error!, /failed for good, after 3 restarts within 60000 ms: wasm\/hostile: consume_traces: trapped/);
    assert.deepEqual(
      Object.entries(ill.pipelines).map(([id, pipeline]) => [id, pipeline.status]),
      [
        ["traces", "PermanentError"],
        ["logs", "OK"],
      ],
    );

    const series = await seriesAt(metrics);
    assert.deepEqual(
      [
        series["state working"],
        series["state restarting"],
        series["state failed"],
        series.restarts_total,
        series.traps_total,
      ],
      [0, 0, 1, 3, 4],
    );
    assert.ok(series.rejected_total! >= 4 && series.calls_total! >= 4);

    const lines = program.stderr.split("\n");
    const said = lines.filter(
      (line) => line.includes("wasm/hostile") && / error /.test(line) && line.includes("failed for good"),
    );
    assert.equal(said.length, 1, "once");

    const delivered = sink.requests.filter(({ signal }) => signal === "logs").length;
    assert.equal((await postHttp(target, "logs", LOGS)).status, 200);
    assert.equal(sink.requests.filter(({ signal }) => signal === "logs").length, delivered + 1);

    assert.equal(program.child.exitCode, null);
    program.child.kill("SIGTERM");
    assert.equal(await program.exit, 0, program.output);
  });

  test("one that breaks once and comes back: 503 until it is back, then 200", async () => {
    sink.clear();
    const path = await hostileGuest({ consume: "unreachable" });
    const config = (await hostileConfig(sink, path, {}, anyPort)) as Config;
    const log = new LogLines();
    await using running = await startCollector(observed(config), { logger: log });
    const { collector } = running;
    const url = running.url("health_check");
    assert.equal((await healthAt(url)).code, 200);

    const statuses: string[] = [];
    const back = new Promise<void>((resolve) => {
      collector.onStatusChange(({ id, status }) => {
        assert.equal(id, "wasm/hostile");
        statuses.push(
          `${status}: ${collector.health().pipelines.traces?.status}, ${collector.health().pipelines.logs?.status}`,
        );
        if (status === "OK") resolve();
      });
    });
    assert.equal((await callGrpc(running, "traces", BAD)).code, 14);
    await back;
    assert.deepEqual(statuses, ["RecoverableError: RecoverableError, OK", "OK: OK, OK"]);
    const well = await healthAt(url);
    assert.deepEqual([well.code, plugin(well, "wasm/hostile")?.error], [200, undefined]);
    const series = await seriesAt(running.url("prometheus"));
    assert.deepEqual([series["state working"], series.restarts_total, series.traps_total], [1, 1, 1]);
    assert.equal(log.matching(/was replaced by a fresh one/).length, 1);
    assert.equal((await callGrpc(running, "traces", GOOD)).code, 0);
  });

  test("503 while the collector starts", async () => {
    // Its `start` takes until it is ended.
    const slow = await hostileGuest({ start: "(loop $again (br $again))" });
    const config = (await hostileConfig(sink, slow, {}, anyPort)) as Config;
    const log = new LogLines();
    const collector = await createCollector(observed(config), { logger: log, shutdownTimeoutMs: 100 });
    const interrupted = assert.rejects(collector.start());
    const [line] = await log.waitFor(new RegExp(BEGINS)).then(() => log.matching(/Starting health check/));
    const [, endpoint] = /endpoint="([^"]+)"/.exec(line!) ?? assert.fail(line);
    const answer = await healthAt(`http://${endpoint}`);
    assert.deepEqual([answer.code, plugin(answer, "wasm/hostile")?.status], [503, "Starting"]);
    await collector.shutdown();
    await interrupted;
  });

  test("503 while the collector stops, and nobody there when it has", async () => {
    sink.clear();
    const held = gate();
    sink.respond = () => held.answer;
    const config = (await hostileConfig(sink, await hostileGuest({}), {}, anyPort)) as Config;
    const running = await startCollector(observed(config));
    const url = running.url("health_check");
    const inFlight = postHttp(running, "logs", LOGS);
    await sink.waitForRequests(1);
    const stopped = running.shutdown();
    const answer = await healthAt(url);
    assert.deepEqual([answer.code, answer.pipelines.logs?.status], [503, "Stopping"]);
    held.open();
    assert.equal((await inFlight).status, 200);
    await stopped;
    await assert.rejects(fetch(url));
  });
});
