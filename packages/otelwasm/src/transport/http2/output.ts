import type { Socket } from "node:net";
import { FRAME_HEAD, writeHead } from "./frames.ts";

/** Small frames are written into memory that is taken in pieces of this size. */
const STAGING = 64 * 1024;
/** For a start: a server's connection may never send more than a few settings and answers at a time. */
const FIRST_STAGING = 1024;
/** From here on, content is handed to the socket as it is. */
const BY_REFERENCE = 8 * 1024;

/**
 * Collects a connection's frames, and writes what came together in one turn of the event loop at once: a system call costs more than
 * everything else about a small frame.
 */
export class FrameWriter {
  readonly #socket: Socket;
  #staging: Buffer = Buffer.allocUnsafeSlow(FIRST_STAGING);
  /** Of the staging memory: what is not in `#pieces` yet. */
  #from = 0;
  #at = 0;
  #pieces: Uint8Array[] = [];
  #scheduled = false;
  /** Bytes in `#pieces`, and all that the socket was given. */
  #collected = 0;
  #given = 0;
  readonly #flush = (): void => this.flush();

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Bytes that the system has not taken yet. */
  get unread(): number {
    return this.#collected + (this.#at - this.#from) + this.#socket.writableLength;
  }

  /** Bytes that the system has taken since the connection began. */
  get taken(): number {
    return this.#given - this.#socket.writableLength;
  }

  /** Bytes that were to be written since the connection began. */
  get wanted(): number {
    return this.#given + this.#collected + (this.#at - this.#from);
  }

  /** A frame with a small payload, which is copied. */
  frame(type: number, flags: number, id: number, payload: Uint8Array): void {
    const { length } = payload;
    const at = this.#reserve(FRAME_HEAD + length);
    writeHead(this.#staging, at, length, type, flags, id);
    this.#staging.set(payload, at + FRAME_HEAD);
  }

  /** A frame with up to two parts; a large second one is not copied, and must not change until it is written. */
  parts(type: number, flags: number, id: number, first: Uint8Array, second: Uint8Array): void {
    const length = first.length + second.length;
    const copied = second.length < BY_REFERENCE;
    const at = this.#reserve(FRAME_HEAD + (copied ? length : first.length));
    writeHead(this.#staging, at, length, type, flags, id);
    if (first.length > 0) this.#staging.set(first, at + FRAME_HEAD);
    if (copied) this.#staging.set(second, at + FRAME_HEAD + first.length);
    else {
      this.#seal();
      this.#pieces.push(second);
      this.#collected += second.length;
    }
  }

  raw(bytes: Uint8Array): void {
    this.#staging.set(bytes, this.#reserve(bytes.length));
  }

  #reserve(length: number): number {
    if (this.#at + length > this.#staging.length) {
      this.#seal();
      // What was written stays where it is until the socket is done with it.
      this.#staging = Buffer.allocUnsafeSlow(Math.max(STAGING, length));
      this.#from = 0;
      this.#at = 0;
    }
    const at = this.#at;
    this.#at += length;
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#flush);
    }
    return at;
  }

  #seal(): void {
    if (this.#at > this.#from) {
      this.#pieces.push(this.#staging.subarray(this.#from, this.#at));
      this.#collected += this.#at - this.#from;
    }
    this.#from = this.#at;
  }

  flush(): void {
    this.#scheduled = false;
    this.#seal();
    const pieces = this.#pieces;
    if (pieces.length === 0 || this.#socket.destroyed) return;
    this.#pieces = [];
    this.#given += this.#collected;
    this.#collected = 0;
    const socket = this.#socket;
    if (pieces.length === 1) socket.write(pieces[0]!);
    else {
      socket.cork();
      for (const piece of pieces) socket.write(piece);
      socket.uncork();
    }
    // Mostly the system has taken everything at once. Then the memory is free again; new memory for each flush would keep the garbage
    // collector busy, which counts such memory in megabytes.
    if (socket.writableLength === 0) {
      this.#from = 0;
      this.#at = 0;
    }
  }
}
