/**
 * How two processes talk over a pipe: frames of a head and a payload, none of which is ever text that has to be parsed to find its end. What is added is
 * written at once when it is flushed, small payloads together in one piece of memory, large ones from where they are.
 */
import type { Writable } from "node:stream";
import { ownCopy } from "../guest-memory.ts";

/** Size of the payload (u32, little-endian, as all here), kind (u8), detail (u8), number (u16). */
const HEAD_BYTES = 8;
/** A payload up to this size is copied behind its head: that is less work than a piece of memory more in the write. */
const SMALL = 4096;
const BLOCK = 16_384;
const NOTHING = new Uint8Array(0);

/** @param payload in a buffer of its own */
export type FrameHandler = (kind: number, detail: number, number: number, payload: Uint8Array<ArrayBuffer>) => void;

export class FrameWriter {
  readonly #stream: Writable;
  #pieces: Uint8Array[] = [];
  #block = Buffer.alloc(0);
  /** What of the block is in `pieces`, and where the next head goes. */
  #sealed = 0;
  #end = 0;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  /** @param payload a large one is read when it is written: until the other side has answered, nobody may alter it */
  add(kind: number, detail = 0, number = 0, payload: Uint8Array = NOTHING): void {
    const copied = payload.length <= SMALL ? payload.length : 0;
    if (this.#block.length - this.#end < HEAD_BYTES + copied) {
      this.#seal();
      this.#block = Buffer.allocUnsafeSlow(BLOCK);
      this.#sealed = 0;
      this.#end = 0;
    }
    const block = this.#block;
    let at = block.writeUInt32LE(payload.length, this.#end);
    at = block.writeUInt8(kind, at);
    at = block.writeUInt8(detail, at);
    at = block.writeUInt16LE(number, at);
    if (copied > 0) block.set(payload, at);
    this.#end = at + copied;
    if (payload.length > copied) {
      this.#seal();
      this.#pieces.push(payload);
    }
  }

  /** Everything that was added, in one write. */
  flush(): void {
    this.#seal();
    const pieces = this.#pieces;
    if (pieces.length === 0) return;
    this.#pieces = [];
    this.#stream.cork();
    for (const piece of pieces) this.#stream.write(piece);
    this.#stream.uncork();
  }

  #seal(): void {
    if (this.#end > this.#sealed) this.#pieces.push(this.#block.subarray(this.#sealed, this.#end));
    this.#sealed = this.#end;
  }
}

/** Puts frames together again, whatever pieces they come in. */
export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #maxPayload: number;
  readonly #head = Buffer.alloc(HEAD_BYTES);
  /** Of the head, in bytes. */
  #headFilled = 0;
  #payload: Uint8Array<ArrayBuffer> | undefined;
  #payloadFilled = 0;

  /** @param maxPayload in bytes: whoever says that a payload is larger is not to be believed */
  constructor(maxPayload: number, handler: FrameHandler) {
    this.#maxPayload = maxPayload;
    this.#handler = handler;
  }

  /** @throws FrameError, and what the handler throws; nothing more can be read then */
  feed(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length || this.#complete(); ) {
      if (this.#headFilled < HEAD_BYTES) {
        const taken = Math.min(HEAD_BYTES - this.#headFilled, chunk.length - at);
        this.#head.set(chunk.subarray(at, at + taken), this.#headFilled);
        this.#headFilled += taken;
        at += taken;
      } else {
        at += this.#takePayload(chunk, at);
      }
    }
  }

  /**
   * Where to read to, if more than so many bytes of a payload are still to come, so that they need not be copied. What was read there is not fed, but told to
   * `filled`.
   */
  room(bytes: number): Uint8Array | undefined {
    const payload = this.#payload;
    return payload !== undefined && payload.length - this.#payloadFilled > bytes
      ? payload.subarray(this.#payloadFilled)
      : undefined;
  }

  /** @throws what the handler throws */
  filled(bytes: number): void {
    const payload = this.#payload!;
    this.#payloadFilled += bytes;
    if (this.#payloadFilled === payload.length) this.#handle(payload);
  }

  /** Whether a head is there whose payload has no bytes. */
  #complete(): boolean {
    return this.#headFilled === HEAD_BYTES && this.#head.readUInt32LE(0) === 0;
  }

  /** @returns how many bytes were taken */
  #takePayload(chunk: Uint8Array, at: number): number {
    const size = this.#head.readUInt32LE(0);
    const left = chunk.length - at;
    if (this.#payload === undefined) {
      if (size > this.#maxPayload)
        throw new FrameError(`a frame of ${size} bytes, where none has more than ${this.#maxPayload}`);
      if (left >= size) {
        this.#handle(ownCopy(chunk.subarray(at, at + size)));
        return size;
      }
      // No view of a larger one: it may go on to another thread.
      this.#payload = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
      this.#payloadFilled = 0;
    }
    const taken = Math.min(size - this.#payloadFilled, left);
    this.#payload.set(chunk.subarray(at, at + taken), this.#payloadFilled);
    this.filled(taken);
    return taken;
  }

  #handle(payload: Uint8Array<ArrayBuffer>): void {
    const head = this.#head;
    this.#headFilled = 0;
    this.#payload = undefined;
    this.#handler(head.readUInt8(4), head.readUInt8(5), head.readUInt16LE(6), payload);
  }
}

/** The other side does not keep to the format. */
export class FrameError extends Error {}
