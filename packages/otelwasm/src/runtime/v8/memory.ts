import { WasmError } from "../errors.ts";
import { ViewedMemory } from "../viewed-memory.ts";
import type { JsMemory } from "./webassembly.ts";

const NOTHING = new Uint8Array(0);

/**
 * A guest's memory through cached views. Growth detaches the buffer that they are over, which shows as a length of 0: asking
 * a view for its length is free, asking `memory.buffer` is a call into V8.
 */
export class V8Memory extends ViewedMemory {
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

  bytes(): Uint8Array {
    return this.#bytes.length !== 0 && !this.#shared ? this.#bytes : this.#refresh();
  }

  view(): DataView {
    const { buffer } = this.bytes();
    if (this.#view === undefined || this.#view.buffer !== buffer) this.#view = new DataView(buffer);
    return this.#view;
  }

  #refresh(): Uint8Array {
    if (this.#closed) throw new WasmError("closed");
    const buffer = this.#memory?.buffer;
    if (buffer !== undefined && buffer !== this.#bytes.buffer) this.#bytes = new Uint8Array(buffer);
    return this.#bytes;
  }
}
