import type { FunctionInstance, FunctionType, Value, ValueType } from "../contract.ts";
import { NativeBlock, NULL } from "../native/ffi.ts";
import { numberTypes, resultOf, writeValue } from "../native/values.ts";
import type { WasmtimeStore } from "./store.ts";

/** `sizeof(wasmtime_val_raw_t)` */
export const SLOT = 16;

/** An exported function. What it needs for a call is made once. */
export class WasmtimeFunction implements FunctionInstance {
  readonly type: FunctionType;
  readonly #store: WasmtimeStore;
  readonly #params: readonly ValueType[];
  readonly #results: readonly ValueType[];
  /** The `wasmtime_func_t`, then the trap that a call gives, then a slot for each parameter or result: guest code has read its parameters when it calls the host, so a call inside may use them again. */
  readonly #block: NativeBlock;
  readonly #slots: DataView<ArrayBuffer>;
  readonly #slotCount: number;

  /** @param func the bytes of a `wasmtime_func_t` */
  constructor(name: string, type: FunctionType, func: Uint8Array, store: WasmtimeStore) {
    this.type = type;
    this.#store = store;
    const { params, results } = numberTypes(type, name);
    this.#params = params;
    this.#results = results;
    this.#slotCount = Math.max(params.length, results.length);
    this.#block = store.keep(new NativeBlock(SLOTS_AT + SLOT * this.#slotCount));
    this.#block.bytes.set(func);
    this.#slots = new DataView(this.#block.bytes.buffer, SLOTS_AT);
  }

  call(...params: Value[]): Value | readonly Value[] | undefined {
    const store = this.#store;
    store.enter();
    const { view, address } = this.#block;
    const types = this.#params;
    for (let index = 0; index < types.length; index++)
      writeValue(this.#slots, SLOT * index, types[index]!, params[index]!);
    view.setUint32(TRAP_AT, 0);
    view.setUint32(TRAP_AT + 4, 0);
    const error = store.library.call.wasmtime_func_call_unchecked(
      store.context,
      address,
      address + SLOTS_AT,
      this.#slotCount,
      address + TRAP_AT,
    );
    store.leave();
    if (error !== NULL || view.getUint32(TRAP_AT) !== 0 || view.getUint32(TRAP_AT + 4) !== 0)
      throw store.failure(error, Number(view.getBigUint64(TRAP_AT, true)));
    return resultOf(this.#slots, SLOT, this.#results);
  }
}

const TRAP_AT = 16;
const SLOTS_AT = 32;
