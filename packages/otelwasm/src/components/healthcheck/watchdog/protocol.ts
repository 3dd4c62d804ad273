import type { LogLevel } from "../../../abi/values.ts";
import type { LogAttributes } from "../../../component/logger.ts";
import type { ListenAddress } from "../../../component/ports.ts";
import type { Page } from "../../../transport/page-server.ts";
import type { ServerTls } from "../../../transport/tls.ts";

/** What the page is at present. */
export interface Serving {
  /** Begins with `/`. */
  readonly path: string;
  /** Milliseconds without a turn of the event loop of the collector's thread, after which it is stuck. */
  readonly limitMs: number;
  /** What is answered instead of JSON when it is. */
  readonly unhealthy: string | undefined;
}

/** Where the thread listens, and how: not to be changed. */
export interface Place {
  readonly address: ListenAddress;
  readonly tls: ServerTls | undefined;
  /** Where `tls` stands in the configuration, for messages. */
  readonly tlsAt: string;
}

/** What the thread gets when it is made. */
export interface WatchdogData {
  /** One 64-bit number: nanoseconds of `process.hrtime` when the collector's event loop turned last. */
  readonly beat: BigInt64Array<SharedArrayBuffer>;
  readonly place: Place;
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
  /** At a URL, of which the path is the page's. */
  | { readonly type: "listening"; readonly url: string }
  | { readonly type: "failed"; readonly message: string }
  /** Somebody wants the page. */
  | { readonly type: "ask"; readonly id: number }
  | {
      readonly type: "log";
      readonly level: LogLevel;
      readonly message: string;
      readonly attributes: LogAttributes | undefined;
    };
