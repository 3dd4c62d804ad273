// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the Collector's variables
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { guest } from "../plugin/testing/guests.ts";
import { list } from "../runtime/registry.ts";
import "../runtime/engines.ts";
import { V8_CAPABILITIES } from "../runtime/v8/runtime.ts";
import { builtinFactories } from "../service/builtin.ts";
import { runCommand, startCommand } from "./testing/command.ts";

let folder = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "otelwasm-cli-"));
});
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const GOOD = `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters: {nop: }
service: {telemetry: {metrics: {level: none}}, pipelines: {logs: {receivers: [otlp], exporters: [nop]}}}
`;
const READY = /Everything is ready\. Begin running and processing data\./;
const NO_STACK = /\n\s+at /;

describe("information", () => {
  test("--version prints the package's version", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    assert.deepEqual(await runCommand(["--version"]), { code: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("--help names the commands", async () => {
    const { code, stdout } = await runCommand(["--help"]);
    assert.equal(code, 0);
    for (const word of ["--config", "--set", "validate", "components", "print-config", "plugin"]) {
      assert.ok(stdout.includes(word), word);
    }
  });

  test("components lists the types as YAML", async () => {
    const { code, stdout } = await runCommand(["components"]);
    assert.equal(code, 0);
    const listed = parse(stdout);
    assert.equal(listed.buildinfo.command, "otelwasm");
    for (const kind of new Set(builtinFactories.map((factory) => factory.kind))) {
      const types = builtinFactories.flatMap((factory) => (factory.kind === kind ? [factory.type] : []));
      const names = listed[`${kind}s`].map((each: { name: string }) => each.name);
      assert.deepEqual(names, types.sort());
    }
    const otlp = listed.receivers.find((each: { name: string }) => each.name === "otlp");
    assert.deepEqual(otlp.signals, ["traces", "metrics", "logs"]);
    assert.deepEqual(listed.connectors[0].signals, ["traces-to-traces", "metrics-to-metrics", "logs-to-logs"]);
  });
});

test("nobody has to read all that is printed", async () => {
  const command = fileURLToPath(new URL("../../bin/otelwasm.js", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=otelwasm-source", command, "schema"]);
  child.stdout.once("data", () => child.stdout.destroy());
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  assert.deepEqual([code, stderr], [0, ""]);
});

describe("engines", () => {
  test("lists each with its state and what it can do, as YAML", async () => {
    const { code, stdout } = await runCommand(["engines"]);
    assert.equal(code, 0);
    const engines: { name: string; state: string }[] = parse(stdout).engines;
    assert.deepEqual(
      engines.map(({ name }) => name),
      list(),
    );
    assert.deepEqual(engines[0], {
      name: "v8",
      default: true,
      state: "ready",
      version: process.versions.v8,
      isolation: [...V8_CAPABILITIES.isolations],
      capabilities: ["ends_with_thread", "memory_limit", "shared_compile", "recursion_traps", "nested_calls"],
      features: ["threads", "simd", "bulk_memory", "exceptions", "gc", "memory64", "tail_calls"],
      components: "transpiled",
    });
  });

  test("one that is not installed says how to get it", async () => {
    const { code, stdout } = await runCommand(["engines"], { XDG_CACHE_HOME: folder });
    assert.equal(code, 0);
    const wasmtime = parse(stdout).engines.find(({ name }: { name: string }) => name === "wasmtime");
    assert.equal(wasmtime.state, "not installed");
    assert.match(wasmtime.install, /npm install @otelwasm\/wasmtime-/);
  });
});

describe("a wrong command line ends with 2 and says what is wrong", () => {
  const cases: readonly (readonly [args: string[], message: RegExp])[] = [
    [["frobnicate"], /^error: unknown command 'frobnicate'\n/],
    [["--nope"], /^error: unknown option '--nope'\n/],
    [["--config"], /^error: option '--config <source>' argument missing\n/],
    [["validate", "--nope"], /^error: unknown option '--nope'\n/],
    [["plugin", "frobnicate"], /^error: unknown command 'frobnicate'\n/],
    [["plugin", "run", "x.wasm"], /^error: required option '--signal <signal>' not specified\n/],
    [["plugin", "run", "x.wasm", "--signal", "spans", "--input", "-"], /'spans' is invalid.*traces, metrics, logs/],
  ];
  for (const [args, message] of cases) {
    test(args.join(" "), async () => {
      const { code, stdout, stderr } = await runCommand(args);
      assert.equal(code, 2);
      assert.equal(stdout, "");
      assert.match(stderr, message);
    });
  }
});

describe("validate", () => {
  test("a good configuration, named before or after the command", async () => {
    const path = file("good.yaml", GOOD);
    for (const args of [
      ["validate", "--config", path],
      ["--config", path, "validate"],
    ]) {
      assert.deepEqual(await runCommand(args), { code: 0, stdout: "The configuration is valid.\n", stderr: "" });
    }
  });

  test("a bad one: every mistake, no stack trace", async () => {
    const path = file("bad.yaml", GOOD.replace("http:", "htp:").replace("[nop]", "[nop, debug]"));
    const { code, stdout, stderr } = await runCommand(["validate", "--config", path]);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /^Error: \d errors:\n/);
    assert.match(stderr, /receivers::otlp::protocols::htp: unknown key; did you mean "http"\?\n/);
    assert.match(stderr, /service::pipelines::logs: references exporter "debug" which is not configured\n/);
    assert.doesNotMatch(stderr, NO_STACK);
  });

  test("--debug shows where it comes from", async () => {
    const { code, stderr } = await runCommand(["--debug", "validate", "--config", file("empty.yaml", "")]);
    assert.equal(code, 1);
    assert.match(stderr, NO_STACK);
  });

  test("a syntax error has file, line and column; a missing file its name", async () => {
    const path = file("syntax.yaml", "receivers:\n\totlp: 1\n");
    assert.match((await runCommand(["validate", "--config", path])).stderr, /^Error: .*syntax\.yaml:2:1: /);
    const missing = await runCommand(["validate", "--config", "/no/such.yaml"]);
    assert.deepEqual(
      [missing.code, missing.stderr],
      [1, 'Error: cannot read the configuration "/no/such.yaml": no such file\n'],
    );
  });

  test("a variable that is not set is a warning", async () => {
    const path = file("unset.yaml", `${GOOD}\nextensions: \${env:SURELY_NOT_SET}\n`);
    const { code, stderr } = await runCommand(["validate", "--config", path]);
    assert.equal(code, 0);
    assert.match(stderr, /^Warning: .*"SURELY_NOT_SET", which is not set/);
  });

  test("several files and --set are merged", async () => {
    const base = file("base.yaml", GOOD);
    const { code, stderr } = await runCommand([
      "validate",
      "--config",
      base,
      "--set",
      "service.pipelines.logs.exporters=[debug]",
    ]);
    assert.equal(code, 1);
    assert.match(stderr, /references exporter "debug" which is not configured/);
    const more = file("more.yaml", "exporters: {debug: }");
    const args = ["validate", "--config", base, "--config", more, "--set", "service.pipelines.logs.exporters=[debug]"];
    assert.equal((await runCommand(args)).code, 0);
  });

  test("without a configuration", async () => {
    const { code, stderr } = await runCommand(["validate"]);
    assert.deepEqual([code, stderr], [1, "Error: no configuration is given: name one with --config FILE\n"]);
  });
});

describe("print-config", () => {
  const header = "exporters.otlp_http.headers.authorization=${env:TOKEN}";

  test("prints what was merged, with variables untouched and secrets hidden", async () => {
    const args = ["--config", file("print.yaml", GOOD), "--set", header, "--set", "exporters.otlp_http.headers.x=abc"];
    const endpoint = "exporters.otlp_http.endpoint=http://localhost";
    const { code, stdout } = await runCommand(["print-config", ...args, "--set", endpoint], { TOKEN: "s3cret" });
    assert.equal(code, 0);
    const headers = { authorization: "${env:TOKEN}", x: "[REDACTED]" };
    assert.deepEqual(parse(stdout).exporters, { nop: null, otlp_http: { headers, endpoint: "http://localhost" } });
  });

  test("unredacted it is what the collector gets, and JSON if that is wanted", async () => {
    const args = ["--config", file("print.yaml", GOOD), "--set", header, "--validate=false"];
    const more = ["--mode", "unredacted", "--format", "json"];
    const { code, stdout } = await runCommand(["print-config", ...args, ...more], { TOKEN: "s3cret" });
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout).exporters, { nop: null, otlp_http: { headers: { authorization: "s3cret" } } });
  });

  test("prints nothing of what cannot be used, and nothing of a wrong command line", async () => {
    const args = ["print-config", "--config", file("print.yaml", GOOD)];
    const invalid = await runCommand([...args, "--set", header]);
    assert.deepEqual([invalid.code, invalid.stdout], [1, ""]);
    assert.match(invalid.stderr, /exporters::otlp_http: at least one endpoint must be specified/);
    for (const wrong of [["--mode", "open"], ["--format", "toml"], ["--validate=perhaps"]]) {
      const { code, stdout } = await runCommand([...args, ...wrong]);
      assert.deepEqual([code, stdout], [2, ""], wrong.join(" "));
    }
  });
});

describe("running", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`says what it listens on, and ${signal} ends it with 0`, async () => {
      await using command = startCommand(["--config", file(`${signal}.yaml`, GOOD)]);
      await command.untilLogged(READY);
      const [, url] = await command.untilLogged(/Listening for http on (http:\/\/127\.0\.0\.1:[1-9]\d*)/);
      const answer = await fetch(`${url}/v1/logs`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"resourceLogs":[]}',
      });
      assert.equal(answer.status, 200);
      command.kill(signal);
      assert.equal(await command.ended, 0);
      assert.match(command.stderr, new RegExp(`${signal} received: shutting down[^]*Shutdown complete`));
      assert.equal(command.stdout, "");
    });
  }

  test("SIGHUP has the configuration read again: its log, too; one that is wrong changes nothing", async () => {
    const path = file("hangup.yaml", GOOD);
    await using command = startCommand(["--config", path]);
    await command.untilLogged(READY);
    file("hangup.yaml", GOOD.replace("exporters:", "exportres:"));
    command.kill("SIGHUP");
    await command.untilLogged(/Configuration not reloaded, the one before goes on: .*exportres: unknown key/s);
    file("hangup.yaml", GOOD.replace("telemetry: {", "telemetry: {logs: {encoding: json}, "));
    command.kill("SIGHUP");
    await command.untilLogged(/"msg":"Configuration reloaded"/);
    command.kill("SIGTERM");
    assert.equal(await command.ended, 0);
  });

  test("the log can be JSON", async () => {
    await using command = startCommand([
      "--config",
      file("json.yaml", GOOD),
      "--set",
      "service.telemetry.logs.encoding=json",
    ]);
    await command.untilLogged(READY);
    command.kill("SIGTERM");
    assert.equal(await command.ended, 0);
    for (const line of command.stderr.trimEnd().split("\n")) {
      const { level, ts, msg } = JSON.parse(line);
      assert.ok(typeof level === "string" && typeof ts === "string" && typeof msg === "string", line);
    }
  });

  describe("with a request that nobody answers", () => {
    let silent: Server;
    let reached: Promise<unknown>;
    before(async () => {
      silent = createServer(() => {});
      reached = once(silent, "request");
      silent.listen(0, "127.0.0.1");
      await once(silent, "listening");
    });
    after(() => silent.closeAllConnections());
    after(() => silent.close());

    test("a second signal ends it at once with the signal's code", async () => {
      const { port } = silent.address() as AddressInfo;
      const config = GOOD.replace("nop: ", `otlp_http: {endpoint: "http://127.0.0.1:${port}"}`).replace(
        "[nop]",
        "[otlp_http]",
      );
      await using command = startCommand(["--config", file("stuck.yaml", config)]);
      const [, url] = await command.untilLogged(/Listening for http on (http:\/\/127\.0\.0\.1:[1-9]\d*)/);
      const sent = fetch(`${url}/v1/logs`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]}',
      }).then(
        () => "answered",
        () => "cut off",
      );
      await reached;
      command.kill("SIGTERM");
      await command.untilLogged(/SIGTERM received: shutting down/);
      command.kill("SIGTERM");
      assert.equal(await command.ended, 143);
      assert.equal(await sent, "cut off");
      assert.doesNotMatch(command.stderr, /Shutdown complete/);
    });
  });

  test("what cannot start is named in one line, and the exit code is 1", async () => {
    const config = GOOD.replace("exporters:", "processors: {wasm/gone: {path: /no/such.wasm}}\nexporters:").replace(
      "exporters: [nop]",
      "processors: [wasm/gone], exporters: [nop]",
    );
    const { code, stderr } = await runCommand(["--config", file("gone.yaml", config)]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /error {2}Cannot start: processor "wasm\/gone" \(pipeline logs\) cannot be started: .*\/no\/such\.wasm/,
    );
    assert.doesNotMatch(stderr, NO_STACK);
    const debug = await runCommand(["--debug", "--config", join(folder, "gone.yaml")]);
    assert.equal(debug.code, 1);
    assert.match(debug.stderr, /"stack": "ComponentError/);
  });

  test("a plugin that cannot shut down is named, the rest shuts down, and the exit code is 1", async () => {
    const path = join(folder, "stubborn.wasm");
    writeFileSync(path, guest({ shutdown: "(i32.const 1)" }));
    const config = GOOD.replace("exporters:", `processors: {wasm: {path: ${path}}}\nexporters:`).replace(
      "exporters: [nop]",
      "processors: [wasm], exporters: [nop]",
    );
    await using command = startCommand(["--config", file("stubborn.yaml", config)]);
    await command.untilLogged(READY);
    command.kill("SIGTERM");
    assert.equal(await command.ended, 1);
    assert.match(command.stderr, /error {2}processor "wasm" \(pipeline logs\) cannot be shut down: .*shutdown/);
    assert.match(command.stderr, /error {2}Shutdown complete, with errors\n$/);
  });

  test("own metrics are on localhost:8888 where the configuration does not say, and a port that is taken is named", async () => {
    await using server = createServer();
    const listening = Promise.race([once(server, "listening"), once(server, "error")]);
    // If somebody else has it, it is taken all the same.
    server.listen(8888, "127.0.0.1");
    await listening.catch((error: NodeJS.ErrnoException) => assert.equal(error.code, "EADDRINUSE"));
    const config = GOOD.replace("{telemetry: {metrics: {level: none}}, ", "{");
    const { code, stderr } = await runCommand(["--config", file("taken.yaml", config)]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /error {2}Cannot start: service::telemetry::metrics: cannot listen on localhost:8888: the address is in use .*level: none switches them off\n/,
    );
    assert.doesNotMatch(stderr, NO_STACK);
  });

  test("health checks and own metrics are announced with their addresses, and answer", async () => {
    const config = GOOD.replace(
      "service: {telemetry: {metrics: {level: none}}, ",
      "service: {extensions: [health_check], ",
    );
    const settings = [
      "extensions.health_check.endpoint=127.0.0.1:0",
      "service.telemetry.metrics.readers=[{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]",
    ].flatMap((setting) => ["--set", setting]);
    await using command = startCommand(["--config", file("observed.yaml", config), ...settings]);
    await command.untilLogged(READY);
    const [, health] = await command.untilLogged(/Listening for health_check on (http:\S+\/)/);
    const [, metrics] = await command.untilLogged(/Listening for prometheus on (http:\S+\/metrics)/);
    assert.equal((await fetch(health!)).status, 200);
    assert.match(await (await fetch(metrics!)).text(), /^otelcol_process_uptime_seconds_total/m);
    command.kill("SIGTERM");
    assert.equal(await command.ended, 0);
  });

  test("a component's fatal error shuts the collector down, with exit code 1", async () => {
    const builtin = new URL("../service/builtin.ts", import.meta.url);
    const inject = file(
      "fatal.mjs",
      `import * as z from ${JSON.stringify(import.meta.resolve("zod"))};
       import { builtinFactories } from ${JSON.stringify(builtin)};
       builtinFactories.push({
         kind: "extension", type: "fatal", description: "Ends it", schema: z.strictObject({}),
         create: ({ reportStatus }) => ({
           async start() { process.on("SIGUSR2", () => reportStatus({ status: "FatalError", error: "the end" })); },
           async shutdown() {},
         }),
       });`,
    );
    const config = GOOD.replace("service: {", "extensions: {fatal: }\nservice: {extensions: [fatal], ");
    const NODE_OPTIONS = `--import=${inject}`;
    await using command = startCommand(["--config", file("fatal.yaml", config)], { NODE_OPTIONS });
    await command.untilLogged(READY);
    command.kill("SIGUSR2");
    assert.equal(await command.ended, 1);
    assert.match(
      command.stderr,
      /error {2}Shutting down: extension "fatal" says that the collector cannot go on {2}\{"error": "the end"\}\n[\s\S]*Shutdown complete\n$/,
    );
  });

  for (const [what, code] of [
    ["exception", "() => { throw new Error('boom') }"],
    ["rejection", "() => { Promise.reject(new Error('boom')) }"],
  ]) {
    test(`an ${what} that nobody catches is logged and ends it with 1`, async () => {
      const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(`process.on("SIGUSR2", ${code})`)}`;
      await using command = startCommand(["--config", file(`${what}.yaml`, GOOD)], { NODE_OPTIONS });
      await command.untilLogged(READY);
      command.kill("SIGUSR2");
      assert.equal(await command.ended, 1);
      assert.match(command.stderr, /error {2}Internal error, the process ends: boom\n$/);
    });
  }

  test("a wrong configuration does not start anything", async () => {
    const { code, stderr } = await runCommand(["--config", file("wrong.yaml", "receivers: {x: }")]);
    assert.equal(code, 1);
    assert.match(stderr, /^Error: 2 errors:\n {2}- receivers::x: unknown receiver type "x"/);
  });
});
