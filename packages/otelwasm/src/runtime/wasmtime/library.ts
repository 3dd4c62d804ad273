import { type Address, bind, copyOf, NativeBlock, openLibrary } from "../native/ffi.ts";
import { type LibraryNeed, libraryPath } from "../native/library.ts";

/** The C interface is another one with each version: the layouts of its structures are not for others to know. */
export const WASMTIME: LibraryNeed = { engine: "wasmtime", version: "50.0.1" };

/** https://docs.wasmtime.dev/c-api/, of that version: what goes in, and after `=` what comes out. */
const SIGNATURES = {
  wasm_config_new: "size_t",
  wasmtime_config_strategy_set: "size_t,uint8_t=void",
  wasmtime_config_cranelift_opt_level_set: "size_t,uint8_t=void",
  wasmtime_config_consume_fuel_set: "size_t,bool=void",
  wasmtime_config_epoch_interruption_set: "size_t,bool=void",
  wasmtime_config_max_wasm_stack_set: "size_t,size_t=void",
  wasmtime_config_shared_memory_set: "size_t,bool=void",
  wasmtime_config_wasm_threads_set: "size_t,bool=void",
  wasmtime_config_wasm_memory64_set: "size_t,bool=void",
  wasmtime_config_wasm_tail_call_set: "size_t,bool=void",
  wasmtime_config_wasm_exceptions_set: "size_t,bool=void",
  wasmtime_config_wasm_gc_set: "size_t,bool=void",
  wasmtime_config_wasm_function_references_set: "size_t,bool=void",
  wasm_engine_new_with_config: "size_t=size_t",
  wasm_engine_delete: "size_t=void",
  wasmtime_engine_clone: "size_t=size_t",
  wasmtime_engine_increment_epoch: "size_t=void",
  wasmtime_module_new: "size_t,size_t,size_t,size_t=size_t",
  wasmtime_module_clone: "size_t=size_t",
  wasmtime_module_delete: "size_t=void",
  wasmtime_module_serialize: "size_t,size_t=size_t",
  wasmtime_module_deserialize: "size_t,size_t,size_t,size_t=size_t",
  wasmtime_store_new: "size_t,size_t,size_t=size_t",
  wasmtime_store_context: "size_t=size_t",
  wasmtime_store_delete: "size_t=void",
  wasmtime_store_limiter: "size_t,int64_t,int64_t,int64_t,int64_t,int64_t=void",
  wasmtime_store_epoch_deadline_callback: "size_t,size_t,size_t,size_t=void",
  wasmtime_context_set_epoch_deadline: "size_t,uint64_t=void",
  wasmtime_context_set_fuel: "size_t,uint64_t=size_t",
  wasmtime_instance_new: "size_t,size_t,size_t,size_t,size_t,size_t=size_t",
  wasmtime_instance_export_get: "size_t,size_t,size_t,size_t,size_t=bool",
  wasmtime_func_new_unchecked: "size_t,size_t,size_t,size_t,size_t,size_t=void",
  wasmtime_func_call_unchecked: "size_t,size_t,size_t,size_t,size_t=size_t",
  wasmtime_memory_data: "size_t,size_t=size_t",
  wasmtime_memory_data_size: "size_t,size_t=size_t",
  wasmtime_sharedmemory_data: "size_t=size_t",
  wasmtime_sharedmemory_data_size: "size_t=size_t",
  wasmtime_extern_delete: "size_t=void",
  wasmtime_error_new: "size_t=size_t",
  wasmtime_error_message: "size_t,size_t=void",
  wasmtime_error_delete: "size_t=void",
  wasmtime_trap_new: "size_t,size_t=size_t",
  wasmtime_trap_code: "size_t,size_t=bool",
  wasm_trap_message: "size_t,size_t=void",
  wasm_trap_delete: "size_t=void",
  wasm_byte_vec_delete: "size_t=void",
  wasmtime_module_imports: "size_t,size_t=void",
  wasm_importtype_type: "size_t=size_t",
  wasm_importtype_vec_delete: "size_t=void",
  wasm_externtype_as_functype_const: "size_t=size_t",
} as const;

type Functions = ReturnType<typeof bind<typeof SIGNATURES>>;

/** The library as this thread has it. */
export class WasmtimeLibrary {
  /** Absolute. */
  readonly path: string;
  readonly call: Functions;
  /** For what a call gives beside its result; good until the next call of anything. */
  readonly out: NativeBlock = new NativeBlock(64);
  readonly #words = NativeBlock.of(new TextEncoder().encode("ended by the host\0"));

  constructor(path: string) {
    this.path = path;
    this.call = bind(openLibrary(path), path, SIGNATURES);
  }

  /** What an error says; it is deleted. */
  takeError(error: Address): string {
    this.call.wasmtime_error_message(error, this.out.address);
    this.call.wasmtime_error_delete(error);
    return this.#takeText();
  }

  /** A trap's code, if it is one of guest code, and its words; it is deleted. */
  takeTrap(trap: Address): { readonly code: number | undefined; readonly message: string } {
    const { call, out } = this;
    const code = call.wasmtime_trap_code(trap, out.address) ? out.view.getUint8(0) : undefined;
    call.wasm_trap_message(trap, out.address);
    call.wasm_trap_delete(trap);
    return { code, message: this.#takeText() };
  }

  /** A trap for the engine to unwind the guest's frames with; what it is for is kept elsewhere. */
  newTrap(): Address {
    return this.call.wasmtime_trap_new(this.#words.address, this.#words.bytes.length - 1);
  }

  /** What the epoch's callback ends a call with. */
  newInterruption(): Address {
    return this.call.wasmtime_error_new(this.#words.address);
  }

  /**
   * The types of the functions that a module imports, which imports nothing else. They are the module's own: one that is made of parameters and results is another type than one of a group
   * of recursive types, though it looks the same.
   *
   * @param each gets a `wasm_functype_t`, good until it returns
   */
  forEachImportedType(module: Address, each: (type: Address, index: number) => void): void {
    const { call } = this;
    const vector = new NativeBlock(16);
    call.wasmtime_module_imports(module, vector.address);
    try {
      const count = Number(vector.view.getBigUint64(0, true));
      const imports = copyOf(Number(vector.view.getBigUint64(8, true)), 8 * count);
      const view = new DataView(imports.buffer, imports.byteOffset);
      for (let index = 0; index < count; index++) {
        const type = call.wasm_importtype_type(Number(view.getBigUint64(8 * index, true)));
        each(call.wasm_externtype_as_functype_const(type), index);
      }
    } finally {
      call.wasm_importtype_vec_delete(vector.address);
      vector.free();
    }
  }

  /** A `wasm_byte_vec_t` in `out`. */
  takeBytes(): Uint8Array {
    const { out } = this;
    const bytes = copyOf(Number(out.view.getBigUint64(8, true)), Number(out.view.getBigUint64(0, true)));
    this.call.wasm_byte_vec_delete(out.address);
    return bytes;
  }

  #takeText(): string {
    // Messages of traps end with a zero.
    return new TextDecoder().decode(this.takeBytes()).replace(/\0+$/, "");
  }
}

const libraries = new Map<string, WasmtimeLibrary>();

/** @param option `runtime_config.wasmtime.library` @throws WasmError `unsupported` if it is not there, or not the right one */
export function wasmtimeLibrary(option: string | undefined): WasmtimeLibrary {
  const path = libraryPath(WASMTIME, option);
  let library = libraries.get(path);
  if (library === undefined) {
    library = new WasmtimeLibrary(path);
    libraries.set(path, library);
  }
  return library;
}
