import assert from "node:assert/strict";
import { test } from "node:test";
import { WasmError } from "../runtime/errors.ts";
import { wat } from "../runtime/testing/wat.ts";
import { inspectModule } from "./inspect.ts";
import { ECHO, guest } from "./testing/guests.ts";

test("a processor that can run", () => {
  const binary = guest({ ...ECHO, rename: { consume_traces: undefined } });
  assert.deepEqual(inspectModule(binary), {
    size: binary.length,
    dialect: "v1",
    markers: ["abi_version_v1"],
    roles: ["processor", "exporter"],
    signals: ["metrics", "logs"],
    imports: [
      {
        module: "opentelemetry.io/wasm",
        known: [
          "set_result_traces (i32, i32) -> ()",
          "set_result_metrics (i32, i32) -> ()",
          "set_result_logs (i32, i32) -> ()",
        ],
        unknown: [],
      },
    ],
    exports: [
      "memory memory",
      "abi_version_v1 () -> ()",
      "alloc (i32) -> (i32)",
      "get_supported_telemetry () -> (i32)",
      "start () -> (i32)",
      "shutdown () -> (i32)",
      "consume_metrics (i32, i32) -> (i32)",
      "consume_logs (i32, i32) -> (i32)",
    ],
    memory: { minimum: 2, shared: false, index64: false },
    capabilities: { wasi: false, sockets: false },
    problems: [],
  });
});

test("a receiver of v0.1.0 names with sockets: what it needs, and what there is not", () => {
  const report = inspectModule(
    wat(`(module
      (import "wasi_snapshot_preview1" "sock_knit" (func (param i32 i32 i32) (result i32)))
      (import "otelwasm" "otelwasm_set_result_traces" (func (param i32 i32)))
      (import "elsewhere" "f" (func))
      (memory (export "memory") 1)
      (func (export "otelwasm_abi_version_0_1_0"))
      (func (export "otelwasm_get_supported_telemetry") (result i32) (i32.const 4))
      (func (export "otelwasm_start") (result i32) (i32.const 0))
      (func (export "otelwasm_start_traces_receiver")))`),
  );
  assert.equal(report.dialect, "v0.1.0");
  assert.deepEqual(report.roles, ["receiver"]);
  assert.deepEqual(report.signals, ["traces"]);
  assert.deepEqual(report.capabilities, { wasi: true, sockets: true });
  assert.deepEqual(report.imports, [
    { module: "wasi_snapshot_preview1", known: [], unknown: ["sock_knit (i32, i32, i32) -> (i32)"] },
    { module: "otelwasm", known: ["otelwasm_set_result_traces (i32, i32) -> ()"], unknown: [] },
    { module: "elsewhere", known: [], unknown: ["f () -> ()"] },
  ]);
  assert.deepEqual(report.problems, [
    "the module does not export otelwasm_shutdown (or shutdown)",
    "the module imports functions that WASI preview 1 and its socket extension do not have: wasi_snapshot_preview1.sock_knit",
    "the module cannot be linked: elsewhere.f () -> () is not offered by the host",
  ]);
});

test("both markers, and nothing that could be called with data", () => {
  const report = inspectModule(
    guest({
      rename: { consume_traces: undefined, consume_metrics: undefined, consume_logs: undefined },
      fields: '(func (export "otelwasm_abi_version_0_1_0"))',
    }),
  );
  assert.equal(report.dialect, "v1");
  assert.deepEqual(report.markers, ["abi_version_v1", "otelwasm_abi_version_0_1_0"]);
  assert.deepEqual(report.roles, []);
  assert.deepEqual(report.problems, [
    "the module exports no consume_X and no start_X_receiver (X: traces, metrics, logs)",
  ]);
});

test("an experimental module, and one that is no plugin", () => {
  const experimental = inspectModule(wat('(module (func (export "processLogs") (result i32) (i32.const 0)))'));
  assert.equal(experimental.dialect, "experimental");
  assert.match(experimental.problems.join(), /experimental \(pull\) interface .*processLogs.* rebuild it/);
  const none = inspectModule(wat('(module (func (export "main")))'));
  assert.equal(none.dialect, "none");
  assert.equal(none.memory, undefined);
  assert.match(none.problems.join(), /exports no ABI marker .* it exports main/);
});

test("bytes that are no module are an error", () => {
  assert.throws(() => inspectModule(Uint8Array.of(1, 2)), WasmError);
});
