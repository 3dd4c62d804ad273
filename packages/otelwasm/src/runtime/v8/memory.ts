import type { Memory } from "../contract.ts";
import { WasmError } from "../errors.ts";
import type { JsMemory } from "./webassembly.ts";

const NOTHING = new Uint8Array(0);

/**
 * A guest's memory through cached views. Growth detaches the buffer that they are over, which shows as a length of 0: asking
 * a view for its length is free, asking `memory.buffer` is a call into V8.
 */
export class V8Memory implements Memory {
  /** Set when the instance exists; host functions are made before it. */
  #memory: JsMemory | undefined;
  #bytes: Uint8Array = NOTHING;
  #view: DataView | undefined;
  #closed = false;
  /** The buffer of a shared memory is not detached when it grows. */
  #shared = false;

  attach(memory: JsMemory, shared: boolean): void {
    this.#memory = memory;
    this.#shared = shared;
  }

  close(): void {
    this.#memory = undefined;
    this.#bytes = NOTHING;
    this.#view = undefined;
    this.#closed = true;
  }

  get byteLength(): number {
    return this.bytes().length;
  }

  bytes(): Uint8Array {
    return this.#bytes.length !== 0 && !this.#shared ? this.#bytes : this.#refresh();
  }

  view(): DataView {
    const { buffer } = this.bytes();
    if (this.#view === undefined || this.#view.buffer !== buffer) this.#view = new DataView(buffer);
    return this.#view;
  }

  read(offset: number, size: number): Uint8Array {
    const bytes = this.bytes();
    const start = offset >>> 0;
    const length = size >>> 0;
    if (start + length > bytes.length) throw outOfRange(start, length, bytes.length);
    return new Uint8Array(bytes.buffer, start, length);
  }

  write(offset: number, data: Uint8Array): void {
    const bytes = this.bytes();
    const start = offset >>> 0;
    if (start + data.length > bytes.length) throw outOfRange(start, data.length, bytes.length);
    bytes.set(data, start);
  }

  #refresh(): Uint8Array {
    if (this.#closed) throw new WasmError("closed");
    const buffer = this.#memory?.buffer;
    if (buffer !== undefined && buffer !== this.#bytes.buffer) this.#bytes = new Uint8Array(buffer);
    return this.#bytes;
  }
}

function outOfRange(start: number, length: number, size: number): RangeError {
  return new RangeError(`${length} bytes at ${start} are outside the memory of ${size} bytes`);
}
