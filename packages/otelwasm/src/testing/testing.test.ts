import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type LogsData, OtlpJsonError, PluginError, testPlugin, testReceiver } from "otelwasm/testing";
import { data, ECHO, guest, imports } from "../plugin/testing/guests.ts";

const LOGS: LogsData = {
  resourceLogs: [
    {
      resource: { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] },
      scopeLogs: [{ logRecords: [{ timeUnixNano: "1", severityNumber: 9, body: { stringValue: "hello" } }] }],
    },
  ],
};

describe("testPlugin", () => {
  test("each signal: typed objects in, typed objects out", async () => {
    await using logs = await testPlugin(guest(ECHO), { signal: "logs" });
    assert.deepEqual(await logs.push(LOGS), [LOGS]);

    await using traces = await testPlugin(guest(ECHO), { signal: "traces" });
    const spans = [{ traceId: "0af7651916cd43dd8448eb211c80319c", name: "GET", kind: 2, endTimeUnixNano: 5 }];
    const [changed] = await traces.push({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
    assert.equal(changed?.resourceSpans?.[0]?.scopeSpans?.[0]?.spans?.[0]?.endTimeUnixNano, "5");

    await using metrics = await testPlugin(guest(ECHO), { signal: "metrics" });
    const sum = { aggregationTemporality: 2, dataPoints: [{ asInt: "3" }, { asDouble: "NaN" as const }] };
    const batch = { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: "orders", sum }] }] }] };
    assert.deepEqual(await metrics.push(batch), [batch]);
  });

  test("an unchanged batch goes on, a dropped one does not, two results are two", async () => {
    await using silent = await testPlugin(guest(), { signal: "logs" });
    assert.deepEqual(await silent.push(LOGS), [LOGS]);
    const consumeWith = (consume: string) => testPlugin(guest({ ...ECHO, consume }), { signal: "logs" });
    await using drop = await consumeWith("(call $set_result_SIGNAL (i32.const 0) (i32.const 0)) (i32.const 0)");
    assert.deepEqual(await drop.push(LOGS), []);
    await using twice = await consumeWith(`(call $set_result_SIGNAL (local.get $pointer) (local.get $size))
      (call $set_result_SIGNAL (local.get $pointer) (local.get $size)) (i32.const 0)`);
    assert.deepEqual(await twice.push(LOGS), [LOGS, LOGS]);
  });

  test("the plugin has its configuration, and its lines are collected", async () => {
    const parrot = guest({
      imports: imports("log", "get_plugin_config"),
      start: `(call $log (i32.const 3) (i32.const 4096) (call $get_plugin_config (i32.const 4096) (i32.const 1024)))
        (i32.const 0)`,
    });
    await using plugin = await testPlugin(parrot, { signal: "logs", pluginConfig: { keys: ["a"] } });
    assert.deepEqual(plugin.logs, [{ level: "warn", message: '{"keys":["a"]}' }]);
  });

  test("the plugin has what it is granted", async () => {
    const asking = guest({
      imports: `(import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
        ${imports("log")}`,
      start: `(drop (call $environ_get (i32.const 4096) (i32.const 4104)))
        (call $log (i32.const 2) (i32.const 4104) (i32.const 5)) (i32.const 0)`,
    });
    const grants = { env: { A: "one" }, network: { connect: ["127.0.0.1:1"] } };
    await using plugin = await testPlugin(asking, { signal: "logs", grants });
    assert.deepEqual(plugin.logs, [{ level: "info", message: "A=one" }]);
    const wrong = { network: { connect: ["example.com"] } };
    await assert.rejects(
      testPlugin(asking, { signal: "logs", grants: wrong }),
      /network::connect::0: "example\.com" has no/,
    );
  });

  test("a refused batch is a PluginError with the plugin's reason", async () => {
    const refusing = guest({
      imports: imports("set_status_reason"),
      consume: "(call $set_status_reason (i32.const 4096) (i32.const 3)) (i32.const 1)",
      fields: data(4096, "why"),
    });
    await using plugin = await testPlugin(refusing, { signal: "logs" });
    await assert.rejects(plugin.push(LOGS), (error) => error instanceof PluginError && error.reason === "why");
  });

  test("what cannot be loaded or started, and what is not OTLP", async () => {
    await assert.rejects(testPlugin("/no/such.wasm", { signal: "logs" }), /^PluginError: \/no\/such\.wasm: load: .*no/);
    await assert.rejects(testPlugin(new URL("file:///no/such.wasm"), { signal: "logs" }), /\/no\/such\.wasm: load/);
    await assert.rejects(testPlugin(guest({ start: "(i32.const 1)" }), { signal: "logs" }), PluginError);
    await assert.rejects(testPlugin(guest({ telemetry: 1 }), { signal: "logs" }), /supports metrics.*used for logs/);
    await using plugin = await testPlugin(guest(), { signal: "logs" });
    const wrong: LogsData = { resourceLogs: [{ scopeLogs: [{ logRecords: [{ traceId: "xyz" }] }] }] };
    await assert.rejects(plugin.push(wrong), (error) => error instanceof OtlpJsonError && /traceId/.test(error.path));
  });

  test("closing twice calls the plugin's shutdown once", async () => {
    const stopping = guest({
      imports: imports("log"),
      shutdown: "(call $log (i32.const 2) (i32.const 4096) (i32.const 3)) (i32.const 0)",
      fields: data(4096, "bye"),
    });
    const plugin = await testPlugin(stopping, { signal: "logs" });
    await Promise.all([plugin.close(), plugin.close()]);
    assert.deepEqual(plugin.logs, [{ level: "info", message: "bye" }]);
    await assert.rejects(plugin.push(LOGS), /was shut down/);
  });
});

describe("testReceiver", () => {
  /** Sets six bytes, a LogsData with one empty record in it, until it is to stop. */
  const receiver = guest({
    imports: imports("set_result_logs", "get_shutdown_requested"),
    fields: `(data (i32.const 2048) "\\0a\\04\\12\\02\\12\\00")
      (func (export "start_logs_receiver")
        (loop $again
          (call $set_result_logs (i32.const 2048) (i32.const 6))
          (br_if $again (i32.eqz (call $get_shutdown_requested)))))`,
  });

  test("runs it until it has given what is asked for", async () => {
    const { batches } = await testReceiver(receiver, { signal: "logs", batches: 3 });
    assert.ok(batches.length >= 3);
    assert.deepEqual(batches[0], { resourceLogs: [{ scopeLogs: [{ logRecords: [{}] }] }] });
  });

  test("a receiver that is none, and one that does not start", async () => {
    await assert.rejects(testReceiver(guest(), { signal: "logs", batches: 1 }), (error) => {
      assert.ok(error instanceof PluginError);
      assert.match(error.message, /does not export start_logs_receiver/);
      return true;
    });
    const failing = guest({ start: "(i32.const 1)", fields: '(func (export "start_logs_receiver"))' });
    await assert.rejects(testReceiver(failing, { signal: "logs", batches: 1 }), /start: status 1/);
  });
});
