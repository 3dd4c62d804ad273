/** What a store's thread and its owner say to each other. */
import type { StorageEntry, StorageErrorCode } from "../../component/storage.ts";

export interface StoreOptions {
  /** Wait for the disk at each commit. */
  readonly fsync: boolean;
  /** Bytes; 0: no limit. */
  readonly maxSize: number;
}

/** What the thread starts with. */
export interface StoreSettings extends StoreOptions {
  /** Exists. */
  readonly directory: string;
  /** Milliseconds to wait for another process. */
  readonly timeout: number;
  /** Write the whole store anew first. */
  readonly compact: boolean;
}

/** All or none. Values stand one after the other in `bytes`. */
export interface BatchRequest {
  readonly type: "batch";
  readonly call: number;
  readonly owner: string;
  readonly keys: readonly string[];
  /** Of each key's value; `DELETED` */
  readonly sizes: readonly number[];
  readonly bytes: ArrayBuffer;
}

/** In `BatchRequest.sizes`: there is no value any more. */
export const DELETED = -1;

interface GetRequest {
  readonly type: "get";
  readonly call: number;
  readonly owner: string;
  readonly key: string;
}

interface ListRequest {
  readonly type: "list";
  readonly call: number;
  readonly owner: string;
  readonly after: string;
  readonly limit: number;
}

export type Request =
  | BatchRequest
  | GetRequest
  | ListRequest
  | { readonly type: "configure"; readonly call: number; readonly options: StoreOptions }
  | { readonly type: "stats"; readonly call: number }
  | { readonly type: "close"; readonly call: number };

export interface StoreStats {
  /** Transactions of data, each of which is one flush of the disk. */
  readonly commits: number;
  /** Calls of `batch` that they had. */
  readonly batches: number;
  /** Bytes of the database, of which `free` have nothing in them, and of its log. */
  readonly size: number;
  readonly free: number;
  readonly log: number;
}

export type Result = undefined | Uint8Array | readonly StorageEntry[] | StoreStats;

/** One of them to each request, by its number. */
export type Reply =
  | { readonly call: number; readonly result: Result }
  | { readonly call: number; readonly code: StorageErrorCode; readonly message: string };

/** A damaged store was replaced by what could be read of it. */
export interface Recovery {
  readonly reason: string;
  /** Where the damaged file is now. */
  readonly movedTo: string;
  /** Entries that are there, and that are known to be lost. */
  readonly recovered: number;
  readonly lost: number;
}

export type StoreMessage =
  | { readonly type: "ready" }
  | { readonly type: "refused"; readonly code: StorageErrorCode; readonly message: string }
  | { readonly type: "recovered"; readonly recovery: Recovery }
  | { readonly type: "warning"; readonly message: string }
  | { readonly type: "replies"; readonly replies: readonly Reply[] };
