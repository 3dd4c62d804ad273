import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** A package that is installed. */
export interface InstalledPackage {
  readonly folder: string;
  readonly version: string;
  /** Whether it runs from its TypeScript sources, as in a checkout of its repository; what is published has none. */
  readonly fromSource: boolean;
}

/** What only the sources have. */
const SOURCE = { otelwasm: "src/index.ts", "@otelwasm/sdk": "build/index.ts" } as const;

/** @returns the package that files of `folder` import by this name; undefined if none is installed */
export function findPackage(name: keyof typeof SOURCE, folder: string): InstalledPackage | undefined {
  let description: string;
  try {
    description = createRequire(join(folder, "index.js")).resolve(`${name}/package.json`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
  const { version } = JSON.parse(readFileSync(description, "utf8")) as { version: string };
  const root = dirname(description);
  return { folder: root, version, fromSource: existsSync(join(root, SOURCE[name])) };
}
