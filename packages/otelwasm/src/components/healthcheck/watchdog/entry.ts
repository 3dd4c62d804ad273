/**
 * The thread that answers health checks: it asks the collector's thread for the page, and when that one's event loop is stuck, it says so itself.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { LogLevel } from "../../../abi/values.ts";
import { LineWriter, type LogAttributes } from "../../../component/logger.ts";
import { type Page, PageServer } from "../../../transport/page-server.ts";
import { ServerSecurity } from "../../../transport/tls-server.ts";
import type { Order, Report, WatchdogData } from "./protocol.ts";
import { stuckPage } from "./stuck.ts";

const { beat, place, serving: first } = workerData as WatchdogData;
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

class RelayedLog extends LineWriter {
  override write(level: LogLevel, message: string, attributes: LogAttributes | undefined): void {
    say({ type: "log", level, message, attributes });
  }
}

const security = place.tls && new ServerSecurity(place.tls, place.tlsAt, new RelayedLog());
const server = new PageServer(serving.path, render, security);

async function close(): Promise<void> {
  await server.close();
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
  say({ type: "listening", url: await server.listen(place.address) });
} catch (error) {
  say({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  port.close();
}
