import assert from "node:assert/strict";
import { test } from "node:test";
import {
  EXPERIMENTAL_EXPORTS,
  EXPERIMENTAL_IMPORTS,
  GUEST_FUNCTIONS,
  HOST_FUNCTIONS,
  MARKERS,
  spellings,
} from "./names.ts";
import { logLevelOf, signalsOf, statusName, TELEMETRY_BITS } from "./values.ts";

test("every function has the spellings of the ABI's table, the dialect's own first", () => {
  const table = Object.fromEntries(
    [...Object.entries(GUEST_FUNCTIONS), ...Object.entries(HOST_FUNCTIONS)].map(([name, abi]) => [
      name,
      spellings(abi),
    ]),
  );
  assert.deepEqual(table, {
    alloc: ["alloc", "otelwasm_memory_allocate"],
    get_supported_telemetry: ["get_supported_telemetry", "otelwasm_get_supported_telemetry", "getSupportedTelemetry"],
    start: ["start", "otelwasm_start"],
    shutdown: ["shutdown", "otelwasm_shutdown"],
    consume_traces: ["consume_traces", "otelwasm_consume_traces"],
    consume_metrics: ["consume_metrics", "otelwasm_consume_metrics"],
    consume_logs: ["consume_logs", "otelwasm_consume_logs"],
    start_traces_receiver: ["start_traces_receiver", "otelwasm_start_traces_receiver", "startTracesReceiver"],
    start_metrics_receiver: ["start_metrics_receiver", "otelwasm_start_metrics_receiver", "startMetricsReceiver"],
    start_logs_receiver: ["start_logs_receiver", "otelwasm_start_logs_receiver", "startLogsReceiver"],
    set_result_traces: ["set_result_traces", "otelwasm_set_result_traces", "setResultTraces"],
    set_result_metrics: ["set_result_metrics", "otelwasm_set_result_metrics", "setResultMetrics"],
    set_result_logs: ["set_result_logs", "otelwasm_set_result_logs", "setResultLogs"],
    get_plugin_config: ["get_plugin_config", "otelwasm_get_plugin_config", "getPluginConfig"],
    set_status_reason: ["set_status_reason", "otelwasm_set_status_reason", "setResultStatusReason"],
    get_shutdown_requested: ["get_shutdown_requested", "otelwasm_get_shutdown_requested", "getShutdownRequested"],
    log: ["log", "otelwasm_log"],
  });
  assert.deepEqual(spellings(GUEST_FUNCTIONS.alloc, "v0.1.0"), ["otelwasm_memory_allocate", "alloc"]);
  assert.deepEqual(MARKERS, { v1: "abi_version_v1", "v0.1.0": "otelwasm_abi_version_0_1_0" });
});

test("the experimental interface's own names", () => {
  assert.deepEqual(EXPERIMENTAL_IMPORTS, ["currentTraces", "currentMetrics", "currentLogs"]);
  for (const name of ["processTraces", "pushMetrics", "startLogsReceiver", "getSupportedTelemetry"])
    assert.ok(EXPERIMENTAL_EXPORTS.includes(name), name);
});

test("telemetry bits: metrics 1, logs 2, traces 4", () => {
  assert.deepEqual(TELEMETRY_BITS, { metrics: 1, logs: 2, traces: 4 });
  assert.deepEqual(signalsOf(0), []);
  assert.deepEqual(signalsOf(1), ["metrics"]);
  assert.deepEqual(signalsOf(6), ["traces", "logs"]);
  assert.deepEqual(signalsOf(-1), ["traces", "metrics", "logs"]);
});

test("log levels: trace 0 to error 4, what is above is an error", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, -1].map(logLevelOf), [
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "error",
    "error",
  ]);
});

test("statuses: 1 error, 2 invalid argument, anything else an error too", () => {
  assert.deepEqual([1, 2, 3, -1].map(statusName), ["error", "invalid argument", "error", "error"]);
});
