/**
 * What the two processes of a plugin say to each other, in frames (`frames.ts`). Calls have no identity, they are answered in their order; what else is
 * answered has a number. Batches and results are payloads as they are. The plan is a structured clone; what the guest's process says is JSON where it is not
 * bytes, and is read in `messages.ts`: that process is trusted as little as the guest.
 */
import type { LogLevel } from "../../abi/values.ts";
import type { LogAttributes } from "../../component/logger.ts";
import type { RuntimeConfig } from "../../runtime/registry.ts";
import type { WasiGrants } from "../../wasi/grants.ts";
import type { PluginLimits } from "../options.ts";
import type { Breakage } from "../place.ts";
import type { PluginRole, ResolvedExports } from "../requirements.ts";
import type { PluginErrorData } from "../worker/protocol.ts";

/** The descriptor of the pipe in the guest's process. */
export const PIPE = 3;

/** The payload of the first frame: all that the guest's process knows. */
export interface ProcessPlan {
  readonly id: string;
  /** Of the module, for messages. */
  readonly path: string | undefined;
  readonly role: PluginRole;
  readonly runtimeConfig: RuntimeConfig;
  /** What to import before the engine can be created: `engineModules` of the collector's process. */
  readonly engineModules: readonly string[];
  readonly binary: Uint8Array;
  /** In bytes; absent if the engine has none. */
  readonly memoryLimit?: number;
  readonly exports: ResolvedExports;
  readonly config: Uint8Array;
  readonly limits: PluginLimits;
  readonly grants: WasiGrants;
  /** Whether the engine's calls cannot be ended from outside, so that what runs past its deadline ends with its process. */
  readonly endsProcess: boolean;
}

/** To the guest's process. Those with a number are answered by `done` or `refused` with the same one. */
export const Order = {
  plan: 0,
  /** Number. Makes an instance; the module is compiled before the first. Its value: the supported signals. */
  open: 1,
  /** Number. */
  start: 2,
  /** Detail: the signal, payload: the batch. */
  consume: 3,
  /** Number; detail: the signal. Its value: the guest's reason. */
  receive: 4,
  /** Number: of what was received. */
  proceed: 5,
  requestShutdown: 6,
  /** Number. */
  shutdown: 7,
  /** The process ends after it. */
  close: 8,
} as const;

/** From the guest's process. */
export const Answer = {
  /** It reads what it is told. */
  ready: 0,
  /** Every `open` from now on only makes an instance. */
  compiled: 1,
  /** Of a call: no result was set. */
  passed: 2,
  /** Of a call; detail 1: one more of them follows. */
  result: 3,
  /** Of a call; payload: PluginErrorData; detail 1: the instance broke with it. */
  failed: 4,
  /** Of a call that did not run. */
  returned: 5,
  /** Payload: BrokenData. Detail 1: the process ends now. */
  broke: 6,
  /** Number; payload: the value, as text. */
  done: 7,
  /** Number; payload: PluginErrorData. */
  refused: 8,
  /** Payload: LogData. */
  log: 9,
  /** Number; payload: what a receiver's guest set, which waits until `proceed`. */
  received: 10,
  /** Payload: how many results of a receiver were not taken since this was said the last time. */
  lost: 11,
  /** Payload: the linear memory of the instance in bytes, 0 if there is none. Said with other answers, when it has changed. */
  memory: 12,
} as const;

export interface BrokenData {
  readonly error: PluginErrorData;
  readonly how: Breakage;
}

export interface LogData {
  readonly level: LogLevel;
  readonly message: string;
  readonly attributes?: LogAttributes | undefined;
}

/** Of a request or a result: as many as fit into a head. */
export function nextNumber(number: number): number {
  return (number + 1) & 0xffff;
}
