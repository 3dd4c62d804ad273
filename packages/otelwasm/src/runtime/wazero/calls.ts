import type { FunctionInstance, FunctionType, Value, ValueType } from "../contract.ts";
import { WasmError } from "../errors.ts";
import { numberTypes, resultOf, writeValue } from "../native/values.ts";
import type { WazeroHandle } from "./handle.ts";
import { SLOT } from "./library.ts";

export class WazeroFunction implements FunctionInstance {
  readonly type: FunctionType;
  readonly #handle: WazeroHandle;
  readonly #number: number;
  readonly #params: readonly ValueType[];
  readonly #results: readonly ValueType[];

  constructor(handle: WazeroHandle, name: string, type: FunctionType) {
    this.type = type;
    const { params, results } = numberTypes(type, name);
    this.#params = params;
    this.#results = results;
    this.#handle = handle;
    this.#number = handle.functionNumber(name);
  }

  call(...params: Value[]): Value | readonly Value[] | undefined {
    const handle = this.#handle;
    const { state, slots } = handle;
    state.enter();
    const types = this.#params;
    let kind: number;
    try {
      for (let index = 0; index < types.length; index++) writeValue(slots, SLOT * index, types[index]!, params[index]!);
      kind = handle.library.call.otelwasm_call(handle.number, this.#number);
    } finally {
      state.leave();
    }
    if (kind !== 0) throw handle.failure(kind);
    // A host function may have closed it.
    if (state.closed) throw new WasmError("closed");
    return resultOf(slots, SLOT, this.#results);
  }
}
