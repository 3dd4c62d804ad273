import { libraryEnvironment, libraryPath, missingLibrary } from "../native/library.ts";
import { type RuntimeFactory, register } from "../registry.ts";
import { WASMTIME } from "./library.ts";
import { capabilitiesFor, type WasmtimeOptions, wasmtimeIssues, wasmtimeOptions } from "./options.ts";
import { WasmtimeRuntime } from "./runtime.ts";

const optionsOf = (config: unknown): Partial<WasmtimeOptions> =>
  wasmtimeIssues(config).length === 0 ? wasmtimeOptions(config) : {};

const factory: RuntimeFactory = {
  capabilities: (config) => capabilitiesFor(optionsOf(config)),
  validate: wasmtimeIssues,
  missing: (config) => missingLibrary(WASMTIME, optionsOf(config).library),
  describe: (config) => ({ version: WASMTIME.version, path: libraryPath(WASMTIME, optionsOf(config).library) }),
  launcher: () => ({ file: process.execPath, args: [], env: libraryEnvironment() }),
  async create(config) {
    return new WasmtimeRuntime(wasmtimeOptions(config));
  },
};

register("wasmtime", factory);
