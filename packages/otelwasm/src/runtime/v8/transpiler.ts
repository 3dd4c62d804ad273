/**
 * From a component to what V8 runs: core modules, and JavaScript that links them and lifts and lowers their values. The transpiler is a package that only those install who have
 * components.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { WasmError } from "../errors.ts";

const TRANSPILER = "@bytecodealliance/jco-transpile";

/** What its files are called; the modules are `plugin.core.wasm`, `plugin.core2.wasm` and so on. */
export const PLUGIN_FILE = "plugin";

/** What the thread answers. */
export type Transpiled =
  | { readonly source: string; readonly modules: readonly (readonly [name: string, binary: Uint8Array])[] }
  | { readonly error: string };

const ENTRY = new URL(
  import.meta.url.endsWith(".ts") ? "./transpile-entry.ts" : "./transpile-entry.js",
  import.meta.url,
);

/** @throws WasmError `unsupported` if the transpiler is not installed; `invalid_module` if it does not take the component */
export async function transpile(component: Uint8Array): Promise<Extract<Transpiled, { source: string }>> {
  expectInstalled();
  const bytes = new Uint8Array(component);
  const worker = new Worker(ENTRY, {
    workerData: bytes,
    transferList: [bytes.buffer],
    name: "otelwasm transpiler",
    env: {},
    execArgv: [],
  });
  const answer = await answerOf(worker);
  await worker.terminate();
  if ("error" in answer) throw new WasmError("invalid_module", `the component cannot be transpiled: ${answer.error}`);
  return answer;
}

function expectInstalled(): void {
  try {
    import.meta.resolve(TRANSPILER);
  } catch (cause) {
    throw new WasmError(
      "unsupported",
      `components run on v8 through a transpiler, which is not installed: npm install ${TRANSPILER}`,
      { cause },
    );
  }
}

async function answerOf(worker: Worker): Promise<Transpiled> {
  try {
    const [answer] = (await once(worker, "message")) as [Transpiled];
    return answer;
  } catch (error) {
    return { error: `its thread died: ${error instanceof Error ? error.message : String(error)}` };
  }
}
