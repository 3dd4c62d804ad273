import type { Http2Connection } from "./connection.ts";
import type { Headers } from "./hpack.ts";

const EMPTY = new Uint8Array();

/** One exchange on a connection. Who speaks a protocol over HTTP/2 extends it, so that an exchange is one object. */
export abstract class Http2Stream {
  id: number = 0;
  connection: Http2Connection | undefined = undefined;
  /** @internal what the peer lets us send */
  sendWindow: number = 0;
  /** @internal everything has been sent, or will not be */
  localEnded: boolean = false;
  /** @internal */
  remoteEnded: boolean = false;
  /** @internal content that waits for the peer's windows */
  pendingHead: Uint8Array = EMPTY;
  /** @internal */
  pendingBody: Uint8Array = EMPTY;
  /** @internal how much of head and body has been sent */
  pendingAt: number = 0;
  /** @internal headers that follow the content */
  pendingTrailers: Uint8Array | undefined = undefined;

  /** Headers, or trailers. `end`: nothing follows. */
  abstract onHeaders(headers: Headers, end: boolean): void;
  /** @param piece valid during the call only */
  abstract onData(piece: Uint8Array, end: boolean): void;
  /** The peer has reset the stream; it is closed. */
  abstract onReset(code: number): void;
  /** The connection is gone, and the stream with it. */
  abstract onLost(reason: Error): void;
}

export interface ConnectionOptions {
  /** Which side this is. */
  readonly role: "server" | "client";
  /** What the peer may send on a stream; not extended: nothing longer is taken. */
  readonly streamWindow: number;
  /** How many streams the peer may have open; 0: no limit. */
  readonly maxStreams: number;
}

export interface ConnectionHandler {
  /** A server's stream: called for each that a client opens. */
  open?(connection: Http2Connection): Http2Stream;
  /** The peer has introduced itself. */
  onReady?(): void;
  /** The peer has sent a ping, which is answered. @throws Http2Error if it may not */
  onPing?(): void;
  /** The peer takes no new streams; those that it has not looked at are told by `onReset` (REFUSED_STREAM). */
  onGoAway?(code: number, text: string): void;
  /** Streams may be opened again: one is closed, or the peer allows more. */
  onCapacity?: (() => void) | undefined;
  onClose(reason: Error): void;
}
