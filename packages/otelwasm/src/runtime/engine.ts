/** `otelwasm/engine`: what an engine that somebody adds is made with. It loads nothing of the collector, as each thread that runs guests imports it. */
export type { ModuleInfo } from "./binary.ts";
export { parseModule } from "./binary.ts";
export { BASIC_CAPABILITIES } from "./capabilities.ts";
export type {
  CompiledComponent,
  ComponentFlags,
  ComponentFunction,
  ComponentHost,
  ComponentInstance,
  ComponentRuntime,
  ComponentSupport,
  ComponentValue,
  ComponentVariant,
} from "./component.ts";
export { ComponentFailure } from "./component.ts";
export type {
  CompiledModule,
  CompileOptions,
  Context,
  ExportType,
  ExternType,
  FunctionInstance,
  FunctionType,
  HostFunction,
  HostModule,
  ImportType,
  InstantiateOptions,
  Isolation,
  Memory,
  MemoryType,
  ModuleInstance,
  Runtime,
  RuntimeCapabilities,
  RuntimeFeatures,
  Value,
  ValueType,
} from "./contract.ts";
export { WasmError, WasmErrorCode } from "./errors.ts";
export { resolveImports } from "./link.ts";
export type { PreparedModule } from "./prepare.ts";
export { prepareModule } from "./prepare.ts";
export type { EngineDescription, RuntimeConfig, RuntimeFactory } from "./registry.ts";
export { register } from "./registry.ts";
