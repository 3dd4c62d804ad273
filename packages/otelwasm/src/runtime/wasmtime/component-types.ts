import { type Address, NativeBlock } from "../native/ffi.ts";
import type { ComponentCalls } from "./component-library.ts";

/** `wasmtime_component_valtype_kind_t`, as far as something depends on it. */
export const TypeKind = { bool: 0, u8: 5, u32: 7, string: 12, list: 13, option: 18, result: 19 } as const;

/** What has to be known of a type beside what its values say: an empty list does not tell of what it is one. */
export interface Shape {
  readonly kind: number;
  /** Of a list's elements, of what is in an option, of the `ok` of a result. */
  readonly inner?: Shape | undefined;
  /** Of the `error` of a result. */
  readonly error?: Shape | undefined;
}

export interface FunctionShape {
  readonly params: readonly Shape[];
  readonly result: Shape | undefined;
}

/** `sizeof(wasmtime_component_valtype_t)`: its kind, and at 8 an address that belongs to it. */
const TYPE_SIZE = 16;

/** @param type a `wasmtime_component_func_type_t *` that stays the caller's */
export function functionShape(calls: ComponentCalls, type: Address): FunctionShape {
  // The name of a parameter and its size go where nobody looks.
  const ignored = new NativeBlock(16);
  const params = Array.from({ length: Number(calls.wasmtime_component_func_type_param_count(type)) }, (_, index) =>
    shapeOf(calls, (out) =>
      calls.wasmtime_component_func_type_param_nth(type, index, ignored.address, ignored.address + 8, out),
    ),
  );
  ignored.free();
  return {
    params: params.filter((shape) => shape !== undefined),
    result: shapeOf(calls, (out) => calls.wasmtime_component_func_type_result(type, out)),
  };
}

/** @param get writes a type, or says that there is none */
function shapeOf(calls: ComponentCalls, get: (out: Address) => number): Shape | undefined {
  const out = new NativeBlock(TYPE_SIZE);
  try {
    // A boolean where there may be none; nothing where there is always one.
    const found: unknown = get(out.address);
    if (found === false) return undefined;
    const kind = out.view.getUint8(0);
    const of = Number(out.view.getBigUint64(8, true));
    const shape: Shape = { kind, ...innerShapes(calls, kind, of) };
    calls.wasmtime_component_valtype_delete(out.address);
    return shape;
  } finally {
    out.free();
  }
}

function innerShapes(calls: ComponentCalls, kind: number, of: Address): Omit<Shape, "kind"> {
  switch (kind) {
    case TypeKind.list:
      return { inner: shapeOf(calls, (out) => calls.wasmtime_component_list_type_element(of, out)) };
    case TypeKind.option:
      return { inner: shapeOf(calls, (out) => calls.wasmtime_component_option_type_ty(of, out)) };
    case TypeKind.result:
      return {
        inner: shapeOf(calls, (out) => calls.wasmtime_component_result_type_ok(of, out)),
        error: shapeOf(calls, (out) => calls.wasmtime_component_result_type_err(of, out)),
      };
    default:
      return {};
  }
}
