import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  EXPERIMENTAL_EXPORTS,
  EXPERIMENTAL_IMPORTS,
  GUEST_FUNCTIONS,
  type GuestFunction,
  HOST_FUNCTIONS,
  type HostFunctionName,
  IMPORT_MODULES,
  MARKERS,
  spellings,
} from "../abi/names.ts";
import { wat } from "../runtime/testing/wat.ts";
import { SIGNALS, type Signal } from "../telemetry/batch.ts";
import { data, ECHO, type GuestParts, guest, guestText, importOf, imports } from "./testing/guests.ts";
import { failure, inEachIsolation, load, started, THREADS } from "./testing/load.ts";

inEachIsolation((isolation) => {
  const PREFIXED: GuestParts["rename"] = {
    abi_version_v1: "otelwasm_abi_version_0_1_0",
    alloc: "otelwasm_memory_allocate",
    get_supported_telemetry: "otelwasm_get_supported_telemetry",
    start: "otelwasm_start",
    shutdown: "otelwasm_shutdown",
    consume_traces: "otelwasm_consume_traces",
    consume_metrics: "otelwasm_consume_metrics",
    consume_logs: "otelwasm_consume_logs",
  };

  describe("abi.md, operations", () => {
    test("version marker, canonical: a v1 module runs, and the marker is never called (it traps)", async () => {
      await using loaded = await started(guest(ECHO));
      assert.deepEqual(await loaded.consume([1, 2]), [[1, 2]]);
    });

    test("version marker, v0.1.0: a module with every name prefixed runs", async () => {
      await using loaded = await started(guest({ ...ECHO, rename: PREFIXED! }));
      assert.deepEqual(await loaded.consume([1, 2]), [[1, 2]]);
    });

    for (const name of Object.keys(GUEST_FUNCTIONS) as GuestFunction[])
      for (const spelling of spellings(GUEST_FUNCTIONS[name]))
        for (const marker of Object.values(MARKERS)) {
          const signal = SIGNALS.find((each) => name.includes(each)) ?? "logs";
          if (!name.endsWith("_receiver"))
            test(`hybrids: ${name} exported as ${spelling}, beside the marker ${marker}`, async () => {
              const rename = { abi_version_v1: marker, [name]: spelling };
              await using loaded = await started(guest({ ...ECHO, rename }), { signals: [signal] });
              assert.deepEqual(await loaded.consume([7], signal), [[7]]);
            });
          // A receiver's loop has the thread that it runs on for itself.
          else if (isolation === "worker")
            test(`hybrids: ${name} exported as ${spelling}, beside the marker ${marker}`, async () => {
              const fields = `(func (export "${spelling}")
                (call $set_result_${signal} (i32.const 0) (i32.const 3))
                (loop $more (br_if $more (i32.eqz (call $get_shutdown_requested)))))`;
              const binary = guest({
                imports: imports(`set_result_${signal}`, "get_shutdown_requested"),
                rename: { abi_version_v1: marker },
                fields,
              });
              await using loaded = await started(binary, { role: "receiver", signals: [signal] });
              const { promise: came, resolve } = Promise.withResolvers<Uint8Array>();
              const done = loaded.plugin.receive(signal, async (bytes) => resolve(bytes));
              assert.deepEqual(await Promise.race([came, done]), new Uint8Array(3));
              await loaded.plugin.shutdown();
              await done;
            });
        }

    test("several markers: the highest known version wins, and its spellings are preferred", async () => {
      // Both spellings of alloc are there; only the one of v1 works.
      const fields = `(func (export "otelwasm_abi_version_0_1_0"))
      (func (export "otelwasm_memory_allocate") (param i32) (result i32) unreachable)`;
      await using loaded = await started(guest({ ...ECHO, fields }));
      assert.deepEqual(await loaded.consume([1]), [[1]]);
    });

    test("one marker: its own spellings are preferred", async () => {
      const fields = `(func (export "otelwasm_memory_allocate") (param i32) (result i32) (i32.const 2048))`;
      const rename = { abi_version_v1: "otelwasm_abi_version_0_1_0" };
      await using loaded = await started(guest({ ...ECHO, alloc: "unreachable", fields, rename }));
      assert.deepEqual(await loaded.consume([1]), [[1]]);
    });

    test("import module and host functions: every spelling under both modules can be imported", async () => {
      const all = Object.entries(HOST_FUNCTIONS).flatMap(([name, abi]) =>
        IMPORT_MODULES.flatMap((module) => spellings(abi).map((spelling) => importOf(name, module, spelling))),
      );
      // Each import needs a name of its own in the text.
      const unique = all.map((text, index) => text.replace(/\(func \$\w+/, `(func $import_${index}`)).join("\n");
      assert.equal(all.length, 2 * (6 * 3 + 2));
      await using loaded = await started(guest({ imports: unique }));
      assert.equal(await loaded.consume([1]), undefined);
    });

    /** Shows that a host function does its work, however it is imported. */
    const WORKING: Readonly<Record<HostFunctionName, (as: (name: HostFunctionName) => string) => Promise<void>>> = {
      set_result_traces: (as) => setsResult("traces", as),
      set_result_metrics: (as) => setsResult("metrics", as),
      set_result_logs: (as) => setsResult("logs", as),
      get_plugin_config: async (as) => {
        const consume = `(call $set_result_logs (i32.const 64) (call $get_plugin_config (i32.const 64) (i32.const 32)))
          (i32.const 0)`;
        const binary = guest({ imports: as("get_plugin_config") + imports("set_result_logs"), consume });
        await using loaded = await started(binary, { pluginConfig: { key: 1 } });
        assert.deepEqual(await loaded.consume([1]), [[...Buffer.from('{"key":1}')]]);
      },
      set_status_reason: async (as) => {
        const consume = "(call $set_status_reason (i32.const 64) (i32.const 4)) (i32.const 1)";
        const binary = guest({ imports: as("set_status_reason"), consume, fields: data(64, "full") });
        await using loaded = await started(binary);
        assert.equal((await failure(loaded.consume([1]))).reason, "full");
      },
      get_shutdown_requested: async (as) => {
        const asked = "(i32.sub (call $get_shutdown_requested) (i32.const 1))";
        const binary = guest({
          imports: as("get_shutdown_requested"),
          consume: "(call $get_shutdown_requested)",
          shutdown: asked,
        });
        const { plugin, consume } = await started(binary);
        assert.equal(await consume([1]), undefined, "0: a success");
        await plugin.shutdown();
      },
      log: async (as) => {
        const consume = "(call $log (i32.const 3) (i32.const 64) (i32.const 5)) (i32.const 0)";
        await using loaded = await started(guest({ imports: as("log"), consume, fields: data(64, "hello") }));
        await loaded.consume([1]);
        assert.deepEqual(loaded.lines, ["warn: hello"]);
      },
    };

    async function setsResult(signal: Signal, as: (name: HostFunctionName) => string): Promise<void> {
      const consume = `(call $set_result_${signal} (local.get $pointer) (local.get $size)) (i32.const 0)`;
      const parts = { imports: as(`set_result_${signal}`), consume };
      await using loaded = await started(guest(parts), { signals: [signal] });
      assert.deepEqual(await loaded.consume([4, 5, 6], signal), [[4, 5, 6]]);
    }

    for (const [name, works] of Object.entries(WORKING) as [HostFunctionName, (typeof WORKING)[HostFunctionName]][])
      for (const module of IMPORT_MODULES)
        for (const spelling of spellings(HOST_FUNCTIONS[name]))
          test(`import module ${module}: ${name} works as ${spelling}`, () =>
            works((operation) => importOf(operation, module, spelling)));

    for (const module of IMPORT_MODULES)
      for (const name of EXPERIMENTAL_IMPORTS)
        test(`pull input is removed: a v1 module that imports ${name} from ${module} is refused with advice`, async () => {
          const error = await failure(
            load(guest({ imports: `(import "${module}" "${name}" (func (param i32 i32) (result i32)))` })),
          );
          assert.ok(
            error.message.endsWith(
              `the module imports ${module}.${name} of the experimental (pull) interface, which ABI v1 removed: rebuild it against ABI v1`,
            ),
            error.message,
          );
        });

    for (const signal of SIGNALS)
      test(`consume X and set result X: ${signal}`, async () => {
        await using loaded = await started(guest(ECHO), { signals: [signal] });
        assert.deepEqual(await loaded.consume([9, 8], signal), [[9, 8]]);
      });
  });

  describe("modules that are refused before they are instantiated", () => {
    /** Would trap if it were instantiated. */
    const POISON = "(func $poison unreachable) (start $poison)";

    test("8.6.1 missing ABI marker: the error lists what was found", async () => {
      const error = await failure(load(guest({ rename: { abi_version_v1: undefined }, fields: POISON })));
      assert.equal(
        error.message,
        "wasm/test: load: the module exports no ABI marker (abi_version_v1 or otelwasm_abi_version_0_1_0); it exports alloc, get_supported_telemetry, start, shutdown, consume_traces, consume_metrics, consume_logs: build it with a guest SDK for ABI v1",
      );
      assert.equal(error.permanent, true);
      assert.equal(error.function, "load");
      assert.equal(error.componentId, "wasm/test");
    });

    test("a module that exports nothing", async () => {
      const error = await failure(load(wat("(module)")));
      assert.match(error.message, /it exports no function: build it/);
    });

    test("experimental modules get the advice to rebuild", async () => {
      const experimental = wat(`(module
      (import "opentelemetry.io/wasm" "currentTraces" (func (param i32 i32) (result i32)))
      (memory (export "memory") 1) ${POISON}
      (func (export "getSupportedTelemetry") (result i32) (i32.const 4))
      (func (export "processTraces") (result i32) (i32.const 0)))`);
      const error = await failure(load(experimental, { signals: ["traces"] }));
      assert.equal(
        error.message,
        "wasm/test: load: the module was built for the experimental (pull) interface (it has getSupportedTelemetry, processTraces, currentTraces), which is not supported: rebuild it against ABI v1, which exports abi_version_v1",
      );
    });

    for (const name of EXPERIMENTAL_EXPORTS)
      test(`experimental modules are told by ${name} alone`, async () => {
        const module = wat(`(module (memory (export "memory") 1) ${POISON} (func (export "${name}")))`);
        assert.match(
          (await failure(load(module))).message,
          new RegExp(
            `built for the experimental \\(pull\\) interface \\(it has ${name}\\), .* rebuild it against ABI v1`,
          ),
        );
      });

    const camelCase = Object.values(HOST_FUNCTIONS).flatMap(({ experimental, params, results }) =>
      experimental === undefined
        ? []
        : [{ name: experimental, type: `(param ${params.join(" ")}) (result ${results.join(" ")})` }],
    );
    for (const { name, type } of [
      ...EXPERIMENTAL_IMPORTS.map((pull) => ({ name: pull, type: "(param i32 i32) (result i32)" })),
      ...camelCase,
    ])
      test(`experimental modules are told by their import ${name} alone`, async () => {
        const module = wat(`(module (import "opentelemetry.io/wasm" "${name}" (func ${type}))
          (memory (export "memory") 1) ${POISON} (func (export "consume_logs")))`);
        assert.match(
          (await failure(load(module))).message,
          new RegExp(
            `built for the experimental \\(pull\\) interface \\(it has ${name}\\), .* rebuild it against ABI v1`,
          ),
        );
      });

    test("8.6.2 missing required functions: all of them in one error, and the types that are wrong", async () => {
      const text = guestText({
        rename: { start: undefined, consume_logs: undefined, memory: undefined },
        fields: POISON,
      }).replace('(export "shutdown") (result i32) (i32.const 0)', '(export "shutdown")');
      const error = await failure(load(wat(text), { signals: ["logs", "metrics"] }));
      assert.equal(
        error.message,
        "wasm/test: load: the module does not export start, consume_logs, memory; the export shutdown is () -> (), but must be () -> (i32)",
      );
    });

    test("missing functions of a prefixed module are named as that dialect spells them", async () => {
      const rename = { ...PREFIXED, alloc: undefined };
      const error = await failure(load(guest({ rename })));
      assert.match(error.message, /does not export otelwasm_memory_allocate \(or alloc\)$/);
    });

    test("only the signals that the plugin is used for must be exported", async () => {
      await using loaded = await started(
        guest({ ...ECHO, rename: { consume_traces: undefined, consume_metrics: undefined } }),
      );
      assert.deepEqual(await loaded.consume([1]), [[1]]);
    });

    test("a receiver needs its loop, but no alloc", async () => {
      const error = await failure(
        load(guest({ rename: { alloc: undefined } }), { role: "receiver", isolation: "worker" }),
      );
      assert.match(error.message, /does not export start_logs_receiver$/);
    });

    test("a program that runs once is told from a plugin, which may export _start beside _initialize", async () => {
      const fields = '(func (export "_start"))';
      const error = await failure(load(guest({ fields })));
      assert.match(error.message, /load: the module exports _start and no _initialize: .*-buildmode=c-shared/);
      await using loaded = await started(guest({ fields, initialize: "" }));
      assert.equal(await loaded.consume([]), undefined);
    });

    test("a 64-bit or a shared memory", async () => {
      const wide = await failure(load(guest({ memory: '(memory (export "memory") i64 1)' })));
      assert.match(wide.message, /64-bit addresses/);
      const shared = await failure(load(guest({ memory: '(memory (export "memory") 1 2 shared)' })));
      assert.match(shared.message, /memory is shared/);
    });

    test("imports that nobody offers are listed; those that WASI does not have are named as such", async () => {
      const error = await failure(
        load(
          guest({
            imports: `(import "wasi_snapshot_preview1" "fd_fly" (func (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "thread-spawn" (func (param i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
            (import "env" "unknown" (func)) (import "otelwasm" "log" (func (param i64)))`,
            rename: { start: undefined },
            fields: POISON,
          }),
        ),
      );
      assert.equal(
        error.message,
        "wasm/test: load: the module does not export start; " +
          "the module imports functions that WASI preview 1 and its socket extension do not have: wasi_snapshot_preview1.fd_fly, wasi_snapshot_preview1.thread-spawn; " +
          "the module cannot be linked: env.unknown () -> () is not offered by the host; otelwasm.log is imported as (i64) -> (), but is (i32, i32, i32) -> ()",
      );
    });

    test("bytes that are no module, and a component", async () => {
      assert.match((await failure(load(new TextEncoder().encode("#!/bin/sh")))).message, /not valid WebAssembly/);
      const component = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0);
      assert.match(
        (await failure(load(component))).message,
        /this is a component of the component model, not a core module/,
      );
    });
  });

  test("imports helper and table agree on the types", async () => {
    await using loaded = await started(guest({ imports: imports(...Object.keys(HOST_FUNCTIONS)) }));
    assert.equal(await loaded.consume([]), undefined);
  });
}, THREADS);
