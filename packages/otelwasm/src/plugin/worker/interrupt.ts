import type { Worker } from "node:worker_threads";
import { wakeUp } from "../../wasi/wait.ts";
import { Control, interruptCells, proceed, type Request, wakeCell } from "./protocol.ts";

/** A worker that does not end itself after so many milliseconds is ended, which may leave what the engine keeps for it. */
const INTERRUPT_MS = 2_000;

/**
 * For an engine whose code does not end with the thread, and which keeps something outside of it: the guest's call ends, wherever it is, and then the worker
 * ends itself.
 *
 * @param interrupt `Runtime.interrupt`
 */
export function interruptWorker(worker: Worker, control: Int32Array, interrupt: (cells: Int32Array) => void): void {
  worker.ref();
  worker.postMessage({ op: "quit" } satisfies Request);
  // One that waits in a host function has to come back to where the engine can end it.
  Atomics.store(control, Control.shutdown, 1);
  wakeUp(wakeCell(control));
  proceed(control);
  interrupt(interruptCells(control));
  const force = setTimeout(() => void worker.terminate(), INTERRUPT_MS);
  worker.once("exit", () => clearTimeout(force));
}
