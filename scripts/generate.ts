// `npm run generate`: writes what is derived from proto/. `--check` only compares, and fails when something would change.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { generateSdk } from "../packages/sdk/tools/generate.ts";
import { type GeneratedFile, generateHost } from "./generate/host.ts";

const root = join(import.meta.dirname, "..");

/** Each gives the files that it is responsible for; none reads another's. */
const generators: readonly (() => Promise<GeneratedFile[]>)[] = [
  async () => generateHost(root),
  async () => [...(await generateSdk())].map(([path, text]) => ({ path, text })),
];

const check = process.argv.includes("--check");

function current(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

let changed = 0;
const files = await Promise.all(generators.map((generate) => generate()));
for (const { path, text } of files.flat()) {
  const file = join(root, path);
  if (current(file) === text) continue;
  changed++;
  if (!check) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  console.log(`${path} ${check ? "is not up to date" : "written"}`);
}
if (changed === 0) console.log("up to date");
if (check && changed > 0) process.exitCode = 1;
