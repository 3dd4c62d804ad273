import { ConfigError } from "../component/errors.ts";
import { loadConfig, type RawConfig } from "../config/load.ts";
import type { ConfigOptions } from "./program.ts";

/** @throws ConfigError, also when no configuration is named */
export function readConfig(options: ConfigOptions, warn: (message: string) => void): RawConfig {
  requireConfig(options);
  return loadConfig(options.config, options.set, { warn });
}

/** @throws ConfigError */
export function requireConfig(options: ConfigOptions): void {
  if (options.config.length === 0) throw new ConfigError(["no configuration is given: name one with --config FILE"]);
}
