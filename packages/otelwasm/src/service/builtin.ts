import type { ComponentFactory } from "../component/factory.ts";
import { basicAuthExtension } from "../components/basicauth/factory.ts";
import { batchProcessor } from "../components/batch/factory.ts";
import { bearerTokenAuthExtension } from "../components/bearertokenauth/factory.ts";
import { debugExporter } from "../components/debug/factory.ts";
import { fileExporter } from "../components/file/factory.ts";
import { fileStorageExtension } from "../components/filestorage/factory.ts";
import { forwardConnector } from "../components/forward/factory.ts";
import { healthCheckExtension } from "../components/healthcheck/factory.ts";
import { memoryLimiterProcessor } from "../components/memorylimiter/factory.ts";
import { nopExporter, nopReceiver } from "../components/nop/factory.ts";
import { otlpReceiver } from "../components/otlp/factory.ts";
import { otlpGrpcExporter } from "../components/otlpgrpc/factory.ts";
import { otlpHttpExporter } from "../components/otlphttp/factory.ts";
import { wasmExporterFactory, wasmProcessorFactory, wasmReceiverFactory } from "../components/wasm/index.ts";

/** The component types that are there without further ado. */
export const builtinFactories: readonly ComponentFactory[] = [
  otlpReceiver,
  nopReceiver,
  wasmReceiverFactory,
  batchProcessor,
  memoryLimiterProcessor,
  wasmProcessorFactory,
  debugExporter,
  fileExporter,
  nopExporter,
  otlpGrpcExporter,
  otlpHttpExporter,
  wasmExporterFactory,
  forwardConnector,
  basicAuthExtension,
  bearerTokenAuthExtension,
  healthCheckExtension,
  fileStorageExtension,
];
