import assert from "node:assert/strict";
import { test } from "node:test";
import * as otelwasm from "./index.ts";

test("the library's surface is what is written here, no more", () => {
  assert.deepEqual(Object.keys(otelwasm).sort(), [
    "BASIC_CAPABILITIES",
    "ComponentError",
    "ComponentFailure",
    "ConfigError",
    "ConsumerError",
    "DEFAULT_LIMITS",
    "DEFAULT_RESTART",
    "OtlpJsonError",
    "PluginError",
    "SIGNALS",
    "StatusCode",
    "StorageError",
    "WasmError",
    "WasmErrorCode",
    "WasmPlugin",
    "byteSize",
    "configJsonSchema",
    "create",
    "createCollector",
    "createLogger",
    "decodeJson",
    "defineConnector",
    "defineExporter",
    "defineExtension",
    "defineProcessor",
    "defineReceiver",
    "deliveryKeys",
    "duration",
    "encodeJson",
    "endpoint",
    "httpUrl",
    "inspectModule",
    "list",
    "loadConfig",
    "loadPlugin",
    "parseModule",
    "positiveDuration",
    "prepareModule",
    "register",
    "resolveImports",
    "secret",
    "silentLogger",
    "validateConfig",
    "withDelivery",
  ]);
});

test("engines are registered when the library is loaded", () => {
  assert.ok(otelwasm.list().includes("v8"));
});
