import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { PluginConfig } from "./config.ts";

/** What a plugin's file holds. @throws the system's error */
export async function fingerprintOf({ path }: PluginConfig): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}
