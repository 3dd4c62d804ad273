/**
 * WASI preview 1 (https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md): what is offered of it, one file for each
 * group of functions.
 */
import type { Logger } from "../component/logger.ts";
import type { HostFunction } from "../runtime/contract.ts";
import { clockFunctions } from "./clocks.ts";
import type { WasiGrants } from "./grants.ts";
import { pollFunctions } from "./poll.ts";
import { processFunctions } from "./process.ts";
import { randomFunctions } from "./random.ts";

export { WASI_MODULE } from "./define.ts";

/** What the functions of one instance work on. */
export interface WasiServices {
  /** Default: nothing is granted. */
  readonly grants?: WasiGrants | undefined;
  /** Gets the lines of stdout (info) and stderr (warn), and what the guest was refused. Default: silent. */
  readonly logger?: Logger | undefined;
  /**
   * Shared with whoever asks for the shutdown: the first element becomes other than 0 then, and `Atomics.notify` ends the guest's wait.
   * Without it waits last as long as the guest wants.
   */
  readonly shutdown?: Int32Array | undefined;
}

/** The functions of one instance. */
export function wasiFunctions(services: WasiServices): HostFunction[] {
  return [...clockFunctions(), ...randomFunctions(), ...pollFunctions(services.shutdown), ...processFunctions()];
}
