/** Whether a component can be a plugin: known from its bytes and the configuration, before any engine has it. */
import { PLUGIN_HOST, PROCESSING } from "../abi/world.ts";
import { componentNames } from "../runtime/component-link.ts";
import type { RuntimeConfig } from "../runtime/registry.ts";
import type { WasiGrants } from "../wasi/grants.ts";
import { PluginError } from "./errors.ts";
import type { PluginRole } from "./requirements.ts";

interface ComponentUse {
  readonly id: string;
  readonly path?: string | undefined;
  readonly role: PluginRole;
  readonly runtimeConfig: RuntimeConfig;
  readonly grants: WasiGrants;
}

/** @throws PluginError that lists everything that keeps a component from being used */
export function checkComponent(binary: Uint8Array, use: ComponentUse): void {
  let problems: string[];
  try {
    problems = componentProblems(binary, use);
  } catch (error) {
    problems = [error instanceof Error ? error.message : String(error)];
  }
  if (problems.length > 0) throw PluginError.fromLoad(use.id, use.path, problems);
}

/** @throws WasmError `invalid_module`, `unsupported` */
function componentProblems(binary: Uint8Array, { role, runtimeConfig, grants }: ComponentUse): string[] {
  if (runtimeConfig.features?.component_model !== true)
    return [
      "this is a component of the component model, not a core module, and components are experimental: " +
        "set runtime_config::features::component_model: true, or build the plugin as a core module for ABI v1",
    ];
  const { imports, exports } = componentNames(binary);
  const problems: string[] = [];
  if (role !== "processor") problems.push(`a component can be a processor only, and is used as ${role}`);
  if (!exports.includes(PROCESSING)) problems.push(withoutProcessing(exports));
  const wasi = imports.filter((name) => name.startsWith("wasi:"));
  if (wasi.length > 0)
    problems.push(
      `the component imports ${wasi.join(", ")}: components get no WASI here; build it without (Rust: --target wasm32-unknown-unknown), ` +
        "or as a core module for WASI preview 1",
    );
  const unknown = imports.filter((name) => name !== PLUGIN_HOST && !wasi.includes(name));
  if (unknown.length > 0)
    problems.push(
      `the component imports ${unknown.join(", ")}, which the host does not offer; it offers ${PLUGIN_HOST}`,
    );
  const { args, env, files, network } = grants;
  const granted = [args, Object.keys(env), files, ...Object.values(network)].some((list) => list.length > 0);
  if (granted)
    problems.push("args, env, files and network are for WASI preview 1, which components do not have: remove them");
  return problems;
}

function withoutProcessing(exports: readonly string[]): string {
  const other = exports.find((name) => name.startsWith("otelwasm:plugin/"));
  const found = other ?? (exports.length === 0 ? "nothing" : exports.join(", "));
  return `the component exports ${found}, but must export ${PROCESSING}: build it for the world processor of @otelwasm/sdk/wit/plugin.wit`;
}
