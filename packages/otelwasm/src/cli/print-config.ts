import { stringify } from "yaml";
import { mergeSources } from "../config/load.ts";
import { requireConfig } from "./config.ts";
import type { ConfigOptions } from "./program.ts";

/** Variables stay as they are written, and with them what they keep secret. */
export function printConfig(options: ConfigOptions): void {
  requireConfig(options);
  process.stdout.write(stringify(mergeSources(options.config, options.set)));
}
