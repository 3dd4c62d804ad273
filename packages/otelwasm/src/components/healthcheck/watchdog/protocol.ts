import type { HostPort } from "../../../config/host-port.ts";
import type { Page } from "../../../transport/page-server.ts";

/** What the page is at present. */
export interface Serving {
  /** Begins with `/`. */
  readonly path: string;
  /** Milliseconds without a turn of the event loop of the collector's thread, after which it is stuck. */
  readonly limitMs: number;
  /** What is answered instead of JSON when it is. */
  readonly unhealthy: string | undefined;
}

/** What the thread gets when it is made. */
export interface WatchdogData {
  /** One 64-bit number: nanoseconds of `process.hrtime` when the collector's event loop turned last. */
  readonly beat: BigInt64Array<SharedArrayBuffer>;
  readonly address: HostPort;
  readonly serving: Serving;
}

/** To the thread. */
export type Order =
  | { readonly type: "serve"; readonly serving: Serving }
  /** The answer to `ask`. */
  | { readonly type: "page"; readonly id: number; readonly page: Page }
  | { readonly type: "close" };

/** From the thread. */
export type Report =
  /** `host:port` */
  | { readonly type: "listening"; readonly bound: string }
  | { readonly type: "failed"; readonly message: string }
  /** Somebody wants the page. */
  | { readonly type: "ask"; readonly id: number }
  | { readonly type: "closed" };
