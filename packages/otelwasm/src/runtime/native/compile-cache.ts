/** What an engine has compiled, kept in files: machine code, that is, which whoever can write these files can have run. */
import { createHash, randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { WasmError } from "../errors.ts";

/** Everything that compiled code depends on. */
export interface CompileKey {
  readonly engine: string;
  readonly version: string;
  /** What is compiled for: `targetOf()`, where an engine uses what it finds in the processor. */
  readonly target: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** What is compiled. */
  readonly binary: Uint8Array;
}

const HASH = "sha256";
const HASH_BYTES = 32;

/** Where an engine's compiled modules are, if the configuration does not say. */
export function defaultCacheFolder(engine: string): string {
  const base = process.env.XDG_CACHE_HOME;
  return join(base === undefined || base === "" ? join(homedir(), ".cache") : base, "otelwasm", engine);
}

/** A folder of compiled modules: a file for each key, which begins with the hash of what follows. */
export class CompileCache {
  readonly #folder: string;

  /** @param folder made when it is needed */
  constructor(folder: string) {
    this.#folder = resolve(folder);
  }

  /**
   * @returns what was written under the key; `undefined` if nothing was, or it is damaged
   * @throws WasmError `unsupported` if others than this user can write to the folder
   */
  async read(key: CompileKey): Promise<Uint8Array | undefined> {
    await this.#expectPrivate();
    const stored = await readFile(this.#pathOf(key)).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw this.#problem(error);
    });
    if (stored === undefined || stored.length < HASH_BYTES) return undefined;
    const code = stored.subarray(HASH_BYTES);
    return createHash(HASH).update(code).digest().equals(stored.subarray(0, HASH_BYTES)) ? code : undefined;
  }

  /** At once or not at all, however many write the same. @throws WasmError `unsupported` */
  async write(key: CompileKey, code: Uint8Array): Promise<void> {
    await this.#expectPrivate();
    const path = this.#pathOf(key);
    const temporary = this.temporary();
    try {
      await writeFile(temporary, [createHash(HASH).update(code).digest(), code], {
        mode: 0o600,
        flag: "wx",
        flush: true,
      });
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw this.#problem(error);
    }
  }

  /** The path of a file that nobody else writes, in the folder. */
  temporary(): string {
    return join(this.#folder, `.${process.pid}-${randomBytes(8).toString("hex")}`);
  }

  #pathOf({ engine, version, target, options, binary }: CompileKey): string {
    const what = JSON.stringify([engine, version, target, Object.entries(options).sort()]);
    const hash = createHash(HASH).update(what).update("\0").update(binary).digest("hex");
    return join(this.#folder, hash);
  }

  /** Makes the folder if there is none. */
  async #expectPrivate(): Promise<void> {
    try {
      const made = await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      // Whatever the process takes away from the modes of its files.
      if (made !== undefined) await chmod(this.#folder, 0o700);
      const { uid, mode } = await stat(this.#folder);
      const user = process.getuid?.();
      if (user !== undefined && (uid !== user || (mode & 0o022) !== 0))
        throw new Error(
          "others can write to it, and what is in it is run; take that right away, or name another folder",
        );
    } catch (error) {
      throw this.#problem(error);
    }
  }

  #problem(cause: unknown): WasmError {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new WasmError("unsupported", `the folder of compiled modules ${this.#folder} cannot be used: ${why}`, {
      cause,
    });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
