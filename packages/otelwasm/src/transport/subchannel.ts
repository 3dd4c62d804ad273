import { causeOf, type Destination, dial } from "./dial.ts";
import { MAX_ANSWER } from "./grpc-call.ts";
import { Http2Connection } from "./http2/connection.ts";
import { Http2Code } from "./http2/frames.ts";
import type { ConnectionHandler } from "./http2/stream.ts";
import { Keepalive, type KeepaliveOptions } from "./keepalive.ts";

/** gRPC's back-off between attempts to connect: https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md */
const BACKOFF = { initialMs: 1_000, factor: 1.6, maxMs: 120_000, jitter: 0.2 } as const;
/** For TCP, TLS and the server's first word; gRPC's own minimum. */
const CONNECT_MS = 20_000;

/** @param failures attempts that failed in a row, from 0 @returns milliseconds until the next */
export function backoff(failures: number): number {
  const { initialMs, factor, maxMs, jitter } = BACKOFF;
  return Math.min(maxMs, initialMs * factor ** failures) * (1 - jitter + 2 * jitter * Math.random());
}

export interface SubchannelOwner {
  /** Every connection that is not closed, also those that only finish what they have. */
  readonly connections: Set<Http2Connection>;
  /** All connections read into it; what is to be kept is copied out at once. */
  readonly readBuffer: Buffer;
  /** For the next connection. */
  readonly keepalive: KeepaliveOptions | undefined;
  /** Its state is another. */
  changed(): void;
  /** A connection may have room for another stream. */
  capacity(): void;
  /** The server does not want to be asked so often whether it is there. */
  tooManyPings(): void;
}

/** One address of a server, and the one connection to it that new calls go to. */
export class Subchannel {
  state: "idle" | "connecting" | "ready" = "idle";
  /** There while it is ready. */
  connection: Http2Connection | undefined = undefined;
  /** While it is idle: not to be tried before (`performance.now()`). */
  retryAt: number = 0;
  /** Why the last attempt failed. */
  error: string = "";
  readonly #destination: Destination;
  readonly #owner: SubchannelOwner;
  #failures = 0;
  /** Ends an attempt that has no connection yet. */
  #stop: () => void = () => {};
  #retired = false;

  constructor(destination: Destination, owner: SubchannelOwner) {
    this.#destination = destination;
    this.#owner = owner;
  }

  connect(): void {
    const { connections, readBuffer, keepalive } = this.#owner;
    let connection: Http2Connection | undefined;
    let alive: Keepalive | undefined;
    let introduced = false;
    const impatience = setTimeout(() => {
      const error = new Error(`the server has not introduced itself within ${CONNECT_MS} ms`);
      if (connection !== undefined) connection.destroy(error);
      else {
        cancel();
        this.#failed(error);
      }
    }, CONNECT_MS).unref();
    const handler: ConnectionHandler = {
      onReady: () => {
        introduced = true;
        clearTimeout(impatience);
        this.#failures = 0;
        if (keepalive !== undefined) alive = new Keepalive(connection!, keepalive);
        if (this.#retired) connection!.end();
        else this.#become("ready", connection);
      },
      onGoAway: (code, text) => {
        if (code === Http2Code.ENHANCE_YOUR_CALM && text === "too_many_pings") this.#owner.tooManyPings();
        if (this.connection === connection) this.#become("idle");
      },
      onCapacity: () => this.#owner.capacity(),
      onClose: (reason) => {
        clearTimeout(impatience);
        alive?.stop();
        connections.delete(connection!);
        if (!introduced) this.#failed(reason);
        else if (this.connection === connection) this.#become("idle");
      },
    };
    this.#become("connecting");
    const reading = {
      buffer: readBuffer,
      read: (chunk: Buffer): void => {
        if (alive !== undefined) alive.heard();
        connection!.receive(chunk);
      },
    };
    const cancel = dial(this.#destination, reading, {
      done: (socket) => {
        const options = { role: "client", streamWindow: MAX_ANSWER + readBuffer.length, maxStreams: 0 } as const;
        connection = new Http2Connection(socket, options, handler);
        connections.add(connection);
      },
      failed: (reason) => {
        clearTimeout(impatience);
        this.#failed(reason);
      },
    });
    this.#stop = () => {
      clearTimeout(impatience);
      cancel();
      if (!introduced) connection?.destroy();
    };
  }

  /** No new calls: what runs is finished. */
  retire(): void {
    this.#retired = true;
    const { connection } = this;
    this.connection = undefined;
    if (connection === undefined) this.destroy();
    else connection.end();
  }

  /** Ends an attempt that has no connection yet. */
  destroy(): void {
    this.#stop();
  }

  #failed(reason: Error): void {
    if (this.#retired) return;
    this.retryAt = performance.now() + backoff(this.#failures++);
    this.error = `cannot connect: ${causeOf(reason)}`;
    this.#become("idle");
  }

  #become(state: Subchannel["state"], connection?: Http2Connection): void {
    this.state = state;
    this.connection = connection;
    if (state === "ready") {
      this.retryAt = 0;
      this.error = "";
    }
    this.#owner.changed();
  }
}
