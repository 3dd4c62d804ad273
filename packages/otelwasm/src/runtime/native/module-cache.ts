/** Compiled modules on disk. What an engine loads from there it runs as machine code, so it is looked at twice: who may write the folder, and whether a file is what was written. */
import { createHash, randomUUID } from "node:crypto";
import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { WasmError } from "../errors.ts";
import { platformName } from "./library.ts";

/** All that compiled code depends on besides the module. */
export interface CompiledBy {
  readonly engine: string;
  readonly version: string;
  /** What the code is for, beside the platform: where the compiler uses whatever the processor can do. */
  readonly target?: string;
  /** Those that change the code. */
  readonly options: Readonly<Record<string, unknown>>;
}

const DIGEST_BYTES = 32;
const WRITABLE_BY_OTHERS = 0o022;

export class ModuleCache {
  readonly #folder: string;
  readonly #by: string;

  /**
   * @param folder is made if it is not there
   * @throws WasmError `unsupported` if it cannot be used, or not be trusted
   */
  constructor(folder: string, { engine, version, target, options }: CompiledBy) {
    this.#folder = resolve(folder);
    this.#by = JSON.stringify([engine, version, platformName(), process.arch, target, options]);
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      accessSync(this.#folder, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (cause) {
      throw new WasmError("unsupported", `cache_dir: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
    const { mode, uid } = statSync(this.#folder);
    const owner = process.getuid?.();
    if (process.platform !== "win32" && ((mode & WRITABLE_BY_OTHERS) !== 0 || (owner !== undefined && uid !== owner)))
      throw new WasmError(
        "unsupported",
        `cache_dir: others may write to ${this.#folder}, and what is in it is run; make it the collector's own: chmod go-w, chown`,
      );
  }

  /** @returns what was kept for this module; undefined if nothing was, or it is damaged */
  async get(binary: Uint8Array): Promise<Uint8Array | undefined> {
    const kept = await readFile(this.#pathOf(binary)).catch(() => undefined);
    if (kept === undefined || kept.length < DIGEST_BYTES) return undefined;
    const code = kept.subarray(DIGEST_BYTES);
    return digest(code).equals(kept.subarray(0, DIGEST_BYTES)) ? code : undefined;
  }

  /** Keeps it, whole or not at all. A disk that is full is no reason not to run: then it is not kept. */
  async put(binary: Uint8Array, code: Uint8Array): Promise<void> {
    const path = this.#pathOf(binary);
    const unfinished = `${path}.${process.pid}.${randomUUID()}`;
    try {
      await writeFile(unfinished, Buffer.concat([digest(code), code]), { mode: 0o600 });
      await rename(unfinished, path);
    } catch {
      await rm(unfinished, { force: true }).catch(() => {});
    }
  }

  #pathOf(binary: Uint8Array): string {
    const key = createHash("sha256").update(this.#by).update("\0").update(binary).digest("hex");
    return join(this.#folder, `${key}.compiled`);
  }
}

function digest(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
