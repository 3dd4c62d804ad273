/** What a plugin is made of: a core module of the ABI, or a component. */
import type { CompiledComponent, ComponentRuntime } from "../runtime/component.ts";
import { isComponent } from "../runtime/component-binary.ts";
import type { CompiledModule, CompileOptions, Runtime } from "../runtime/contract.ts";
import { WasmError } from "../runtime/errors.ts";

export type PluginCode =
  | { readonly module: CompiledModule; readonly component?: never }
  | { readonly component: CompiledComponent; readonly module?: never };

/** How a worker comes to it: what was compiled here; or, if the engine's modules cannot be shared, the bytes, and what to compile them with. */
export type PortableCode =
  | { readonly shared: unknown; readonly component: boolean }
  | ({ readonly binary: Uint8Array } & CompileOptions);

/** @throws WasmError as `Runtime.compile` */
export async function compileCode(runtime: Runtime, binary: Uint8Array, options: CompileOptions): Promise<PluginCode> {
  return isComponent(binary)
    ? { component: await componentsOf(runtime).compile(binary, options) }
    : { module: await runtime.compile(binary, options) };
}

/** @returns undefined if it cannot be shared */
export function shareCode(code: PluginCode): PortableCode | undefined {
  const component = code.component !== undefined;
  const shared = component ? code.component.share() : code.module.share?.();
  return shared === undefined ? undefined : { shared, component };
}

/** In a worker of the process where it was shared. @throws WasmError as `Runtime.compile` */
export async function openCode(runtime: Runtime, portable: PortableCode): Promise<PluginCode> {
  if ("binary" in portable) return compileCode(runtime, portable.binary, portable);
  return portable.component
    ? { component: componentsOf(runtime).adopt(portable.shared) }
    : { module: runtime.adopt!(portable.shared) };
}

export function closeCode(code: PluginCode): Promise<void> {
  return (code.component ?? code.module).close();
}

/** @throws WasmError `unsupported` */
export function componentsOf(runtime: Runtime): ComponentRuntime {
  if (runtime.components === undefined) throw new WasmError("unsupported", `${runtime.type} cannot run components`);
  return runtime.components;
}
