/** The thread that `watchdog.ts` starts. */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { type NativeFunction, openLibrary } from "./ffi.ts";
import type { Poke, WatchData, WatchMessage } from "./watchdog.ts";

interface Entry {
  readonly timeoutMs: number;
  readonly poke: () => void;
  seen: number;
  seenAt: number;
}

const { cells, cellsEach, lookMs } = workerData as WatchData;
const entries = new Map<number, Entry>();

function pokeOf({ library, symbol, argument }: Poke): () => void {
  const call = openLibrary(library).func(symbol, "void", ["size_t"]) as NativeFunction;
  return () => void call(argument);
}

/** Time counts from when a call is first seen: the number of the call that runs is the same as at the last look. */
function look(index: number, entry: Entry, now: number): void {
  const running = Atomics.load(cells, index * cellsEach);
  if (running !== entry.seen || running === 0) {
    entry.seen = running;
    entry.seenAt = now;
    return;
  }
  if (now - entry.seenAt < entry.timeoutMs) return;
  Atomics.store(cells, index * cellsEach + 1, 1);
  entry.poke();
  entry.seen = 0;
}

const port = parentPort!;
const timer = setInterval(() => {
  // In the order that they were sent: a place may be given to another one.
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    const message = next.message as WatchMessage;
    if ("forget" in message) entries.delete(message.forget);
    else entries.set(message.index, { timeoutMs: message.timeoutMs, poke: pokeOf(message.poke), seen: 0, seenAt: 0 });
  }
  const now = performance.now();
  for (const [index, entry] of entries) look(index, entry, now);
}, lookMs);
port.on("close", () => clearInterval(timer));
