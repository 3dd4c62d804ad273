import { ConfigError } from "../component/errors.ts";
import { validateConfig } from "../service/create.ts";
import { readConfig } from "./config.ts";
import type { ConfigOptions } from "./program.ts";

/** @throws ConfigError that lists everything that is wrong */
export async function validate(options: ConfigOptions): Promise<void> {
  const config = readConfig(options, (warning) => process.stderr.write(`Warning: ${warning}\n`));
  const issues = await validateConfig(config);
  if (issues.length > 0) throw new ConfigError(issues);
  process.stdout.write("The configuration is valid.\n");
}
