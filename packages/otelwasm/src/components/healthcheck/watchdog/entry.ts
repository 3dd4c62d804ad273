/**
 * The thread that answers health checks: it asks the collector's thread for the page, and when that one's event loop is stuck, it says so itself.
 */
import { parentPort, workerData } from "node:worker_threads";
import { type Page, PageServer } from "../../../transport/page-server.ts";
import type { Order, Report, WatchdogData } from "./protocol.ts";
import { stuckPage } from "./stuck.ts";

const { beat, address, serving: first } = workerData as WatchdogData;
const port = parentPort!;
let serving = first;
let next = 0;
const waiting = new Map<number, (page: Page) => void>();
/** What the collector said last of itself. */
let last: Page | undefined;

/** How often somebody who waits looks whether he waits in vain. */
const LOOK_MS = 50;

function say(report: Report): void {
  port.postMessage(report);
}

function silentMs(): number {
  return Number(process.hrtime.bigint() - Atomics.load(beat, 0)) / 1e6;
}

async function render(): Promise<Page> {
  const id = next++;
  const { promise, resolve } = Promise.withResolvers<Page>();
  waiting.set(id, resolve);
  say({ type: "ask", id });
  const look = (): void => {
    const silent = silentMs();
    if (silent > serving.limitMs) resolve(stuckPage(serving, silent, last));
  };
  look();
  const timer = setInterval(look, LOOK_MS);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
    waiting.delete(id);
  }
}

const server = new PageServer(serving.path, render);

async function close(): Promise<void> {
  await server.close();
  say({ type: "closed" });
  port.close();
}

port.on("message", (order: Order) => {
  switch (order.type) {
    case "serve":
      serving = order.serving;
      server.path = serving.path;
      last = undefined;
      break;
    case "page":
      last = order.page;
      waiting.get(order.id)?.(order.page);
      break;
    case "close":
      void close();
  }
});

try {
  const url = await server.listen(address);
  say({ type: "listening", bound: url.slice("http://".length, -serving.path.length) });
} catch (error) {
  say({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  port.close();
}
