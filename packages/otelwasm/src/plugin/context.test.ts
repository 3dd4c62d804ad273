/** Which host function a guest may call in which of its own: a table, and the guest's way around it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HOST_FUNCTIONS, type HostFunctionName } from "../abi/names.ts";
import { silentLogger } from "../component/logger.ts";
import type { Memory } from "../runtime/contract.ts";
import { WasmError } from "../runtime/errors.ts";
import { GuestCall } from "./call.ts";
import type { PluginError } from "./errors.ts";
import { createHostModule } from "./host.ts";
import type { PluginRole } from "./requirements.ts";
import { type GuestParts, guest, imports } from "./testing/guests.ts";
import { failure, inEachIsolation, load, started, THREADS } from "./testing/load.ts";

const NAMES = Object.keys(HOST_FUNCTIONS) as HostFunctionName[];
const ALL = imports(...NAMES);

/** A call of each host function that is right in itself. */
const CALLS: Readonly<Record<HostFunctionName, string>> = {
  set_result_traces: "(call $set_result_traces (i32.const 0) (i32.const 1))",
  set_result_metrics: "(call $set_result_metrics (i32.const 0) (i32.const 1))",
  set_result_logs: "(call $set_result_logs (i32.const 0) (i32.const 1))",
  get_plugin_config: "(drop (call $get_plugin_config (i32.const 4096) (i32.const 512)))",
  set_status_reason: "(call $set_status_reason (i32.const 0) (i32.const 1))",
  get_shutdown_requested: "(drop (call $get_shutdown_requested))",
  log: "(call $log (i32.const 2) (i32.const 0) (i32.const 1))",
};

/** Valid wherever the guest runs. */
const EVERYWHERE: readonly HostFunctionName[] = ["get_plugin_config", "get_shutdown_requested", "log"];
const WITH_A_STATUS: readonly HostFunctionName[] = [...EVERYWHERE, "set_status_reason"];

const UNTIL_STOP = "(loop $more (br_if $more (i32.eqz (call $get_shutdown_requested))))";

interface Phase {
  /** As the host's message calls it. */
  readonly name: string;
  readonly role?: PluginRole;
  readonly valid: readonly HostFunctionName[];
  readonly parts: (call: string) => GuestParts;
}

/** A plugin of logs, in all that it is asked in its life. */
const PHASES: readonly Phase[] = [
  {
    name: "instantiation",
    valid: EVERYWHERE,
    parts: (call) => ({ fields: `(func $first ${call}) (start $first)` }),
  },
  { name: "_initialize", valid: EVERYWHERE, parts: (initialize) => ({ initialize }) },
  {
    name: "get_supported_telemetry",
    valid: WITH_A_STATUS,
    parts: (call) => ({
      rename: { get_supported_telemetry: undefined },
      fields: `(func (export "get_supported_telemetry") (result i32) ${call} (i32.const 7))`,
    }),
  },
  { name: "start", valid: WITH_A_STATUS, parts: (call) => ({ start: `${call} (i32.const 0)` }) },
  { name: "alloc", valid: WITH_A_STATUS, parts: (call) => ({ alloc: `${call} (i32.const 1024)` }) },
  {
    name: "consume_logs",
    valid: [...WITH_A_STATUS, "set_result_logs"],
    parts: (call) => ({ consume: `${call} (i32.const 0)` }),
  },
  {
    name: "consume_logs",
    role: "exporter",
    valid: WITH_A_STATUS,
    parts: (call) => ({ consume: `${call} (i32.const 0)` }),
  },
  {
    name: "start_logs_receiver",
    role: "receiver",
    valid: [...WITH_A_STATUS, "set_result_logs"],
    parts: (call) => ({
      fields: `(func (export "start_logs_receiver") ${call} ${CALLS.set_result_logs} ${UNTIL_STOP})`,
    }),
  },
  { name: "shutdown", valid: WITH_A_STATUS, parts: (call) => ({ shutdown: `${call} (i32.const 0)` }) },
];

