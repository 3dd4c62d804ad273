import type { Worker } from "node:worker_threads";
import { wakeUp } from "../../wasi/wait.ts";
import { Control, interruptCells, proceed, type Request, wakeCell } from "./protocol.ts";

/** A worker that does not end itself after so many milliseconds is ended, which may leave what the engine keeps for it. */
const INTERRUPT_MS = 2_000;

interface Running {
  /** Has the worker release its instance. */
  end(): void;
  /** Waits for that, on this thread. */
  wait(): void;
}

/** The workers that are there. */
const running = new Set<Running>();

/** `process.exit` waits for the ends of threads. One that runs such an engine's code has none, and one that is being ended cannot run the host functions of its guest. */
function endAll(): void {
  for (const { end } of running) end();
  for (const { wait } of running) wait();
}

/**
 * Lets the process end whatever the guest of this worker does.
 *
 * @param interrupt `Runtime.interrupt`
 */
export function interruptAtExit(worker: Worker, control: Int32Array, interrupt: (cells: Int32Array) => void): void {
  const entry: Running = {
    end: () => stopGuest(worker, control, interrupt),
    wait: () => void Atomics.wait(control, Control.released, 0, INTERRUPT_MS),
  };
  if (running.size === 0) process.on("exit", endAll);
  running.add(entry);
  worker.once("exit", () => {
    running.delete(entry);
    if (running.size === 0) process.off("exit", endAll);
  });
}

/** One that waits in a host function has to come back to where the engine can end it. */
function stopGuest(worker: Worker, control: Int32Array, interrupt: (cells: Int32Array) => void): void {
  worker.postMessage({ op: "quit" } satisfies Request);
  // First: a guest that is woken may return at once, and what it gives then does not count.
  Atomics.store(control, Control.interrupt, 1);
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
  stopGuest(worker, control, interrupt);
  const force = setTimeout(() => void worker.terminate(), INTERRUPT_MS);
  worker.once("exit", () => clearTimeout(force));
}
