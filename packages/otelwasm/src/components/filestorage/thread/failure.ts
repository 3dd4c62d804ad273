import type { StorageErrorCode } from "../../../component/storage.ts";

/** Primary result codes: https://www.sqlite.org/rescode.html */
const BUSY = 5;
const READONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** Of what SQLite says the low byte is the kind of error. */
function kindOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  return error.errcode & 0xff;
}

/** The file is not what was written. */
export function isDamage(error: unknown): boolean {
  const kind = kindOf(error);
  return kind === CORRUPT || kind === NOTADB || error instanceof Damage;
}

export function isBusy(error: unknown): boolean {
  return kindOf(error) === BUSY;
}

export function isFull(error: unknown): boolean {
  return kindOf(error) === FULL;
}

/** Pages that can be read, and contradict each other. */
export class Damage extends Error {
  override readonly name: string = "Damage";
}

/** What the other thread makes a `StorageError` of. */
export class Failure extends Error {
  override readonly name: string = "Failure";
  readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, message: string) {
    super(message);
    this.code = code;
  }

  static from(error: unknown, directory: string): Failure {
    if (error instanceof Failure) return error;
    const said = error instanceof Error ? error.message : String(error);
    switch (kindOf(error)) {
      case FULL:
        return new Failure("full", `no room on the disk of ${directory}: ${said}`);
      case READONLY:
      case CANTOPEN:
        return new Failure(
          "failed",
          `cannot write to ${directory}: ${said}; it needs to be a directory that the collector's user may write to, on a file system that is not read-only`,
        );
      default:
        return new Failure("failed", `${directory}: ${said}`);
    }
  }
}
