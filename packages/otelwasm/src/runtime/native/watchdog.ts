/**
 * Deadlines for calls on the thread that waits for them: another thread looks at what runs, and ends what runs too long, by what the engine has for that. One for the
 * process, from the first instance with a deadline on: it idles while there is none.
 */
import { Worker } from "node:worker_threads";
import { INTERRUPT_CELLS } from "../contract.ts";
import { WasmError } from "../errors.ts";
import type { Address } from "./ffi.ts";

/** How the engine is made to look at `InstantiateOptions.interrupt`: a function of its library that takes one address. */
export interface Poke {
  readonly library: string;
  readonly symbol: string;
  readonly argument: Address;
}

/** One instance's place under watch. */
export interface Watched {
  /** For `InstantiateOptions.interrupt`: set when the call is to be ended. */
  readonly interrupt: Int32Array;
  begin(): void;
  end(): void;
  close(): void;
}

/** Cells of an instance: the number of the call that runs, or 0; then those of its interruption. */
const CELLS = 1 + INTERRUPT_CELLS;
const MAX_WATCHED = 4096;
/** How often the thread looks, in milliseconds: a call is ended so much late at most, twice. */
const LOOK_MS = 10;

/** What the thread is told, beside the cells. */
export type WatchMessage =
  | { readonly index: number; readonly timeoutMs: number; readonly poke: Poke }
  | { readonly forget: number };
export interface WatchData {
  readonly cells: Int32Array;
  readonly cellsEach: number;
  readonly lookMs: number;
}

interface Thread {
  readonly worker: Worker;
  readonly cells: Int32Array;
  readonly free: number[];
}

let thread: Thread | undefined;
/** Counted for all instances: one that takes another's place must not be taken for it. */
let calls = 0;

function start(): Thread {
  const cells = new Int32Array(new SharedArrayBuffer(MAX_WATCHED * CELLS * 4));
  const entry = new URL(
    import.meta.url.endsWith(".ts") ? "./watchdog-entry.ts" : "./watchdog-entry.js",
    import.meta.url,
  );
  const workerData: WatchData = { cells, cellsEach: CELLS, lookMs: LOOK_MS };
  const worker = new Worker(entry, { workerData, env: {}, execArgv: [], name: "otelwasm deadlines" });
  worker.unref();
  const free = Array.from({ length: MAX_WATCHED }, (_, index) => MAX_WATCHED - 1 - index);
  return { worker, cells, free };
}

/**
 * @param timeoutMs of each call
 * @throws WasmError `unsupported` if there are thousands already
 */
export function watch(timeoutMs: number, poke: Poke): Watched {
  thread ??= start();
  const used = thread;
  const index = used.free.pop();
  if (index === undefined)
    throw new WasmError("unsupported", `more than ${MAX_WATCHED} instances with a deadline on this thread`);
  const cells = used.cells.subarray(index * CELLS, (index + 1) * CELLS).fill(0);
  used.worker.postMessage({ index, timeoutMs, poke } satisfies WatchMessage);
  let open = true;
  return {
    interrupt: cells.subarray(1),
    begin() {
      calls = (calls % 0x3fff_ffff) + 1;
      Atomics.store(cells, 0, calls);
    },
    end() {
      Atomics.store(cells, 0, 0);
    },
    close() {
      if (!open) return;
      open = false;
      Atomics.store(cells, 0, 0);
      used.worker.postMessage({ forget: index } satisfies WatchMessage);
      used.free.push(index);
    },
  };
}
