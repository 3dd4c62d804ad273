import { stringify } from "yaml";
import { mergeSources } from "../config/load.ts";
import { requireConfig } from "./config.ts";
import type { ConfigOptions } from "./program.ts";
import { redact } from "./redact.ts";

/** Variables stay as they are written; secrets that stand in the files themselves are hidden, as in the Collector. */
export function printConfig(options: ConfigOptions): void {
  requireConfig(options);
  process.stdout.write(stringify(redact(mergeSources(options.config, options.set))));
}
