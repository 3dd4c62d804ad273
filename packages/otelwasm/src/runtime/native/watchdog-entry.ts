/** The thread that `watchdog.ts` starts. */
import { parentPort, workerData } from "node:worker_threads";
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

/** The library is opened when it is needed, which is rarely: a thread that is ended meanwhile would take the process with it. */
function pokeOf({ library, symbol, argument }: Poke): () => void {
  let call: NativeFunction | undefined;
  return () => {
    call ??= openLibrary(library).func(symbol, "void", ["size_t"]) as NativeFunction;
    call(argument);
  };
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

let timer: NodeJS.Timeout | undefined;

function lookAtAll(): void {
  const now = performance.now();
  for (const [index, entry] of entries) look(index, entry, now);
}

parentPort?.on("message", (message: WatchMessage) => {
  if ("forget" in message) entries.delete(message.forget);
  else entries.set(message.index, { timeoutMs: message.timeoutMs, poke: pokeOf(message.poke), seen: 0, seenAt: 0 });
  if (entries.size > 0) timer ??= setInterval(lookAtAll, lookMs);
  else {
    clearInterval(timer);
    timer = undefined;
  }
});
