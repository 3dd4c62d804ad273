/**
 * Machine code on disk. wazero keeps it in a file that it believes whatever stands there, a torn one included; here each module has a folder of its own, with a list of
 * checksums that is looked at before wazero sees the folder, and the folder appears under its name when all is written.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { WasmError } from "../errors.ts";

/** What a folder has beside wazero's files: their checksums by their paths. */
const LIST = "checksums.json";
/** Of a folder that is being written. */
const PREFIX = ".wazero-";
/** A folder that has been written to for so many milliseconds belongs to a process that has ended. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;
/** Bits of a folder's mode: others than its owner may write. */
const WRITABLE_BY_OTHERS = 0o022;

export class CodeCache {
  readonly #folder: string;
  readonly #target: string;

  /** @param target all that machine code depends on, besides the module */
  constructor(folder: string, target: string) {
    this.#folder = resolve(folder);
    this.#target = target;
  }

  /**
   * @param compile with the folder where wazero finds its files or leaves them, `""` for none; called again where that fails
   * @returns what it gave
   * @throws WasmError `unsupported` if the folder cannot be used, or others than its owner may write there: what is in it is run
   */
  async compile<T>(binary: Uint8Array, compile: (folder: string) => Promise<T>): Promise<T> {
    await this.#prepare();
    const key = createHash("sha256").update(this.#target).update("\0").update(binary).digest("hex");
    const kept = join(this.#folder, `wazero-${key}`);
    if (await verified(kept)) {
      const found = await compile(kept).catch(() => undefined);
      if (found !== undefined) return found;
    }
    const work = await mkdtemp(join(this.#folder, PREFIX)).catch(() => undefined);
    if (work === undefined) return compile("");
    try {
      const compiled = await compile(work).catch(() => undefined);
      // A module that was refused is refused again; a full disk is no reason not to run.
      if (compiled === undefined) return await compile("");
      await keep(work, kept).catch(() => {});
      return compiled;
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }

  async #prepare(): Promise<void> {
    const folder = this.#folder;
    const refuse = (reason: string): never => {
      throw new WasmError("unsupported", `runtime_config::wazero::cache_dir: ${folder} ${reason}`);
    };
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      refuse(`cannot be made: ${error instanceof Error ? error.message : error}`);
    }
    const { uid, mode } = await stat(folder);
    const user = process.getuid?.();
    if (user !== undefined && uid !== user && uid !== 0)
      refuse(`belongs to another user (${uid}), and what is in it is run; name a folder of your own`);
    if (user !== undefined && (mode & WRITABLE_BY_OTHERS) !== 0)
      refuse("may be written by others, and what is in it is run; `chmod go-w` it, or name another folder");
    for (const name of await readdir(folder)) {
      if (!name.startsWith(PREFIX)) continue;
      const path = join(folder, name);
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
      if (Date.now() - mtimeMs > ABANDONED_MS) await rm(path, { recursive: true, force: true });
    }
  }
}

async function verified(folder: string): Promise<boolean> {
  try {
    const list: unknown = JSON.parse(await readFile(join(folder, LIST), "utf8"));
    return JSON.stringify(list) === JSON.stringify(await checksums(folder));
  } catch {
    return false;
  }
}

/** Moves a folder that is complete to its place, unless another process has put a good one there meanwhile. */
async function keep(work: string, kept: string): Promise<void> {
  await writeFile(join(work, LIST), JSON.stringify(await checksums(work)));
  if (await verified(kept)) return;
  await rm(kept, { recursive: true, force: true });
  await rename(work, kept);
}

/** Of all files but the list, sorted by their paths. */
async function checksums(folder: string): Promise<(readonly [path: string, sha256: string])[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => path !== LIST)
    .sort();
  const list: (readonly [string, string])[] = [];
  for (const path of paths) {
    const hash = createHash("sha256");
    await pipeline(createReadStream(join(folder, path)), hash);
    list.push([path, hash.digest("hex")]);
  }
  return list;
}