/** The whole life of a plugin with one batch. @throws PluginError */
async function live(parts: GuestParts, role: PluginRole): Promise<void> {
  await using loaded = await load(guest({ imports: ALL, ...parts }), { role, restart: { maxRestarts: 0 } });
  const { plugin } = loaded;
  await plugin.start();
  if (role === "receiver") {
    const { promise: came, resolve } = Promise.withResolvers<void>();
    const done = plugin.receive("logs", async () => resolve());
    await Promise.race([came, done]);
    await plugin.shutdown();
    await done;
  } else {
    await loaded.consume([1]);
    await plugin.shutdown();
  }
}

function assertOutOfContext(error: PluginError, name: string, phase: string): void {
  assert.match(error.message, new RegExp(`: ${name} called during ${phase}: \\w+`));
}

inEachIsolation((isolation) => {
  describe("abi.md, rules: contexts", () => {
    for (const { name: phase, role = "processor", valid, parts } of PHASES) {
      if (role === "receiver" && isolation === "inline") continue;
      for (const name of NAMES) {
        if (valid.includes(name))
          test(`host function in its valid context: ${name} in ${phase} of a ${role}`, () =>
            live(parts(CALLS[name]), role));
        else
          test(`host function outside its valid context: ${name} in ${phase} of a ${role} is a trap with a clear message`, async () => {
            assertOutOfContext(await failure(live(parts(CALLS[name]), role)), name, phase);
          });
      }
    }

    test("host function outside its valid context, re-entrantly: what counts is what the host asked for, not which of its own functions the guest is in", async () => {
      const parts: GuestParts = {
        imports: ALL,
        start: "(call $consume_logs (i32.const 0) (i32.const 1))",
        consume: `${CALLS.set_result_logs} (i32.const 0)`,
      };
      assertOutOfContext(await failure(live(parts, "processor")), "set_result_logs", "start");
      await using loaded = await started(
        guest({
          imports: ALL,
          consume: "(drop (call $alloc (i32.const 0))) (i32.const 0)",
          // Asked by the host for room it does nothing; called by the guest itself it sets the result.
          alloc: `(if (i32.eqz (local.get $size)) (then ${CALLS.set_result_logs})) (i32.const 0x400)`,
        }),
      );
      assert.deepEqual(await loaded.consume([7]), [[0]]);
    });

    test("host function outside its valid context: the guest exports the host's functions as its own", async () => {
      // Their types fit: the host calls itself through the guest, and takes what it answers for a status.
      const binary = guest({
        imports: ALL,
        rename: { consume_logs: undefined, start: undefined },
        fields: '(export "consume_logs" (func $get_plugin_config)) (export "start" (func $get_shutdown_requested))',
      });
      await using loaded = await started(binary, { pluginConfig: "large" });
      assert.match((await failure(loaded.consume([1]))).message, /consume_logs: status 7 \(error\)/);
    });
  });
}, THREADS);

test("host function outside its valid context: while the host calls nothing", () => {
  const call = new GuestCall(100);
  call.end();
  const services = { call, config: new Uint8Array(0), logger: silentLogger, shutdownRequested: () => false };
  const bytes = new Uint8Array(8);
  const memory: Memory = {
    byteLength: bytes.length,
    bytes: () => bytes,
    view: () => new DataView(bytes.buffer),
    read: (offset, size) => bytes.subarray(offset, offset + size),
    write: (offset, data) => bytes.set(data, offset),
  };
  const { functions } = createHostModule(services);
  for (const name of NAMES.filter((each) => !EVERYWHERE.includes(each))) {
    const found = functions.filter(({ functionName }) => functionName === name);
    assert.equal(found.length, 2, "under both modules");
    for (const { function: implementation } of found)
      assert.throws(
        () => implementation(memory, 0, 1),
        (error) => error instanceof WasmError && error.message.includes(`${name} called during no call of the host`),
      );
  }
});
