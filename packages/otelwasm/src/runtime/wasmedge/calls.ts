import type { FunctionInstance, FunctionType, Value, ValueType } from "../contract.ts";
import { type Address, NativeBlock } from "../native/ffi.ts";
import { numberTypes, resultOf, writeValue } from "../native/values.ts";
import { SUCCESS } from "./errors.ts";
import type { WasmEdgeStore } from "./store.ts";

/** `sizeof(WasmEdge_Value)`, and where its type is. */
export const SLOT = 32;
const TYPE_AT = 16;

/** An exported function. What it needs for a call is made once. */
export class WasmEdgeFunction implements FunctionInstance {
  readonly type: FunctionType;
  readonly #store: WasmEdgeStore;
  readonly #func: Address;
  readonly #params: readonly ValueType[];
  readonly #results: readonly ValueType[];
  /** A slot for each parameter, then one for each result. The engine copies them, so a call inside this one may use them again. */
  readonly #slots: DataView<ArrayBuffer>;
  readonly #resultSlots: DataView<ArrayBuffer>;
  readonly #paramsAt: Address;
  readonly #resultsAt: Address;

  /** @param func a `WasmEdge_FunctionInstanceContext *` */
  constructor(name: string, type: FunctionType, func: Address, store: WasmEdgeStore) {
    this.type = type;
    this.#store = store;
    this.#func = func;
    const { params, results } = numberTypes(type, name);
    this.#params = params;
    this.#results = results;
    const block = store.keep(new NativeBlock(SLOT * (params.length + results.length)));
    const { valueTypes } = store.library;
    for (const [index, param] of params.entries())
      block.view.setBigUint64(SLOT * index + TYPE_AT, valueTypes[param], true);
    this.#slots = block.view;
    this.#resultSlots = new DataView(block.bytes.buffer, SLOT * params.length);
    this.#paramsAt = block.address;
    this.#resultsAt = block.address + SLOT * params.length;
  }

  call(...params: Value[]): Value | readonly Value[] | undefined {
    const store = this.#store;
    store.enter();
    const depth = store.depthBefore();
    const types = this.#params;
    for (let index = 0; index < types.length; index++)
      writeValue(this.#slots, SLOT * index, types[index]!, params[index]!);
    const result = store.library.call.WasmEdge_ExecutorInvoke(
      store.executor,
      this.#func,
      this.#paramsAt,
      types.length,
      this.#resultsAt,
      this.#results.length,
    );
    store.leave();
    if (result !== SUCCESS) throw store.failure(result, depth);
    return resultOf(this.#resultSlots, SLOT, this.#results);
  }
}

/** The function that `limitCallDepth` adds to a module. */
export class DepthCounter {
  readonly #store: WasmEdgeStore;
  readonly #func: Address;
  readonly #block: NativeBlock;

  /** @param func a `WasmEdge_FunctionInstanceContext *` */
  constructor(store: WasmEdgeStore, func: Address) {
    this.#store = store;
    this.#func = func;
    this.#block = store.keep(new NativeBlock(2 * SLOT));
    this.#block.view.setBigUint64(TYPE_AT, store.library.valueTypes.i32, true);
  }

  /** @returns what it was */
  exchange(value: number): number {
    const { view, address } = this.#block;
    const { library, executor } = this.#store;
    view.setInt32(0, value, true);
    library.call.WasmEdge_ExecutorInvoke(executor, this.#func, address, 1, address + SLOT, 1);
    return view.getInt32(SLOT, true);
  }
}
