/** The npm packages of native libraries: one for each platform, so that npm installs the one that fits. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** As Node.js and npm name them: https://docs.npmjs.com/cli/configuring-npm/package-json#os */
const PLATFORMS: Readonly<Record<string, { readonly os: string; readonly cpu: string; readonly libc?: string }>> = {
  "linux-x64": { os: "linux", cpu: "x64", libc: "glibc" },
  "linux-arm64": { os: "linux", cpu: "arm64", libc: "glibc" },
  "darwin-x64": { os: "darwin", cpu: "x64" },
  "darwin-arm64": { os: "darwin", cpu: "arm64" },
};

/**
 * Writes the `package.json` of a library for one platform.
 *
 * @param fields `library`, the name of its file in the folder, and what else the adapter wants to know
 * @throws Error if the platform has no packages
 */
export function writePackageJson(
  folder: string,
  engine: string,
  version: string,
  platform: string,
  fields: { readonly library: string; readonly [field: string]: string },
): void {
  const fits = PLATFORMS[platform];
  if (fits === undefined)
    throw new Error(`there are packages for ${Object.keys(PLATFORMS).join(", ")}, but not for ${platform}`);
  const { os, cpu, libc } = fits;
  const manifest = {
    name: `@otelwasm/${engine}-${platform}`,
    version,
    description: `The WebAssembly engine ${engine} for otelwasm on ${platform}`,
    license: "Apache-2.0",
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc] }),
    ...fields,
  };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
}
