import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import type { RuntimeConfig } from "../runtime/registry.ts";
import { needsEngine } from "../runtime/testing/engines.ts";
import { componentPluginSuite } from "./component.suite.ts";
import { ECHO, guest } from "./testing/guests.ts";
import { failure, load } from "./testing/load.ts";
import { processorComponent } from "./testing/processor-component.ts";

componentPluginSuite("v8", needsEngine("v8"));
componentPluginSuite("wasmtime", needsEngine("wasmtime"));

describe("components that cannot be plugins", () => {
  const runtimeConfig: RuntimeConfig = { features: { component_model: true } };
  let binary: Uint8Array;
  before(async () => {
    binary = await processorComponent();
  });

  test("without the feature, it is said what it is and what to set", async () => {
    for (const features of [undefined, {}, { component_model: false }]) {
      const refused = await failure(load(binary, features === undefined ? {} : { runtimeConfig: { features } }));
      assert.equal(
        refused.message,
        "wasm/test: load: this is a component of the component model, not a core module, and components are experimental: " +
          "set runtime_config::features::component_model: true, or build the plugin as a core module for ABI v1",
      );
      assert.equal(refused.permanent, true);
    }
  });

  test("with the feature, a core module of the ABI still works", async () => {
    await using loaded = await load(guest(ECHO), { runtimeConfig });
    await loaded.plugin.start();
    assert.deepEqual(await loaded.consume([1, 2]), [[1, 2]]);
  });

  test("as an exporter or receiver", async () => {
    for (const role of ["exporter", "receiver"] as const)
      assert.match(
        (await failure(load(binary, { runtimeConfig, role, isolation: "worker" }))).message,
        new RegExp(`a component can be a processor only, and is used as ${role}`),
      );
  });

  test("with grants that are WASI's", async () => {
    for (const grants of [
      { env: { A: "b" } },
      { args: ["x"] },
      { network: { listen: [], connect: ["*:1"], resolve: [] } },
    ])
      assert.match(
        (await failure(load(binary, { runtimeConfig, grants }))).message,
        /are for WASI preview 1, .* remove them/,
      );
  });

  test("of other worlds, with everything that is wrong", async () => {
    const other = await parse(`(component
      (import "wasi:cli/exit@0.2.0" (instance))
      (import "wasi:io/streams@0.2.0" (instance))
      (import "acme:plugin/kv" (instance)))`);
    const { message } = await failure(load(other, { runtimeConfig }));
    assert.match(message, /exports nothing, but must export otelwasm:plugin\/processing@0\.1\.0/);
    assert.match(message, /imports wasi:cli\/exit@0\.2\.0, wasi:io\/streams@0\.2\.0: components get no WASI here/);
    assert.match(message, /imports acme:plugin\/kv, which the host does not offer/);
  });

  test("of another version of the world", async () => {
    const other = await parse(`(component (instance $i) (export "otelwasm:plugin/processing@0.9.0" (instance $i)))`);
    assert.match(
      (await failure(load(other, { runtimeConfig }))).message,
      /exports otelwasm:plugin\/processing@0\.9\.0, but must export otelwasm:plugin\/processing@0\.1\.0/,
    );
  });

  test("bytes that end too early", async () => {
    assert.match(
      (await failure(load(binary.subarray(0, 100), { runtimeConfig }))).message,
      /the module is not valid WebAssembly/,
    );
  });

  test("an export of the right name whose functions are not there", async () => {
    const empty = await parse(`(component (instance $i) (export "otelwasm:plugin/processing@0.1.0" (instance $i)))`);
    assert.match(
      (await failure(load(empty, { runtimeConfig }))).message,
      /get_supported_telemetry: .*otelwasm:plugin\/processing@0\.1\.0 has no get-supported-telemetry/,
    );
  });
});
