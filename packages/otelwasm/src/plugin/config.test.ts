import assert from "node:assert/strict";
import { test } from "node:test";
import { BASIC_CAPABILITIES } from "../runtime/capabilities.ts";
import { list, register } from "../runtime/registry.ts";
import { pluginConfigSchema } from "./config.ts";
import type { PluginRole } from "./requirements.ts";

register("elsewhere", {
  capabilities: () => ({ ...BASIC_CAPABILITIES, isolations: ["worker", "inline"], deadline: true, memoryLimit: true }),
  validate: (config) => ((config as { mode?: string } | undefined)?.mode === "bad" ? ["mode: must be good"] : []),
  create: () => Promise.reject(new Error("not created here")),
});

register("incapable", {
  capabilities: () => ({
    ...BASIC_CAPABILITIES,
    isolations: ["worker", "inline"],
    deadline: false,
    memoryLimit: false,
  }),
  validate: () => [],
  create: () => Promise.reject(new Error("not created here")),
});

function issues(config: unknown, role: PluginRole = "processor"): string[] {
  const parsed = pluginConfigSchema(role).safeParse(config);
  return parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join("::")}: ${issue.message}`);
}

test("what stands there is handed on as it is", () => {
  const config = {
    path: "./main.wasm",
    plugin_config: { actions: [{ key: "a", action: "insert", value: 1 }], nothing: null },
    runtime_config: { type: "elsewhere", elsewhere: { mode: "good", deep: { a: [1] } } },
  };
  assert.deepEqual(pluginConfigSchema("processor").parse(config), config);
  assert.deepEqual(pluginConfigSchema("processor").parse({ path: "x.wasm" }), { path: "x.wasm" });
  for (const plugin_config of [null, "text", 1, [1]])
    assert.deepEqual(pluginConfigSchema("processor").parse({ path: "x", plugin_config }), { path: "x", plugin_config });
});

test("path is required and not empty", () => {
  assert.match(issues({}).join(), /^path: /);
  assert.deepEqual(issues({ path: "" }), ["path: must name the plugin's file"]);
});

test("an unknown key is named", () => {
  assert.match(issues({ path: "x", plugin_confg: {} }).join(), /plugin_confg/);
});

test("what is wrong with the runtime carries its whole path", () => {
  assert.deepEqual(issues({ path: "x", runtime_config: { type: "nope" } }), [
    `runtime_config::type: unknown runtime type "nope"; known types: ${list().join(", ")}`,
  ]);
  assert.deepEqual(issues({ path: "x", runtime_config: { v8: { jit: true } } }), [
    "runtime_config::v8::jit: unknown key; v8 has no options",
  ]);
  assert.deepEqual(issues({ path: "x", runtime_config: { type: "elsewhere", elsewhere: { mode: "bad" } } }), [
    "runtime_config::elsewhere::mode: must be good",
  ]);
  assert.match(issues({ path: "x", runtime_config: { type: 1 } }).join(), /^runtime_config::type: /);
  assert.match(issues({ path: "x", runtime_config: "v8" }).join(), /^runtime_config: /);
});

const ROLES: readonly PluginRole[] = ["receiver", "processor", "exporter"];

test("durations and sizes are read as milliseconds and bytes; what is not there stays away", () => {
  const config = {
    path: "x",
    isolation: "worker",
    instances: 4,
    limits: {
      call_timeout: "1m30s",
      memory: "64MiB",
      start_timeout: "5s",
      shutdown_timeout: "500ms",
      max_result_bytes: 1000,
    },
    on_failure: "pass_through",
    restart: { initial_interval: "100ms", max_interval: "10s", max_restarts: 5, window: "1h" },
    runtime_config: { type: "elsewhere" },
  };
  assert.deepEqual(pluginConfigSchema("processor").parse(config), {
    ...config,
    limits: {
      call_timeout: 90_000,
      memory: 64 * 1024 ** 2,
      start_timeout: 5_000,
      shutdown_timeout: 500,
      max_result_bytes: 1000,
    },
    restart: { initial_interval: 100, max_interval: 10_000, max_restarts: 5, window: 3_600_000 },
  });
  for (const role of ROLES) assert.deepEqual(pluginConfigSchema(role).parse({ path: "x" }), { path: "x" });
});

test("values that make no sense are refused with their path", () => {
  const refused: [object, RegExp][] = [
    [{ isolation: "thread" }, /^isolation: /],
    [{ instances: 0 }, /^instances: /],
    [{ instances: 1.5 }, /^instances: /],
    [{ limits: { call_timeout: 5 } }, /^limits::call_timeout: needs a unit/],
    [{ limits: { call_timeout: "0s" } }, /^limits::call_timeout: must be more than 0/],
    [{ limits: { start_timeout: "800h" } }, /^limits::start_timeout: must be at most 24 days/],
    [{ limits: { memory: "64 pages" } }, /^limits::memory: .* is not a size/],
    [{ limits: { memory: 100 } }, /^limits::memory: /],
    [{ limits: { memory: "5GiB" } }, /^limits::memory: must be at most 4GiB/],
    [{ limits: { max_result_bytes: 0 } }, /^limits::max_result_bytes: /],
    [{ limits: { cpu: 1 } }, /^limits: .*cpu/],
    [{ on_failure: "ignore" }, /^on_failure: /],
    [{ restart: { max_restarts: -1 } }, /^restart::max_restarts: /],
    [{ restart: { initial_interval: "2s", max_interval: "1s" } }, /^restart::max_interval: must not be less/],
  ];
  for (const [config, expected] of refused) {
    const found = issues({ path: "x", runtime_config: { type: "elsewhere" }, ...config });
    assert.equal(found.length, 1, found.join("; "));
    assert.match(found[0]!, expected);
  }
});

test("what a role cannot have is refused, and says why", () => {
  assert.deepEqual(
    issues(
      { path: "x", isolation: "inline", instances: 2, limits: { call_timeout: "1s" }, on_failure: "drop" },
      "receiver",
    ).map((issue) => issue.split(":").slice(0, 3).join(":").replace(/: .*/, "")),
    ["isolation", "instances", "limits::call_timeout", "on_failure"],
  );
  assert.match(issues({ path: "x", isolation: "inline" }, "receiver").join(), /start_X_receiver blocks its thread/);
  for (const isolation of ["worker", "process"])
    assert.deepEqual(issues({ path: "x", isolation, instances: 1 }, "receiver"), []);
  assert.match(
    issues({ path: "x", on_failure: "pass_through" }, "exporter").join(),
    /^on_failure: .*use reject or drop/,
  );
  assert.deepEqual(issues({ path: "x", on_failure: "drop", instances: 2 }, "exporter"), []);
  assert.deepEqual(issues({ path: "x", on_failure: "pass_through", isolation: "inline" }, "processor"), []);
});

test("components are for engines and roles that have them", () => {
  const component = { component_model: true };
  assert.deepEqual(issues({ path: "x", runtime_config: { features: component } }), []);
  assert.deepEqual(
    issues({ path: "x", runtime_config: { type: "incapable", features: { component_model: false } } }),
    [],
  );
  assert.match(
    issues({ path: "x", runtime_config: { type: "incapable", features: component } }).join(),
    /^runtime_config::features::component_model: the engine "incapable" cannot run components; engines that can: .*v8/,
  );
  for (const role of ["receiver", "exporter"] as const)
    assert.deepEqual(issues({ path: "x", runtime_config: { features: component } }, role), [
      "runtime_config::features::component_model: a component can be a processor only; remove it",
    ]);
});

test("features that are not known, or not on or off", () => {
  const wrong = (features: unknown): string[] => issues({ path: "x", runtime_config: { features } });
  assert.deepEqual(wrong({ components: true }), [
    "runtime_config::features::components: unknown feature; known features: component_model",
  ]);
  assert.deepEqual(wrong({ component_model: "yes" }), [
    "runtime_config::features::component_model: must be true or false",
  ]);
  assert.deepEqual(wrong([true]), ["runtime_config::features: must be a mapping of features to true or false"]);
  assert.deepEqual(wrong(null), []);
});

test("what the engine cannot do is refused when the configuration is read", () => {
  const incapable = { path: "x", runtime_config: { type: "incapable" } };
  const memory = { limits: { memory: "1MiB" } };
  const timed = { limits: { call_timeout: "1s", start_timeout: "1s", shutdown_timeout: "1s" } };
  assert.deepEqual(issues({ ...incapable, ...memory }), [
    'limits::memory: the engine "incapable" cannot limit memory; remove the limit',
  ]);
  assert.deepEqual(
    issues({ ...incapable, ...timed, isolation: "inline" }).map((issue) => issue.split(": ")[0]),
    ["limits::call_timeout", "limits::start_timeout", "limits::shutdown_timeout"],
  );
  assert.deepEqual(issues({ ...incapable, ...timed }), [], "a worker can be ended whatever runs in it");
  const capable = { path: "x", runtime_config: { type: "elsewhere" }, isolation: "inline" };
  assert.deepEqual(issues({ ...capable, limits: { ...memory.limits, call_timeout: "1s" } }), []);
  assert.match(issues({ ...capable, ...timed }).join(), /^limits::start_timeout: .*,limits::shutdown_timeout: [^,]*/);
  assert.deepEqual(issues({ ...incapable, isolation: "process" }), [
    'isolation: the engine "incapable", as it is configured, cannot run so; it can with worker or inline',
  ]);
  assert.match(issues({ path: "x", isolation: "inline", instances: 2 }).join(), /^instances: .*share one thread/);
});
