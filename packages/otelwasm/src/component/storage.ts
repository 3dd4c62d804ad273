import type { ComponentKind, Signal } from "./component.ts";

/** Who keeps something: each has keys of its own. */
export interface StorageOwner {
  readonly kind: ComponentKind;
  /** `type` or `type/name` */
  readonly id: string;
  readonly signal?: Signal;
  /** What it is kept for, if a component keeps several things. */
  readonly name?: string;
}

/** Keeps bytes over restarts of the process, also those that nobody had planned. */
export interface Storage {
  /**
   * What an owner has kept. One at a time has it: while another (of a configuration that is being replaced) still does, this waits until that one has closed it.
   *
   * @throws StorageError
   */
  open(owner: StorageOwner): Promise<StorageClient>;
}

/** Keys sort by their bytes (UTF-8). */
export type StorageOperation =
  | { readonly type: "set"; readonly key: string; readonly value: Uint8Array }
  | { readonly type: "delete"; readonly key: string };

export interface StorageEntry {
  readonly key: string;
  /** In bytes. */
  readonly size: number;
}

export interface StorageClient {
  /**
   * Does all of the operations or none. Resolves when they are on the disk: several calls at the same time share one flush of it.
   *
   * @param operations values must not be altered until this has resolved; their buffers stay the caller's
   * @throws StorageError `full` if there is no room, nothing was changed then
   */
  batch(operations: readonly StorageOperation[]): Promise<void>;
  /**
   * @returns a value in a buffer of its own; undefined if there is none
   * @throws StorageError `damaged` if what the disk has is not what was written
   */
  get(key: string): Promise<Uint8Array | undefined>;
  /** At most `limit` entries in the order of their keys, after `after` (which need not exist; `""`: from the first). */
  list(after: string, limit: number): Promise<readonly StorageEntry[]>;
  close(): Promise<void>;
}

/**
 * - `full`: no room, on the disk or within the size that is configured; may pass.
 * - `damaged`: this value cannot be read any more; others can.
 * - `in_use`: another process has the folder.
 * - `closed`: the storage was shut down.
 * - `failed`: anything else that the disk or the system says.
 */
export type StorageErrorCode = "full" | "damaged" | "in_use" | "closed" | "failed";

export class StorageError extends Error {
  override readonly name: string = "StorageError";
  readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
