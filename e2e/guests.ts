/** Plugins for the tests: small ones in the text format, and the attributes example as its users build it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPlugin } from "@otelwasm/sdk/build";
import wabt from "wabt";

let parent: string | undefined;

/** A folder that is gone when the process ends. */
export function temporaryFolder(): string {
  if (parent === undefined) {
    const folder = mkdtempSync(join(tmpdir(), "otelwasm-e2e-"));
    process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
    parent = folder;
  }
  return mkdtempSync(join(parent, "-"));
}

/** Compiles `guests/NAME.wat`. @returns the path of the binary */
export async function compileGuest(name: string): Promise<string> {
  const file = `${name}.wat`;
  const source = readFileSync(fileURLToPath(new URL(`guests/${file}`, import.meta.url)), "utf8");
  const module = (await wabt()).parseWat(file, source);
  const path = join(temporaryFolder(), `${name}.wasm`);
  writeFileSync(path, module.toBinary({}).buffer);
  module.destroy();
  return path;
}

/** Builds `guests/assembly/NAME.ts`, as a plugin's author does. @returns the path of the binary */
export async function buildGuest(name: string): Promise<string> {
  const outFile = join(temporaryFolder(), `${name}.wasm`);
  await buildPlugin({ entry: fileURLToPath(new URL(`guests/assembly/${name}.ts`, import.meta.url)), outFile });
  return outFile;
}
