import type { ComponentFactory } from "../component/factory.ts";
import { otlpReceiver } from "../components/otlp/factory.ts";
import { wasmProcessorFactory } from "../components/wasm/index.ts";

/** The component types that are there without further ado. */
export const builtinFactories: readonly ComponentFactory[] = [otlpReceiver, wasmProcessorFactory];
