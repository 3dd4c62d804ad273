import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse } from "yaml";
import { receiverGuest } from "../../components/wasm/testing/support.ts";
import { type GuestParts, guest } from "../../plugin/testing/guests.ts";
import { decodeJson } from "../../telemetry/json.ts";
import { runCommand } from "../testing/command.ts";

let folder = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "otelwasm-plugin-cli-"));
});
after(() => rmSync(folder, { recursive: true }));

function file(name: string, data: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, data);
  return path;
}

let made = 0;
function plugin(parts: GuestParts = {}): string {
  return file(`${made++}.wasm`, guest(parts));
}

const BATCH = {
  resourceLogs: [{ scopeLogs: [{ logRecords: [{ timeUnixNano: "1", body: { stringValue: "hello" } }] }] }],
};
const JSON_BATCH = JSON.stringify(BATCH);

describe("plugin inspect", () => {
  test("says what a plugin is", async () => {
    const { code, stdout, stderr } = await runCommand(["plugin", "inspect", plugin()]);
    assert.deepEqual([code, stderr], [0, ""]);
    const report = parse(stdout);
    assert.equal(report.abi, "v1");
    assert.deepEqual(report.markers, ["abi_version_v1"]);
    assert.deepEqual(report.signals, ["traces", "metrics", "logs"]);
    assert.ok(report.roles.includes("processor"));
    assert.equal(report.memory, "128 KiB, no maximum");
    assert.equal(report.usable, true);
  });

  test("as JSON", async () => {
    const { stdout } = await runCommand(["plugin", "inspect", plugin(), "--json"]);
    assert.equal(JSON.parse(stdout).dialect, "v1");
  });

  test("one that cannot be used: why, and exit code 1", async () => {
    const { code, stdout } = await runCommand(["plugin", "inspect", plugin({ rename: { alloc: undefined } })]);
    assert.equal(code, 1);
    const report = parse(stdout);
    assert.equal(report.usable, false);
    assert.match(report.problems.join(), /alloc/);
  });

  test("what is no module, what is not there", async () => {
    const text = await runCommand(["plugin", "inspect", file("text.wasm", "hello")]);
    assert.equal(text.code, 1);
    assert.match(text.stderr, /^Error: .*text\.wasm: the module is not valid WebAssembly/);
    const gone = await runCommand(["plugin", "inspect", "/no/such.wasm"]);
    assert.deepEqual([gone.code, gone.stderr], [1, 'Error: cannot read "/no/such.wasm": no such file\n']);
  });
});

/** Hands back what it got. */
const ECHO: GuestParts = {
  imports: `(import "opentelemetry.io/wasm" "set_result_logs" (func $set (param i32 i32)))`,
  consume: "(call $set (local.get $pointer) (local.get $size)) (i32.const 0)",
};

