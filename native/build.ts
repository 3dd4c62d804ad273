/**
 * `npm run native [ENGINE ...] [-- --pack FOLDER] [-- --again]`: builds or obtains the libraries of native engines for this machine, outside of the checkout, where
 * the adapters find them. Without a name, all of them. With `--pack`, also as npm packages in the folder.
 */
import { createHash } from "node:crypto";
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { nativeCacheFolder, platformName } from "../packages/otelwasm/src/runtime/native/library.ts";

/** What `native/<engine>/recipe.ts` exports. */
interface Recipe {
  readonly version: string;
  /**
   * Puts the library into a folder that is empty, with the `package.json` of an npm package for this platform: its field `library` names the file.
   *
   * @param recipe identifies what the library is made from
   * @throws Error that says what is missing and how to get it
   */
  build(folder: string, recipe: string): Promise<void>;
}

const HERE = fileURLToPath(new URL("./", import.meta.url));

/** Everything that the result depends on, but for the tools. */
function recipeHash(engine: string): string {
  const hash = createHash("sha256").update(platformName());
  for (const file of globSync("**/*", { cwd: join(HERE, engine), withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".md") && !entry.name.endsWith(".test.ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort())
    hash.update(`\n${file.slice(HERE.length)}\n`).update(readFileSync(file));
  return hash.digest("hex").slice(0, 12);
}

/** @returns the folder, which another process may have made meanwhile */
async function build(engine: string, again: boolean): Promise<string> {
  const recipe = (await import(`./${engine}/recipe.ts`)) as Recipe;
  const hash = recipeHash(engine);
  const cache = nativeCacheFolder();
  const folder = join(cache, `${engine}-${recipe.version}-${hash}`);
  if (again) rmSync(folder, { recursive: true, force: true });
  if (existsSync(folder)) {
    console.log(`${engine} ${recipe.version}: ${folder}`);
    return folder;
  }
  mkdirSync(cache, { recursive: true });
  // Beside its place, under a name that nobody looks for.
  const work = mkdtempSync(join(cache, `.${engine}-`));
  try {
    console.log(`${engine} ${recipe.version}: building ...`);
    const started = performance.now();
    await recipe.build(work, hash);
    if (!existsSync(folder)) renameSync(work, folder);
    console.log(`${engine} ${recipe.version}: ${folder} (${Math.round((performance.now() - started) / 1000)} seconds)`);
    return folder;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const ENGINES: readonly string[] = globSync("*/recipe.ts", { cwd: HERE })
  .map((file) => file.replace(/[/\\].*/, ""))
  .sort();
const { values, positionals } = parseArgs({
  options: { pack: { type: "string" }, again: { type: "boolean", default: false } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !ENGINES.includes(name));
if (unknown.length > 0) {
  console.error(`there is no engine ${unknown.join(", ")}; there are: ${ENGINES.join(", ")}`);
  process.exit(2);
}
for (const engine of positionals.length > 0 ? positionals : ENGINES) {
  try {
    const folder = await build(engine, values.again);
    if (values.pack === undefined) continue;
    const packed = resolve(values.pack, `${engine}-${platformName()}`);
    rmSync(packed, { recursive: true, force: true });
    cpSync(folder, packed, { recursive: true, verbatimSymlinks: true });
    console.log(`${engine}: ${packed}`);
  } catch (error) {
    console.error(`${engine}: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
