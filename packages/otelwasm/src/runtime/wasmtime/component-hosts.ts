/** The host's functions as components of this thread call them: one C callback, which a number tells what is meant. */
import type { ComponentFunction } from "../component.ts";
import { type Address, ffi, NULL } from "../native/ffi.ts";
import type { CallState } from "../native/host-calls.ts";
import { componentCalls } from "./component-library.ts";
import { type FunctionShape, functionShape } from "./component-types.ts";
import { readValue, VALUE_SIZE, writeValue } from "./component-values.ts";
import type { WasmtimeLibrary } from "./library.ts";

interface HostEntry {
  readonly implementation: ComponentFunction;
  readonly state: CallState;
  /** Of the import, known when it is first called. */
  shape: FunctionShape | undefined;
}

export class ComponentHosts {
  /** `wasmtime_component_func_callback_t` */
  readonly callback: Address;
  readonly #library: WasmtimeLibrary;
  readonly #entries = new Map<number, HostEntry>();
  #numbers = 0;

  constructor(library: WasmtimeLibrary) {
    const koffi = ffi();
    this.#library = library;
    const registered = koffi.register(
      (number: number, _context: Address, type: Address, args: Address, _count: number, results: Address) =>
        this.#run(number, type, args, results),
      koffi.pointer(koffi.proto("size_t", ["size_t", "size_t", "size_t", "size_t", "size_t", "size_t", "size_t"])),
    );
    this.callback = Number(registered);
  }

  /** @returns its number, good until it is removed */
  add(implementation: ComponentFunction, state: CallState): number {
    const number = ++this.#numbers;
    this.#entries.set(number, { implementation, state, shape: undefined });
    return number;
  }

  remove(number: number): void {
    this.#entries.delete(number);
  }

  /** Never throws: that would leave C code without a result. @returns an error for the engine to unwind the guest with */
  #run(number: number, type: Address, args: Address, results: Address): Address {
    const entry = this.#entries.get(number);
    if (entry === undefined) return this.#library.newInterruption();
    try {
      const calls = componentCalls(this.#library);
      entry.shape ??= functionShape(calls, type);
      const { params, result } = entry.shape;
      const value = entry.implementation(...params.map((shape, index) => readValue(args + index * VALUE_SIZE, shape)));
      if (result !== undefined) writeValue(calls, results, result, value);
      return NULL;
    } catch (error) {
      entry.state.threw(error);
      return this.#library.newInterruption();
    }
  }
}

const hostsOf = new WeakMap<WasmtimeLibrary, ComponentHosts>();

/** Of this thread. */
export function componentHosts(library: WasmtimeLibrary): ComponentHosts {
  let hosts = hostsOf.get(library);
  if (hosts === undefined) {
    hosts = new ComponentHosts(library);
    hostsOf.set(library, hosts);
  }
  return hosts;
}
