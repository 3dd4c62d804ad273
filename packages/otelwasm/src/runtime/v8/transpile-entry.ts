/**
 * The thread of one transpilation: the transpiler is WebAssembly itself, whose failure leaves it of no use, and which takes its time. Answers one message, and ends.
 */
import { parentPort, workerData } from "node:worker_threads";
import { transpileBytes } from "@bytecodealliance/jco-transpile";
import { PLUGIN_FILE, type Transpiled } from "./transpiler.ts";

async function transpile(component: Uint8Array): Promise<Transpiled> {
  const { files } = await transpileBytes(component, {
    name: PLUGIN_FILE,
    // Nothing is read or written: whoever instantiates hands the modules over.
    instantiation: "async",
    base64Cutoff: 0,
    nodejsCompat: false,
    emitTypescriptDeclarations: false,
  });
  const glue = files[`${PLUGIN_FILE}.js`];
  if (glue === undefined) throw new Error(`the transpiler made no JavaScript, but ${Object.keys(files).join(", ")}`);
  return {
    source: new TextDecoder().decode(glue),
    modules: Object.entries(files).filter(([name]) => name.endsWith(".wasm")),
  };
}

function failure(error: unknown): Transpiled {
  return { error: error instanceof Error ? error.message : String(error) };
}

transpile(workerData as Uint8Array)
  .catch(failure)
  .then((answer) => parentPort?.postMessage(answer));
