import { readFile } from "node:fs/promises";

/** Nobody means a file of this size for a certificate or a password. */
const MAX_FILE = 16 * 1024 * 1024;

/** A file that cannot be read; the message names it. */
export class FileError extends Error {
  override readonly name: string = "FileError";
  readonly path: string;

  constructor(path: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.path = path;
  }
}

/**
 * Small files, read again and again: a change is one of their bytes, however it came about. So it is seen when a file is written over, when another takes its
 * name, and when a symbolic link of a folder above leads elsewhere, which is how Kubernetes changes secrets.
 */
export class WatchedFiles {
  readonly #paths: readonly string[];
  readonly #intervalMs: number;
  readonly #onChange: (contents: readonly Buffer[]) => void;
  readonly #onError: (error: FileError) => void;
  #contents: readonly Buffer[] = [];
  #timer: NodeJS.Timeout | undefined;
  #lastError = "";
  #closed = false;

  /**
   * @param onChange gets all files' contents, in the order of `paths`; must not throw
   * @param onError hears once that the files cannot be read, until they can or the reason is another
   */
  constructor(
    paths: readonly string[],
    intervalMs: number,
    onChange: (contents: readonly Buffer[]) => void,
    onError: (error: FileError) => void,
  ) {
    this.#paths = paths;
    this.#intervalMs = intervalMs;
    this.#onChange = onChange;
    this.#onError = onError;
  }

  /**
   * Reads the files, and looks for changes from now on.
   *
   * @throws FileError
   */
  async open(): Promise<readonly Buffer[]> {
    this.#contents = await this.#read();
    if (this.#paths.length > 0) this.#wait();
    return this.#contents;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #read(): Promise<readonly Buffer[]> {
    return Promise.all(this.#paths.map(readSmallFile));
  }

  #wait(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#look(), Math.min(this.#intervalMs, 0x7fff_ffff)).unref();
  }

  async #look(): Promise<void> {
    try {
      const contents = await this.#read();
      if (this.#closed) return;
      this.#lastError = "";
      this.#compare(contents);
    } catch (error) {
      if (this.#closed) return;
      if (!(error instanceof FileError)) throw error;
      if (error.message !== this.#lastError) this.#onError(error);
      this.#lastError = error.message;
    }
    this.#wait();
  }

  #compare(contents: readonly Buffer[]): void {
    if (contents.every((each, index) => each.equals(this.#contents[index]!))) return;
    this.#contents = contents;
    this.#onChange(contents);
  }
}

/** @throws FileError */
export async function readSmallFile(path: string): Promise<Buffer> {
  let contents: Buffer;
  try {
    contents = await readFile(path);
  } catch (cause) {
    throw new FileError(path, `cannot read ${JSON.stringify(path)}: ${reasonOf(cause)}`, { cause });
  }
  if (contents.length > MAX_FILE) throw new FileError(path, `${JSON.stringify(path)} has more than ${MAX_FILE} bytes`);
  return contents;
}

function reasonOf(cause: unknown): string {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
  switch (code) {
    case "ENOENT":
      return "there is no such file (ENOENT)";
    case "EACCES":
      return "not permitted (EACCES)";
    case "EISDIR":
      return "it is a folder (EISDIR)";
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}