describe("plugin run", () => {
  const args = (path: string, ...more: string[]) => ["plugin", "run", path, "--signal", "logs", ...more];

  test("prints the result as OTLP JSON", async () => {
    const input = file("batch.json", JSON_BATCH);
    const { code, stdout, stderr } = await runCommand(args(plugin(ECHO), "--input", input));
    assert.deepEqual([code, stderr], [0, ""]);
    assert.deepEqual(JSON.parse(stdout), BATCH);
  });

  test("reads standard input and protobuf, and says when nothing was changed", async () => {
    const pb = file("batch.pb", decodeJson("logs", JSON_BATCH));
    for (const [input, stdin] of [
      ["-", JSON_BATCH],
      [pb, ""],
    ] as const) {
      const { code, stdout, stderr } = await runCommand(args(plugin(), "--input", input), {}, stdin);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /^unchanged: /);
      assert.deepEqual(JSON.parse(stdout), BATCH);
    }
  });

  test("says when everything was dropped", async () => {
    const drop = plugin({ ...ECHO, consume: "(call $set (i32.const 0) (i32.const 0)) (i32.const 0)" });
    const { code, stdout, stderr } = await runCommand(args(drop, "--input", "-"), {}, JSON_BATCH);
    assert.equal(code, 0);
    assert.match(stderr, /^dropped: /);
    assert.deepEqual(JSON.parse(stdout), {});
  });

  test("a plugin that fails: its function and status, exit code 1, no stack trace", async () => {
    const failing = plugin({ consume: "(i32.const 1)" });
    const { code, stdout, stderr } = await runCommand(args(failing, "--input", "-"), {}, JSON_BATCH);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /^Error: \S+\.wasm: consume_logs: status 1/);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });

  test("the configuration reaches the plugin, from the command line and from a file", async () => {
    const parrot = plugin({
      imports: `(import "opentelemetry.io/wasm" "log" (func $log (param i32 i32 i32)))
        (import "opentelemetry.io/wasm" "get_plugin_config" (func $config (param i32 i32) (result i32)))`,
      consume: `(call $log (i32.const 2) (i32.const 16384) (call $config (i32.const 16384) (i32.const 4096)))
        (i32.const 0)`,
    });
    for (const config of ['{"a":[1]}', `@${file("config.yaml", "a: [1]")}`]) {
      const { code, stderr } = await runCommand(args(parrot, "--input", "-", "--config", config), {}, JSON_BATCH);
      assert.equal(code, 0);
      assert.match(stderr, /info {3}\{"a":\[1\]\}/);
    }
  });

  test("as an exporter: what the plugin answered, and no batch", async () => {
    const { code, stdout, stderr } = await runCommand(
      args(plugin(), "--kind", "exporter", "--input", "-"),
      {},
      JSON_BATCH,
    );
    assert.deepEqual([code, stdout, stderr], [0, "", "exported: the plugin answered success\n"]);
  });

  test("a receiver runs until so many batches have come", async () => {
    const receiver = plugin(receiverGuest([[...decodeJson("logs", JSON_BATCH)]]));
    const { code, stdout, stderr } = await runCommand(args(receiver, "--batches", "1"));
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), BATCH);
    const none = await runCommand(args(receiver, "--batches", "0"));
    assert.equal(none.code, 2);
    assert.match(none.stderr, /--batches.*'0' is invalid\. A whole number above 0\./);
  });

  test("a receiver that ends by itself, or breaks: why, and exit code 1", async () => {
    for (const [loop, why] of [
      ["unreachable", /start_logs_receiver: trapped: unreachable/],
      ["", /start_logs_receiver: returned before the plugin was asked to stop/],
    ] as const) {
      const { code, stderr } = await runCommand(
        args(plugin({ fields: `(func (export "start_logs_receiver") ${loop})` })),
      );
      assert.equal(code, 1, stderr);
      assert.match(stderr, /^Error: [^\n]*\n$/);
      assert.match(stderr, why);
    }
  });

  test("a kind that the plugin is not, and a batch that is missing", async () => {
    const wrong = await runCommand(args(plugin(), "--kind", "receiver"));
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /^Error: \S+: the plugin is no receiver: it can be used as processor or exporter\n$/);
    const missing = await runCommand(args(plugin()));
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /^Error: \S+: a processor needs a batch: --input FILE\n$/);
  });

  test("an empty batch is one", async () => {
    for (const empty of ["{}", '{"resourceLogs":[]}']) {
      const { code, stdout } = await runCommand(args(plugin(), "--input", "-"), {}, empty);
      assert.deepEqual([code, JSON.parse(stdout)], [0, {}]);
    }
  });

  test("a signal that the plugin does not take", async () => {
    const onlyTraces = plugin({ rename: { consume_logs: undefined, consume_metrics: undefined }, telemetry: 4 });
    const { code, stderr } = await runCommand(args(onlyTraces, "--input", "-"), {}, JSON_BATCH);
    assert.equal(code, 1);
    assert.match(stderr, /^Error: \S+\.wasm: the plugin takes traces, not logs\n$/);
  });

  test("what is wrong with the input, the configuration, the engine", async () => {
    const path = plugin();
    for (const [more, message] of [
      [["--input", "/no/such.json"], /^Error: cannot read "\/no\/such\.json": no such file\n$/],
      [["--input", file("no.json", "{")], /^Error: .*no\.json: not OTLP JSON for logs: /],
      [["--input", folder], /^Error: cannot read ".*": it is a folder\n$/],
      [
        ["--input", file("other.json", '{"resourceSpans":[]}')],
        /it has no "resourceLogs", but "resourceSpans": was --signal traces/,
      ],
      [
        ["--input", file("package.json", '{"name":"x"}')],
        /package\.json: not OTLP JSON for logs: it has no "resourceLogs"\n/,
      ],
      [["--input", file("no.pb", "\u0000")], /^Error: .*no\.pb: not an OTLP logs payload: /],
      [["--input", "-", "--config", "{"], /^Error: --config: not JSON: .*@FILE/],
      [
        ["--input", "-", "--runtime", "v9"],
        /^Error: runtime_config::type: unknown runtime type "v9"; known types: .*v8/,
      ],
    ] as const) {
      const { code, stderr } = await runCommand(args(path, ...more), {}, JSON_BATCH);
      assert.equal(code, 1);
      assert.match(stderr, message);
    }
  });
});
