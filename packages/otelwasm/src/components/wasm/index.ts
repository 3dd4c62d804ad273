export { wasmExporterFactory } from "./exporter.ts";
export { wasmProcessorFactory } from "./processor.ts";
export { wasmReceiverFactory } from "./receiver.ts";
