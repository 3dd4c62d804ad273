import { stringify } from "yaml";
import { ConfigError } from "../component/errors.ts";
import { plain } from "../config/expanded.ts";
import { mergeSources } from "../config/load.ts";
import { builtinFactories } from "../service/builtin.ts";
import { validateConfig } from "../service/create.ts";
import { FactorySet } from "../service/factories.ts";
import { readConfig, requireConfig } from "./config.ts";
import type { ConfigOptions } from "./program.ts";
import { redactConfig } from "./redact.ts";

export interface PrintOptions {
  readonly mode: "redacted" | "unredacted";
  readonly format: "yaml" | "json";
  /** Prints nothing of a configuration that cannot be used. */
  readonly validate: boolean;
}

/**
 * The configuration after merging. `redacted`: variables stay as they are written, and secrets that stand in the files themselves are hidden; the Collector expands
 * variables there, and shows what came out of those that no schema calls secret. `unredacted`: as it is used, secrets included.
 *
 * @throws ConfigError
 */
export async function printConfig(options: ConfigOptions, { mode, format, validate }: PrintOptions): Promise<void> {
  requireConfig(options);
  if (validate) {
    const issues = await validateConfig(readConfig(options, () => {}));
    if (issues.length > 0) throw new ConfigError(issues);
  }
  const config =
    mode === "unredacted"
      ? plain(readConfig(options, () => {}))
      : redactConfig(mergeSources(options.config, options.set), new FactorySet(builtinFactories));
  process.stdout.write(format === "json" ? `${JSON.stringify(config, null, 2)}\n` : stringify(config));
}
