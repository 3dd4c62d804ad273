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
import { createSockets } from "./sockets/index.ts";
import type { NetworkLink } from "./sockets/protocol.ts";
import { LineOutput, Stdin } from "./stdio.ts";
import { Waiter, type WakeSource } from "./wait.ts";

export { WASI_MODULE } from "./define.ts";

/** What the functions of one instance work on. */
export interface WasiServices extends WakeSource {
  /** Default: nothing is granted. */
  readonly grants?: WasiGrants | undefined;
  /** Gets the lines of stdout (info) and stderr (warn), and what the guest was refused. Default: silent. */
  readonly logger?: Logger | undefined;
  /** To the thread that has the sockets, from `openNetwork` with the same `wake`; needed if any of the network is granted. */
  readonly network?: NetworkLink | undefined;
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
  const { grants = NO_GRANTS, logger = silentLogger, network: link, pin = PIN } = services;
  const table = new DescriptorTable();
  table.add(new Stdin());
  table.add(new LineOutput(logger, "info", "stdout"));
  table.add(new LineOutput(logger, "warn", "stderr"));
  const refusals = new Refusals(logger);
  const files: Files = { table, refusals };
  openPreopens(files, grants.files, pin);
  const waiter = new Waiter(services);
  const sockets = createSockets({ network: grants.network, link, table, waiter, refusals });
  return {
    functions: [
      ...argsFunctions(grants),
      ...clockFunctions(),
      ...randomFunctions(),
      ...processFunctions(),
      ...pollFunctions(table, waiter),
      ...fdFunctions(table),
      ...fdIoFunctions(table),
      ...fdStatFunctions(table),
      ...readdirFunctions(table),
      ...pathOpenFunctions(files),
      ...pathFunctions(files),
      ...sockets.functions,
    ],
    close: () => {
      table.closeAll();
      sockets.close();
    },
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
