export { wasmProcessorFactory } from "./processor.ts";
