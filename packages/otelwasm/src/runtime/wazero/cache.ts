/** Machine code on disk. wazero reads and writes files in a folder, and believes whatever stands there; so it gets an empty one for each module, and the file is kept as other engines' code is. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import type { ModuleCache } from "../native/module-cache.ts";

/**
 * @param compile with the folder where wazero finds its file or leaves it, `""` for none; called again where that fails
 * @returns what it gave
 */
export async function compileCached<T>(
  cache: ModuleCache,
  binary: Uint8Array,
  compile: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "otelwasm-wazero-")).catch(() => undefined);
  if (folder === undefined) return compile("");
  try {
    const kept = await cache.get(binary);
    if (kept !== undefined) await unpack(kept, folder);
    const compiled = await compile(folder).catch(() => undefined);
    // A module that was refused is refused again; a disk that is full is no reason not to run.
    if (compiled === undefined) return await compile("");
    if (kept === undefined) await pack(folder).then((packed) => packed && cache.put(binary, packed));
    return compiled;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const SIZE_BYTES = 4;

/** The one file that wazero has written: the size of its path, the path, and what is in it. */
async function pack(folder: string): Promise<Uint8Array | undefined> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const [file, ...others] = entries.filter((entry) => entry.isFile());
  if (file === undefined || others.length > 0) return undefined;
  const path = join(file.parentPath, file.name);
  const name = Buffer.from(relative(folder, path).split(sep).join("/"));
  const size = Buffer.alloc(SIZE_BYTES);
  size.writeUInt32LE(name.length);
  return Buffer.concat([size, name, await readFile(path)]);
}

async function unpack(packed: Uint8Array, folder: string): Promise<void> {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.length);
  const end = SIZE_BYTES + bytes.readUInt32LE();
  const path = join(folder, bytes.toString("utf8", SIZE_BYTES, end));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes.subarray(end));
}
