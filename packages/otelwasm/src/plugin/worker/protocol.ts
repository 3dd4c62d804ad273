/**
 * What the two threads of a plugin say to each other. Calls go as flat arrays of numbers and buffers, several in one message, and their answers come back the
 * same way and in the same order, so that nothing needs an identity. Everything else is an object, and there is little of it.
 */
import type { StatusCode } from "../../component/errors.ts";
import type { LogAttributes } from "../../component/logger.ts";
import { INTERRUPT_CELLS } from "../../runtime/contract.ts";
import { WasmError, WasmErrorCode } from "../../runtime/errors.ts";
import type { RuntimeConfig } from "../../runtime/registry.ts";
import { SIGNALS, type Signal } from "../../telemetry/batch.ts";
import type { WasiGrants } from "../../wasi/grants.ts";
import type { NetworkLink } from "../../wasi/sockets/protocol.ts";
import type { PortableCode } from "../code.ts";
import { PluginError } from "../errors.ts";
import type { PluginRole, ResolvedExports } from "../requirements.ts";

/** What a worker is started with. */
export interface WorkerPlan {
  readonly id: string;
  readonly role: PluginRole;
  readonly runtimeConfig: RuntimeConfig;
  /** What to import before the engine can be created: `engineModules`. */
  readonly engineModules: readonly string[];
  readonly code: PortableCode;
  readonly exports: ResolvedExports;
  readonly config: Uint8Array;
  readonly maxResultBytes: number;
  readonly grants: WasiGrants;
  readonly control: Int32Array;
  /** Transferred; absent if nothing of the network is granted. */
  readonly network: NetworkLink | undefined;
}

/** The cells that both threads see at any time, also while the guest runs. */
export const Control = {
  /** 1 when the plugin is to stop: `get_shutdown_requested`. */
  shutdown: 0,
  /** The number of the call that runs, counted from 1; 0 while none does. */
  running: 1,
  /** Changed when a waiting receiver may go on; what it waits on. */
  answered: 2,
  /** Results that came after the stop, or were too large. */
  refused: 3,
  /** Counts what a guest that waits is to look at: `WakeSource.wake`. */
  wake: 4,
  /** Where `InstantiateOptions.interrupt` begins. Its first cell says that the worker is to end, too. */
  interrupt: 5,
  /** 1 when the worker has released its instance because it was interrupted, and runs nothing of the engine any more. */
  released: 7,
  /** Linear memory of the instance, in KiB; 0 if there is none, or it is not known. */
  memory: 8,
  /** What the worker's heap has in use, and its buffers, in KiB; not always up to date. */
  heap: 9,
} as const;

export function createControl(): Int32Array {
  return new Int32Array(new SharedArrayBuffer((Control.heap + 1) * 4));
}

/** @param bytes undefined: not known */
export function storeMemory(control: Int32Array, bytes: number | undefined): void {
  Atomics.store(control, Control.memory, Math.ceil((bytes ?? 0) / 1024));
}

export function loadMemory(control: Int32Array): number | undefined {
  const kib = Atomics.load(control, Control.memory);
  return kib === 0 ? undefined : kib * 1024;
}

/** @param bytes in use on the worker's heap, and of its buffers */
export function storeHeap(control: Int32Array, bytes: number): void {
  Atomics.store(control, Control.heap, Math.ceil(bytes / 1024));
}

export function loadHeap(control: Int32Array): number {
  return Atomics.load(control, Control.heap) * 1024;
}

export function interruptCells(control: Int32Array): Int32Array {
  return control.subarray(Control.interrupt, Control.interrupt + INTERRUPT_CELLS);
}

export function wakeCell(control: Int32Array): Int32Array {
  return control.subarray(Control.wake, Control.wake + 1);
}

/** A receiver's guest goes on. */
export function proceed(control: Int32Array): void {
  Atomics.add(control, Control.answered, 1);
  Atomics.notify(control, Control.answered);
}

/** To the worker, beside calls. Each is answered by `done` or `failed`. */
export type Request =
  | { readonly op: "instantiate" }
  | { readonly op: "start" }
  | { readonly op: "receive"; readonly signal: Signal }
  | { readonly op: "shutdown" }
  /** Not answered: the instance is released, and the worker ends. For an engine that keeps something outside of the worker. */
  | { readonly op: "quit" };

/** A call is two elements of an array: this number, and the payload's buffer. */
const SIGNAL_BITS = 3;
/** The payload need not come back if the guest sets no result: the sender has the bytes, or nobody wants them. */
export const KEPT = 4;

export function signalOf(head: number): Signal {
  return SIGNALS[head & SIGNAL_BITS]!;
}

/** From the worker: a flat array of these, each followed by what it says. */
export const Answer = {
  /** payload | null: no result was set. */
  passed: 0,
  /** number, then so many buffers. */
  results: 1,
  /** PluginErrorData, whether the instance is broken by it. */
  failed: 2,
  /** payload: there was no working instance, it did not run. */
  returned: 3,
  /** The answer to a request: a value. */
  done: 4,
  /** LogLevel, text, LogAttributes | undefined. */
  log: 5,
  /** buffer: what a receiver's guest set, which waits. */
  received: 6,
} as const;

export type AnswerItem = number | string | boolean | null | undefined | ArrayBuffer | LogAttributes | PluginErrorData;

/** A PluginError as it crosses. */
export interface PluginErrorData {
  readonly what: string;
  readonly function: string;
  readonly status?: number | undefined;
  readonly reason: string;
  readonly permanent: boolean;
  readonly code: StatusCode;
  readonly cause?: { readonly code?: WasmErrorCode | undefined; readonly message: string } | undefined;
}

export function encodeError(error: unknown): PluginErrorData {
  if (!(error instanceof PluginError))
    return encodeError(
      new PluginError(String(error), { componentId: "", function: "worker", permanent: false, cause: error }),
    );
  const { what, status, reason, permanent, code, cause } = error;
  return {
    what,
    function: error.function,
    status,
    reason,
    permanent,
    code,
    cause:
      cause instanceof Error
        ? { code: cause instanceof WasmError ? cause.code : undefined, message: cause.message }
        : undefined,
  };
}

export function decodeError(componentId: string, data: PluginErrorData): PluginError {
  const { what, status, cause, ...details } = data;
  return new PluginError(what, {
    ...details,
    componentId,
    ...(status === undefined ? {} : { status }),
    ...(cause === undefined ? {} : { cause: decodeCause(cause.code, cause.message) }),
  });
}

function decodeCause(code: WasmErrorCode | undefined, message: string): Error {
  if (code === undefined) return new Error(message);
  const words = WasmErrorCode[code].length;
  return new WasmError(code, message.length > words ? message.slice(words + 2) : undefined);
}
