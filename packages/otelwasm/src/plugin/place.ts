import type { Signal } from "../telemetry/batch.ts";
import type { PluginError } from "./errors.ts";

/** A batch on its way through a plugin. */
export interface Call {
  readonly signal: Signal;
  /** Replaced by the buffer that comes back, if the batch was moved to an instance that did not run it. */
  bytes: Uint8Array;
  /** Of the batch, in bytes. */
  readonly size: number;
  /** When it was handed to the plugin, of `performance.now()`; 0 if nobody wants to know how long it takes. */
  readonly began: number;
  /** Whether `bytes` still is the sender's own: it is not once it was moved and came back. */
  kept: boolean;
  readonly resolve: (results: readonly Uint8Array[] | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** How an instance came to an end, as it stands in log lines: "the instance that ...". */
export const BREAKAGES = [
  "trapped",
  "ran past its deadline",
  "lost its worker",
  "lost its process",
  "returned from its loop",
] as const;
export type Breakage = (typeof BREAKAGES)[number];

/** Where one instance of the plugin lives. When the instance breaks, the next one is made in the same place. */
export interface Place {
  /** Calls that were handed in and not answered. */
  readonly load: number;
  /** Linear memory of the instance; undefined while there is none, or the engine does not say. */
  readonly memoryBytes: number | undefined;
  /** What is in use there and is not on this thread's heap, in bytes, as far as it is known: linear memory, the heap of a thread of its own, batches that were moved there. */
  readonly footprint: number;
  /** Makes an instance; what was there before is released. @returns what it says that it supports @throws PluginError */
  open(): Promise<readonly Signal[]>;
  /** The guest's `start`. @throws PluginError */
  start(): Promise<void>;
  /** Answered through the owner, in the order of the calls. */
  consume(call: Call): void;
  /** Runs a receiver's loop. @returns the guest's reason for returning @throws PluginError */
  receive(signal: Signal): Promise<string>;
  /** How many results of a receiver were not taken since this was asked the last time: too large, or too late. */
  takeRefused(): number;
  /** From now on `get_shutdown_requested` is 1; a guest that waits goes on. */
  requestShutdown(): void;
  /** The guest's `shutdown`, after everything that was handed in. @throws PluginError */
  shutdown(): Promise<void>;
  /** Releases everything, if need be by force. */
  close(): Promise<void>;
}

/** Hears what becomes of the calls and of the instance. */
export interface PlaceOwner {
  answered(call: Call, results: readonly Uint8Array[] | undefined): void;
  /** @param broken the instance broke with this call, which `broke` says right after */
  failed(call: Call, error: PluginError, broken: boolean): void;
  /** It did not run, and its bytes are there. */
  returned(call: Call): void;
  /** There is no instance any more; all calls were given back before. */
  broke(error: PluginError, how: Breakage): void;
  /** What a receiver's guest set. It waits until `proceed` is called. */
  received(bytes: Uint8Array, proceed: () => void): void;
}
