import { libraryPath, missingLibrary } from "../native/library.ts";
import { type RuntimeFactory, register } from "../registry.ts";
import { wasmedgeLauncher } from "./launcher.ts";
import { WASMEDGE } from "./library.ts";
import { capabilitiesFor, type WasmEdgeOptions, wasmedgeIssues, wasmedgeOptions } from "./options.ts";
import { WasmEdgeRuntime } from "./runtime.ts";

const optionsOf = (config: unknown): Partial<WasmEdgeOptions> =>
  wasmedgeIssues(config).length === 0 ? wasmedgeOptions(config) : {};

const factory: RuntimeFactory = {
  capabilities: (config) => capabilitiesFor(optionsOf(config)),
  validate: wasmedgeIssues,
  missing: (config) => missingLibrary(WASMEDGE, optionsOf(config).library),
  describe: (config) => ({ version: WASMEDGE.version, path: libraryPath(WASMEDGE, optionsOf(config).library) }),
  launcher: (config) => wasmedgeLauncher(optionsOf(config).library),
  async create(config) {
    return new WasmEdgeRuntime(wasmedgeOptions(config));
  },
};

register("wasmedge", factory);
