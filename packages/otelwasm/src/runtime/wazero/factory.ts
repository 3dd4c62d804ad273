import { libraryEnvironment, libraryPath, missingLibrary } from "../native/library.ts";
import { type RuntimeFactory, register } from "../registry.ts";
import { WAZERO } from "./library.ts";
import { capabilitiesFor, type WazeroOptions, wazeroIssues, wazeroOptions } from "./options.ts";
import { WazeroRuntime } from "./runtime.ts";

const optionsOf = (config: unknown): Partial<WazeroOptions> =>
  wazeroIssues(config).length === 0 ? wazeroOptions(config) : {};

const factory: RuntimeFactory = {
  capabilities: (config) => capabilitiesFor(optionsOf(config)),
  validate: wazeroIssues,
  missing: (config) => missingLibrary(WAZERO, optionsOf(config).library),
  describe: (config) => ({ version: WAZERO.version, path: libraryPath(WAZERO, optionsOf(config).library) }),
  launcher: () => ({ file: process.execPath, args: [], env: libraryEnvironment() }),
  async create(config) {
    return new WazeroRuntime(wazeroOptions(config));
  },
};

register("wazero", factory);
