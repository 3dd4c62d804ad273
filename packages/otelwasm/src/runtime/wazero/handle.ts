/** What the library has of one instance. */
import type { HostFunction } from "../contract.ts";
import { WasmError } from "../errors.ts";
import { ffi, NativeBlock, release } from "../native/ffi.ts";
import { CallState } from "../native/host-calls.ts";
import { NativeMemory } from "../native/memory.ts";
import { fromFailure } from "./errors.ts";
import type { WazeroLibrary } from "./library.ts";

/** `otelwasm_cells` */
const Cells = { base: 0, size: 8, slotCount: 16, slots: 24 } as const;

export class WazeroHandle {
  readonly library: WazeroLibrary;
  /** The library's. */
  readonly number: number;
  readonly memory: NativeMemory = new NativeMemory();
  readonly state: CallState = new CallState(this.memory);
  /** For parameters and results, of calls in both directions. */
  readonly slots: DataView<ArrayBuffer>;
  readonly #client: number;
  readonly #cells: DataView<ArrayBuffer>;
  readonly #hosts: readonly number[];

  /**
   * @param hosts those of the module's imported functions, in their order
   * @param timeout milliseconds of each call, 0 for no limit
   * @throws WasmError `closed`
   */
  constructor(library: WazeroLibrary, client: number, module: number, hosts: readonly HostFunction[], timeout: number) {
    this.library = library;
    this.#client = client;
    this.#hosts = hosts.map((host) => library.hosts.add(host, this.state));
    const numbers = new NativeBlock(4 * hosts.length);
    for (const [index, number] of this.#hosts.entries()) numbers.view.setUint32(4 * index, number, true);
    const { call, host, done } = library;
    this.number = call.otelwasm_new(client, module, host, done.address, numbers.address, hosts.length, timeout);
    numbers.free();
    if (this.number === 0) {
      this.#removeHosts();
      throw new WasmError("closed", "the compiled module");
    }
    const address = call.otelwasm_cells_of(this.number);
    const header = new DataView(ffi().view(address, Cells.slots));
    const size = Cells.slots + 8 * Number(header.getBigUint64(Cells.slotCount, true));
    release(header.buffer);
    this.#cells = new DataView(ffi().view(address, size));
    this.slots = new DataView(this.#cells.buffer, Cells.slots);
  }

  /** From now on host functions and the instance's owner see the memory. */
  showMemory(): void {
    const cells = this.#cells;
    this.memory.attach({
      address: () => wide(cells, Cells.base),
      size: () => wide(cells, Cells.size),
    });
  }

  instantiate(): void {
    this.state.enter();
    const kind = this.library.call.otelwasm_instantiate(this.number);
    this.state.leave();
    if (kind !== 0) throw this.failure(kind);
  }

  /** @param name of an exported function */
  functionNumber(name: string): number {
    const text = NativeBlock.of(new TextEncoder().encode(name));
    const number = this.library.call.otelwasm_function(this.number, text.address, text.bytes.length);
    text.free();
    if (number < 0) throw new WasmError("trap", `wazero does not know the export ${name}`);
    return number;
  }

  /** What a call that failed is to throw. */
  failure(kind: number): unknown {
    const thrown = this.state.takeThrown();
    return thrown === undefined ? fromFailure(kind, this.library.errorOf(this.number)) : thrown.error;
  }

  close(): void {
    if (this.state.closed) return;
    this.state.closed = true;
    this.memory.close();
    release(this.#cells.buffer);
    this.library.call.otelwasm_free(this.#client, this.number);
    this.#removeHosts();
  }

  #removeHosts(): void {
    for (const number of this.#hosts) this.library.hosts.remove(number);
  }
}

/** Of 64 bits; addresses and sizes have no more than 53. */
function wide(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 2 ** 32;
}
