/**
 * For the tests of a plugin's author, whatever runs them: typed OTLP objects through a plugin, without a collector.
 * `import { testPlugin, testReceiver } from "otelwasm/testing"`.
 */
export { PluginError } from "../plugin/errors.ts";
export type { Grants } from "../plugin/options.ts";
export type { RuntimeConfig } from "../runtime/registry.ts";
export type { Signal } from "../telemetry/batch.ts";
export type {
  AnyValue,
  KeyValue,
  LogRecord,
  LogsData,
  Metric,
  MetricsData,
  NumberDataPoint,
  Resource,
  ResourceLogs,
  ResourceMetrics,
  ResourceSpans,
  Span,
  TracesData,
} from "../telemetry/generated/json-types.ts";
export { OtlpJsonError } from "../telemetry/json.ts";
export { type Batches, type LogLine, type TestPlugin, type TestPluginOptions, testPlugin } from "./plugin.ts";
export { type Received, type TestReceiverOptions, testReceiver } from "./receiver.ts";
