import { type Address, bind, NativeBlock, openLibrary } from "../native/ffi.ts";
import type { WasmtimeLibrary } from "./library.ts";

/** The part of the C interface that is about components. A thread that has none does not look for it. */
const SIGNATURES = {
  wasmtime_component_new: "size_t,size_t,size_t,size_t=size_t",
  wasmtime_component_serialize: "size_t,size_t=size_t",
  wasmtime_component_deserialize: "size_t,size_t,size_t,size_t=size_t",
  wasmtime_component_clone: "size_t=size_t",
  wasmtime_component_delete: "size_t=void",
  wasmtime_component_get_export_index: "size_t,size_t,size_t,size_t=size_t",
  wasmtime_component_export_index_delete: "size_t=void",
  wasmtime_component_linker_new: "size_t=size_t",
  wasmtime_component_linker_delete: "size_t=void",
  wasmtime_component_linker_root: "size_t=size_t",
  wasmtime_component_linker_instantiate: "size_t,size_t,size_t,size_t=size_t",
  wasmtime_component_linker_instance_add_instance: "size_t,size_t,size_t,size_t=size_t",
  wasmtime_component_linker_instance_add_func: "size_t,size_t,size_t,size_t,size_t,size_t=size_t",
  wasmtime_component_linker_instance_delete: "size_t=void",
  wasmtime_component_instance_get_func: "size_t,size_t,size_t,size_t=bool",
  wasmtime_component_func_call: "size_t,size_t,size_t,size_t,size_t,size_t=size_t",
  wasmtime_component_func_type: "size_t,size_t=size_t",
  wasmtime_component_func_type_delete: "size_t=void",
  wasmtime_component_func_type_param_count: "size_t=size_t",
  wasmtime_component_func_type_param_nth: "size_t,size_t,size_t,size_t,size_t=bool",
  wasmtime_component_func_type_result: "size_t,size_t=bool",
  wasmtime_component_list_type_element: "size_t,size_t=void",
  wasmtime_component_option_type_ty: "size_t,size_t=void",
  wasmtime_component_result_type_ok: "size_t,size_t=bool",
  wasmtime_component_result_type_err: "size_t,size_t=bool",
  wasmtime_component_valtype_delete: "size_t=void",
  wasmtime_component_vallist_new_uninit: "size_t,size_t=void",
  wasmtime_component_val_delete: "size_t=void",
  wasm_byte_vec_new_uninitialized: "size_t,size_t=void",
} as const;

export type ComponentCalls = ReturnType<typeof bind<typeof SIGNATURES>>;

const bound = new WeakMap<WasmtimeLibrary, ComponentCalls>();

/** @throws WasmError `unsupported` if the library was built without components */
export function componentCalls(library: WasmtimeLibrary): ComponentCalls {
  let calls = bound.get(library);
  if (calls === undefined) {
    calls = bind(openLibrary(library.path), library.path, SIGNATURES);
    bound.set(library, calls);
  }
  return calls;
}

/** Calls something with a text's address and size; it must not keep them. */
export function withText<T>(text: string, use: (address: Address, size: number) => T): T {
  const block = NativeBlock.of(new TextEncoder().encode(text));
  try {
    return use(block.address, block.bytes.length);
  } finally {
    block.free();
  }
}
