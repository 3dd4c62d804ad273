/** The main module of `collector-process.ts`: a collector that says what it is asked over the channel of `fork`. */
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Target } from "./clients.ts";
import { startCollector } from "./collector.ts";
import { LogLines } from "./log-lines.ts";

/** Of the collector's process, in bytes; after a garbage collection. */
export interface ProcessFigures {
  readonly rss: number;
  readonly heap: number;
  readonly buffers: number;
  /** Worker threads that run now, and all that ever ran. */
  readonly workers: number;
  readonly workersEver: number;
}

export type Question =
  | { readonly ask: "start"; readonly config: object }
  | { readonly ask: "log"; readonly pattern: string; readonly count: number }
  | { readonly ask: "target" | "measure" | "shutdown" };
export type Reply =
  | { readonly started: true }
  | { readonly target: Target }
  | { readonly figures: ProcessFigures }
  | { readonly lines: readonly string[]; readonly error: string | undefined };

let workers = 0;
let workersEver = 0;
process.on("worker", (worker) => {
  workers++;
  workersEver++;
  worker.once("exit", () => workers--);
});

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

async function measure(): Promise<ProcessFigures> {
  // V8 frees the buffers of a collection on another thread: they are off its books with the next one.
  for (let n = 0; n < 3; n++) {
    collectGarbage();
    await setImmediate();
  }
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { rss, heap: heapUsed, buffers: arrayBuffers, workers, workersEver };
}

const log = new LogLines();
let running: Awaited<ReturnType<typeof startCollector>> | undefined;

async function answer(question: Question): Promise<Reply> {
  switch (question.ask) {
    case "start": {
      running = await startCollector(question.config, { logger: log });
      return { started: true };
    }
    case "target": {
      if (running === undefined) throw new Error("not started");
      return { target: { grpcUrl: running.grpcUrl, httpUrl: running.httpUrl } };
    }
    case "log":
      return { lines: await log.waitFor(new RegExp(question.pattern), question.count), error: undefined };
    case "measure":
      return { figures: await measure() };
    case "shutdown": {
      const error = await running?.shutdown().then(
        () => undefined,
        (thrown: Error) => thrown.message,
      );
      return { lines: log.lines, error };
    }
  }
}

process.on("message", (question: Question) => {
  void answer(question).then((reply) => process.send?.(reply));
});
process.on("disconnect", () => process.exit());
