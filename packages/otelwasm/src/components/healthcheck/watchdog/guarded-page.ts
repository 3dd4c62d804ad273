import { once } from "node:events";
import { isDeepStrictEqual } from "node:util";
import { Worker } from "node:worker_threads";
import type { Logger } from "../../../component/logger.ts";
import type { Page } from "../../../transport/page-server.ts";
import type { Order, Place, Report, Serving, WatchdogData } from "./protocol.ts";

/** Sources run as they stand, the published package has been compiled. */
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./entry.ts" : "./entry.js", import.meta.url);

/** Of a limit there are so many beats: a late one is not yet a stuck loop. */
const BEATS = 10;
const MOST_MS = 500;
const LEAST_MS = 20;

/** What is behind the page. */
export interface Guarded extends Serving {
  readonly logger: Logger;
  /** Asked for each request, on this thread. */
  readonly render: () => Page;
  /** The event loop turns again, after so many milliseconds that were too many. */
  readonly stuck: (milliseconds: number) => void;
  /** The page is not answered any more. */
  readonly broken: (error: Error) => void;
}

/** A page over HTTP that is answered also when this thread cannot: a thread of its own listens. Neither that thread nor anything here keeps a process alive. */
export class GuardedPage {
  readonly #place: Place;
  readonly #url: string;
  readonly #worker: Worker;
  readonly #beat: BigInt64Array<SharedArrayBuffer>;
  #guarded: Guarded;
  #timer: NodeJS.Timeout | undefined;
  #closing = false;

  /** @throws Error that says why the address cannot be had */
  static async listen(place: Place, guarded: Guarded): Promise<GuardedPage> {
    const beat = new BigInt64Array(new SharedArrayBuffer(8));
    beat[0] = process.hrtime.bigint();
    const workerData: WatchdogData = { beat, place, serving: servingOf(guarded) };
    const worker = new Worker(ENTRY, { name: "otelwasm health check", workerData, env: {}, execArgv: [] });
    const [report] = (await once(worker, "message")) as [Report];
    if (report.type === "listening") return new GuardedPage(worker, beat, place, report.url, guarded);
    await worker.terminate();
    throw new Error(report.type === "failed" ? report.message : "the thread of the health check does not listen");
  }

  /** For `listen`. */
  constructor(worker: Worker, beat: BigInt64Array<SharedArrayBuffer>, place: Place, url: string, guarded: Guarded) {
    this.#worker = worker;
    this.#beat = beat;
    this.#place = place;
    // Its path is the present one's.
    this.#url = "path" in place.address ? url : url.slice(0, url.length - guarded.path.length);
    this.#guarded = guarded;
    worker.on("message", (report: Report) => {
      if (report.type === "ask") this.#tell({ type: "page", id: report.id, page: this.#guarded.render() });
      else if (report.type === "log") this.#guarded.logger[report.level](report.message, report.attributes);
    });
    worker.on("error", (error: Error) => this.#guarded.broken(error));
    worker.on("exit", () => {
      clearInterval(this.#timer);
      if (!this.#closing) this.#guarded.broken(new Error("its thread has ended"));
    });
    // After the listeners: they would keep the process alive again.
    worker.unref();
    this.#pulse();
  }

  get url(): string {
    return "path" in this.#place.address ? this.#url : `${this.#url}${this.#guarded.path}`;
  }

  listensAs(place: Place): boolean {
    return isDeepStrictEqual(place, this.#place);
  }

  /** From now on the page is another's. */
  serve(guarded: Guarded): void {
    this.#guarded = guarded;
    this.#tell({ type: "serve", serving: servingOf(guarded) });
    this.#pulse();
  }

  /** Closes the port, then the connections, as `PageServer.close` does, and ends the thread. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#worker.ref();
    const ended = once(this.#worker, "exit");
    this.#tell({ type: "close" });
    await ended;
  }

  #tell(order: Order): void {
    this.#worker.postMessage(order);
  }

  #pulse(): void {
    clearInterval(this.#timer);
    const { limitMs, stuck } = this.#guarded;
    const interval = Math.min(MOST_MS, Math.max(LEAST_MS, limitMs / BEATS));
    this.#timer = setInterval(() => {
      const now = process.hrtime.bigint();
      const silent = Number(now - this.#beat[0]!) / 1e6;
      Atomics.store(this.#beat, 0, now);
      if (silent > limitMs) stuck(silent);
    }, interval).unref();
  }
}

function servingOf({ path, limitMs, unhealthy }: Serving): Serving {
  return { path, limitMs, unhealthy };
}
