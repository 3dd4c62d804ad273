import type { Http2Connection } from "./http2/connection.ts";

export interface KeepaliveOptions {
  /** After as much silence the server is asked whether it is there, in milliseconds. */
  readonly timeMs: number;
  /** How long it may take to say anything, in milliseconds. */
  readonly timeoutMs: number;
  /** Also while no call is under way. */
  readonly withoutStream: boolean;
}

/** A client's keepalive: https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md */
export class Keepalive {
  readonly #connection: Http2Connection;
  readonly #options: KeepaliveOptions;
  #heardAt: number = performance.now();
  /** When a question was sent that nothing has followed. */
  #askedAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Http2Connection, options: KeepaliveOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#wait(options.timeMs);
  }

  /** Something has come: whatever it is, the server is there. */
  heard(): void {
    this.#heardAt = performance.now();
    this.#askedAt = undefined;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(milliseconds: number): void {
    this.#timer = setTimeout(() => this.#look(), milliseconds).unref();
  }

  #look(): void {
    const { timeMs, timeoutMs, withoutStream } = this.#options;
    const now = performance.now();
    if (this.#askedAt !== undefined) {
      const left = timeoutMs - (now - this.#askedAt);
      if (left > 0) this.#wait(Math.min(timeMs, left));
      else this.#connection.destroy(new Error(`the server has not answered a keepalive ping within ${timeoutMs} ms`));
      return;
    }
    const silence = now - this.#heardAt;
    if (silence < timeMs) this.#wait(timeMs - silence);
    else if (this.#connection.streams === 0 && !withoutStream) this.#wait(timeMs);
    else {
      this.#askedAt = now;
      this.#connection.ping(() => {});
      this.#wait(Math.min(timeMs, timeoutMs));
    }
  }
}
