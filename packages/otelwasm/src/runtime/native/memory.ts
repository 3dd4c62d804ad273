import { WasmError } from "../errors.ts";
import { ViewedMemory } from "../viewed-memory.ts";
import { type Address, ffi, release } from "./ffi.ts";

/** Where a linear memory is, asked of the engine. */
export interface MemorySource {
  address(): Address;
  /** In bytes. */
  size(): number;
}

const NOTHING = new Uint8Array(0);

/**
 * A guest's memory where the engine has it, without a copy. The engine is asked again after guest code has run, as that may have made it larger, or moved it. What is asked for when
 * the instance is closed finds it empty: the memory may be gone.
 */
export class NativeMemory extends ViewedMemory {
  #source: MemorySource | undefined;
  #bytes: Uint8Array<ArrayBuffer> = NOTHING;
  #view: DataView<ArrayBuffer> | undefined;
  #address: Address = 0;
  #stale = true;
  #closed = false;

  attach(source: MemorySource): void {
    this.#source = source;
  }

  /** Guest code has run. */
  touch(): void {
    this.#stale = true;
  }

  close(): void {
    this.#show(NOTHING);
    this.#source = undefined;
    this.#closed = true;
  }

  bytes(): Uint8Array {
    if (this.#stale) this.#refresh();
    return this.#bytes;
  }

  view(): DataView {
    if (this.#stale) this.#refresh();
    this.#view ??= new DataView(this.#bytes.buffer);
    return this.#view;
  }

  #refresh(): void {
    if (this.#closed) throw new WasmError("closed");
    const source = this.#source;
    // Before the instance exists, a start function may call the host: engines then have no memory to show.
    if (source === undefined) return;
    const [address, size] = [source.address(), source.size()];
    this.#stale = false;
    if (size === this.#bytes.length && address === this.#address) return;
    this.#address = address;
    this.#show(size === 0 ? NOTHING : new Uint8Array(ffi().view(address, size)));
  }

  #show(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#bytes !== NOTHING) release(this.#bytes.buffer);
    this.#bytes = bytes;
    this.#view = undefined;
  }
}
