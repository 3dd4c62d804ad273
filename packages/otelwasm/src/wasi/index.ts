/**
 * WASI preview 1 (https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md): what is offered of it, one file for each
 * group of functions.
 */
import { type Logger, silentLogger } from "../component/logger.ts";
import type { HostFunction } from "../runtime/contract.ts";
import { argsFunctions } from "./args.ts";
import { clockFunctions } from "./clocks.ts";
import { DescriptorTable } from "./descriptor.ts";
import { fdFunctions } from "./fd.ts";
import { fdIoFunctions } from "./fd-io.ts";
import { fdStatFunctions } from "./fd-stat.ts";
import { Mount } from "./files/mount.ts";
import { PIN, type Pin } from "./files/pin.ts";
import { type FileGrant, NO_GRANTS, type WasiGrants } from "./grants.ts";
import { pathFunctions } from "./path.ts";
import { pathOpenFunctions } from "./path-open.ts";
import type { Files } from "./paths.ts";
import { pollFunctions } from "./poll.ts";
import { processFunctions } from "./process.ts";
import { randomFunctions } from "./random.ts";
import { readdirFunctions } from "./readdir.ts";
import { Refusals } from "./refusals.ts";
import { LineOutput, Stdin } from "./stdio.ts";

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
  /** How files are reached. Default: as well as the platform can. */
  readonly pin?: Pin | undefined;
}

/** WASI as one instance has it. */
export interface Wasi {
  readonly functions: HostFunction[];
  /**
   * Releases what the guest has open on the host, and writes the lines of its output that have no end. May be called again. The functions stay, and find
   * nothing open.
   */
  close(): void;
}

/** @throws WasiError if a directory that is granted cannot be opened */
export function createWasi(services: WasiServices): Wasi {
  const { grants = NO_GRANTS, logger = silentLogger, shutdown, pin = PIN } = services;
  const table = new DescriptorTable();
  table.add(new Stdin());
  table.add(new LineOutput(logger, "info", "stdout"));
  table.add(new LineOutput(logger, "warn", "stderr"));
  const files: Files = { table, refusals: new Refusals(logger) };
  openPreopens(files, grants.files, pin);
  return {
    functions: [
      ...argsFunctions(grants),
      ...clockFunctions(),
      ...randomFunctions(),
      ...processFunctions(),
      ...pollFunctions(shutdown),
      ...fdFunctions(table),
      ...fdIoFunctions(table),
      ...fdStatFunctions(table),
      ...readdirFunctions(table),
      ...pathOpenFunctions(files),
      ...pathFunctions(files),
    ],
    close: () => table.closeAll(),
  };
}

/** In their order, from the descriptor 3 on. */
function openPreopens({ table, refusals }: Files, grants: readonly FileGrant[], pin: Pin): void {
  try {
    for (const grant of grants) table.add(new Mount(grant, refusals, pin).open());
  } catch (error) {
    table.closeAll();
    throw error;
  }
}
