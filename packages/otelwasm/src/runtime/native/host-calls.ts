/**
 * The way of a guest's call to a host function, for engines that give one C callback a number and the address of its parameters. A callback is registered once for each thread; the
 * number says which function of which instance is meant.
 */
import type { HostFunction, Value } from "../contract.ts";
import { WasmError } from "../errors.ts";
import { type Address, ffi } from "./ffi.ts";
import type { NativeMemory } from "./memory.ts";
import { readValue, writeValue } from "./values.ts";

/** Calls of guest and host inside one another. Each has frames on the one stack of C code. */
const MAX_NESTING = 32;

/** What the calls of one instance have in common. */
export class CallState {
  readonly memory: NativeMemory;
  depth = 0;
  closed = false;
  /** What a host function threw, while the engine unwinds the guest's frames. */
  #thrown: { readonly error: unknown } | undefined;

  constructor(memory: NativeMemory) {
    this.memory = memory;
  }

  /** Before guest code runs. @throws WasmError `closed`; `stack_overflow` where guest and host call each other without end */
  enter(): void {
    if (this.closed) throw new WasmError("closed");
    if (this.depth >= MAX_NESTING)
      throw new WasmError("stack_overflow", `guest and host call each other ${MAX_NESTING} deep`);
    this.depth++;
  }

  /** After it. */
  leave(): void {
    this.depth--;
    this.memory.touch();
  }

  threw(error: unknown): void {
    this.#thrown = { error };
  }

  /** What a host function threw, to be thrown on; undefined if it was not one that ended the call. */
  takeThrown(): { readonly error: unknown } | undefined {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    return thrown;
  }
}

interface Entry {
  readonly host: HostFunction;
  readonly state: CallState;
}

/** Views of the same places of the stack are needed again and again, and are dear to make. */
const MAX_VIEWS = 4096;

/** The host functions that guests of this thread can call, each by its number. */
export class HostCalls {
  /** Bytes from one parameter to the next. */
  readonly #slot: number;
  readonly #entries: (Entry | undefined)[] = [];
  readonly #free: number[] = [];
  #views = new Map<Address, DataView<ArrayBuffer>>();

  constructor(slot: number) {
    this.#slot = slot;
  }

  /** @returns its number */
  add(host: HostFunction, state: CallState): number {
    const number = this.#free.pop() ?? this.#entries.length;
    this.#entries[number] = { host, state };
    return number;
  }

  remove(number: number): void {
    this.#entries[number] = undefined;
    this.#free.push(number);
  }

  /**
   * Runs one. Never throws: that would leave C code without a result.
   *
   * @param address of the parameters
   * @param resultAddress of the result, for engines that do not put it in the parameters' place
   * @returns whether it went well; else the state has what was thrown
   */
  run(number: number, address: Address, resultAddress: Address = address): boolean {
    const entry = this.#entries[number];
    if (entry === undefined) return false;
    const { host, state } = entry;
    state.memory.touch();
    try {
      const { params, results } = host;
      const view = params.length === 0 ? NO_VIEW : this.#viewOf(address);
      const slot = this.#slot;
      let result: Value | undefined;
      switch (params.length) {
        case 0:
          result = host.function(state.memory);
          break;
        case 1:
          result = host.function(state.memory, readValue(view, 0, params[0]!));
          break;
        case 2:
          result = host.function(state.memory, readValue(view, 0, params[0]!), readValue(view, slot, params[1]!));
          break;
        default:
          result = host.function(state.memory, ...params.map((type, index) => readValue(view, slot * index, type)));
      }
      if (results.length > 0) writeValue(this.#viewOf(resultAddress), 0, results[0]!, result ?? 0);
      return true;
    } catch (error) {
      state.threw(error);
      return false;
    }
  }

  #viewOf(address: Address): DataView<ArrayBuffer> {
    let view = this.#views.get(address);
    if (view === undefined) {
      if (this.#views.size >= MAX_VIEWS) this.#views = new Map();
      view = new DataView(ffi().view(address, this.#slot * MAX_PARAMS));
      this.#views.set(address, view);
    }
    return view;
  }
}

/** No function of WASI or of the ABI has more. */
const MAX_PARAMS = 16;
const NO_VIEW = new DataView(new ArrayBuffer(0));
