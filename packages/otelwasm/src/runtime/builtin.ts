import { DEFAULT_RUNTIME, type RuntimeConfig } from "./registry.ts";

const ENGINES: Readonly<Record<string, () => Promise<unknown>>> = {
  v8: () => import("./v8/factory.ts"),
  wasmedge: () => import("./wasmedge/factory.ts"),
  wasmtime: () => import("./wasmtime/factory.ts"),
  wazero: () => import("./wazero/factory.ts"),
};

/**
 * Registers the engine of a `runtime_config` if it is one that is built in, and no other: what a thread or process that runs guests has loaded takes its time to
 * start, and its memory. `engines.ts` registers all.
 */
export async function registerEngineOf({ type = DEFAULT_RUNTIME }: RuntimeConfig): Promise<void> {
  await ENGINES[type]?.();
}
