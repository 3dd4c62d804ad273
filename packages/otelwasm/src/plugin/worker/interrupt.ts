import type { Worker } from "node:worker_threads";
import { wakeUp } from "../../wasi/wait.ts";
import { Control, interruptCells, proceed, type Request, wakeCell } from "./protocol.ts";

/** A worker that does not end itself after so many milliseconds is ended, which may leave what the engine keeps for it. */
const INTERRUPT_MS = 2_000;

/** What ends the calls of the workers that are there, each once. */
const running = new Set<() => void>();

/** `process.exit` waits for the ends of threads, and one that runs such an engine's code has none. */
function endAll(): void {
  for (const end of running) end();
}

/**
 * Lets the process end whatever the guest of this worker does.
 *
 * @param interrupt `Runtime.interrupt`
 */
export function interruptAtExit(worker: Worker, control: Int32Array, interrupt: (cells: Int32Array) => void): void {
  const end = (): void => stopGuest(control, interrupt);
  if (running.size === 0) process.on("exit", endAll);
  running.add(end);
  worker.once("exit", () => {
    running.delete(end);
    if (running.size === 0) process.off("exit", endAll);
  });
}

/** One that waits in a host function has to come back to where the engine can end it. */
function stopGuest(control: Int32Array, interrupt: (cells: Int32Array) => void): void {
  Atomics.store(control, Control.shutdown, 1);
  wakeUp(wakeCell(control));
  proceed(control);
  interrupt(interruptCells(control));
}

/**
 * For an engine whose code does not end with the thread, and which keeps something outside of it: the guest's call ends, wherever it is, and then the worker
 * ends itself.
 *
 * @param interrupt `Runtime.interrupt`
 */
export function interruptWorker(worker: Worker, control: Int32Array, interrupt: (cells: Int32Array) => void): void {
  worker.ref();
  worker.postMessage({ op: "quit" } satisfies Request);
  stopGuest(control, interrupt);
  const force = setTimeout(() => void worker.terminate(), INTERRUPT_MS);
  worker.once("exit", () => clearTimeout(force));
}
