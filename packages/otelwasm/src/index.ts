/**
 * otelwasm as a library. What the `otelwasm` command does is a function here.
 */

export type { LoadOptions, RawConfig } from "./config/load.ts";
export { loadConfig } from "./config/load.ts";
export { PluginError } from "./plugin/errors.ts";
export type { ImportReport, ModuleReport } from "./plugin/inspect.ts";
// To use plugins without a collector.
export { inspectModule } from "./plugin/inspect.ts";
export type {
  Grants,
  OnFailure,
  PluginLimits,
  PluginOptions,
  PluginSource,
  PluginState,
  PluginStats,
  RestartOptions,
} from "./plugin/options.ts";
export { DEFAULT_LIMITS, DEFAULT_RESTART } from "./plugin/options.ts";
export { WasmPlugin } from "./plugin/plugin.ts";
export type { PluginRole } from "./plugin/requirements.ts";
export type { Collector, ReloadReport } from "./service/collector.ts";
export type { CollectorOptions, ConfigInput } from "./service/create.ts";
// To run collectors.
export { createCollector, validateConfig } from "./service/create.ts";
export type { BoundEndpoint } from "./service/graph.ts";
export { ComponentError } from "./service/instances.ts";
// For editors.
export { configJsonSchema } from "./service/json-schema.ts";
export type { LogSettings } from "./service/log-settings.ts";
export type { LoggerOptions, LogLevel } from "./service/logger.ts";
export { createLogger } from "./service/logger.ts";
export type { StatusListener } from "./service/status.ts";
export type { FileGrant, NetworkGrant } from "./wasi/grants.ts";

import type { PluginOptions } from "./plugin/options.ts";
import { WasmPlugin } from "./plugin/plugin.ts";

/**
 * Reads a plugin, checks it and makes an instance: `WasmPlugin.load`. Then `start`; any number of `consume` (processors, exporters) or one `receive`
 * (receivers); `shutdown`.
 *
 * The guest runs in a worker thread with a deadline for each call, a limit of its memory, and restarts after failures; `isolation: "process"` has that
 * thread in a process of its own; `"inline"` runs the guest on the calling thread, without the hop and without deadlines. `PluginOptions` has the limits and
 * their defaults, `instances`, `onFailure` and `restart`; they are the keys of `wasm` in a configuration. In a worker the buffer of a batch moves with it: hand
 * over one that is not needed any more.
 *
 * @throws PluginError | ConfigError
 */
export function loadPlugin(options: PluginOptions): Promise<WasmPlugin> {
  return WasmPlugin.load(options);
}

export type { ClientAuthenticator, HeaderLookup, ServerAuthenticator } from "./component/auth.ts";
export type {
  Capabilities,
  Component,
  ComponentKind,
  Connector,
  Consumer,
  Endpoint,
  Exporter,
  Extension,
  Processor,
  Receiver,
} from "./component/component.ts";
export type { ConsumerErrorOptions } from "./component/errors.ts";
// Errors.
export { ConfigError, ConsumerError, StatusCode } from "./component/errors.ts";
export type {
  ComponentFactory,
  ComponentSettings,
  ConnectorFactory,
  ConnectorSettings,
  ExporterFactory,
  ExtensionFactory,
  ExtensionHost,
  ExtensionSettings,
  Host,
  ProcessorFactory,
  ReceiverFactory,
  SignalPair,
} from "./component/factory.ts";
// To write native components.
export {
  defineConnector,
  defineExporter,
  defineExtension,
  defineProcessor,
  defineReceiver,
} from "./component/factory.ts";
export type { ComponentHealth, ComponentStatus, Health, PipelineHealth, StatusReport } from "./component/health.ts";
export type { LogAttributes, Logger } from "./component/logger.ts";
export { silentLogger } from "./component/logger.ts";
export type {
  Storage,
  StorageClient,
  StorageEntry,
  StorageErrorCode,
  StorageOperation,
  StorageOwner,
} from "./component/storage.ts";
export { StorageError } from "./component/storage.ts";
export type { JsonSchema } from "./config/forms.ts";
export type { DurationOptions, HostPort } from "./config/values.ts";
export { byteSize, duration, endpoint, httpUrl, positiveDuration, secret } from "./config/values.ts";
export type {
  BatchConfig,
  DeliveryConfig,
  DeliveryKeys,
  RetryConfig,
  SendingQueueConfig,
} from "./exporterhelper/config.ts";
export { deliveryKeys } from "./exporterhelper/config.ts";
export type { DeliveryOptions } from "./exporterhelper/delivery.ts";
export { withDelivery } from "./exporterhelper/delivery.ts";
// Engines. What one that somebody adds is made with is `otelwasm/engine`.
export * from "./runtime/engine.ts";
export { create, list } from "./runtime/registry.ts";
export type { Batch, Signal } from "./telemetry/batch.ts";
// Telemetry: OTLP bytes.
export { SIGNALS } from "./telemetry/batch.ts";
export { decodeJson, encodeJson, OtlpJsonError } from "./telemetry/json.ts";
