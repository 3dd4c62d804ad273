/** The engine and the compilation: all that takes long happens on other threads than the caller's. */
import { type Address, NativeBlock, type NativeFunction, NULL } from "../native/ffi.ts";
import type { ModuleCache } from "../native/module-cache.ts";
import { fromCompile } from "./errors.ts";
import type { WasmtimeLibrary } from "./library.ts";
import type { WasmtimeOptions } from "./options.ts";

/** Bytes of the stack that guest code may use, out of that of C code. */
const GUEST_STACK_BYTES = 1024 * 1024;

/** `wasmtime_strategy_t`, `wasmtime_opt_level_t` */
const STRATEGIES = { cranelift: 1 } as const;
const OPT_LEVELS = { none: 0, speed: 1, speed_and_size: 2 } as const;

/** @returns a `wasm_engine_t *` that is the caller's */
export function createEngine({ call }: WasmtimeLibrary, options: WasmtimeOptions): Address {
  const config = call.wasm_config_new();
  call.wasmtime_config_strategy_set(config, STRATEGIES[options.strategy]);
  call.wasmtime_config_cranelift_opt_level_set(config, OPT_LEVELS[options.opt_level]);
  call.wasmtime_config_consume_fuel_set(config, options.fuel !== undefined);
  call.wasmtime_config_epoch_interruption_set(config, true);
  call.wasmtime_config_max_wasm_stack_set(config, GUEST_STACK_BYTES);
  call.wasmtime_config_shared_memory_set(config, true);
  call.wasmtime_config_wasm_threads_set(config, true);
  call.wasmtime_config_wasm_memory64_set(config, true);
  call.wasmtime_config_wasm_tail_call_set(config, true);
  call.wasmtime_config_wasm_function_references_set(config, true);
  call.wasmtime_config_wasm_gc_set(config, true);
  call.wasmtime_config_wasm_exceptions_set(config, true);
  return call.wasm_engine_new_with_config(config);
}

/** What is compiled, modules or components: their functions are of the same types. */
interface CodeFunctions {
  readonly make: NativeFunction;
  readonly serialize: NativeFunction;
  readonly deserialize: NativeFunction;
}

/**
 * @returns a `wasmtime_module_t *`, or a `wasmtime_component_t *`, that is the caller's
 * @throws WasmError `invalid_module`
 */
export async function compile(
  library: WasmtimeLibrary,
  engine: Address,
  binary: Uint8Array,
  cache: ModuleCache | undefined,
  functions: CodeFunctions = modules(library),
): Promise<Address> {
  const { call } = library;
  const kept = await cache?.get(binary);
  if (kept !== undefined) {
    const { error, result } = await elsewhere(functions.deserialize, engine, kept);
    if (error === NULL) return result;
    // Of another build of the engine, which no key can know: compiled anew.
    call.wasmtime_error_delete(error);
  }
  const { error, result } = await elsewhere(functions.make, engine, binary);
  if (error !== NULL) throw fromCompile(library.takeError(error));
  if (cache !== undefined) await cache.put(binary, serialized(library, functions, result));
  return result;
}

function modules({ call }: WasmtimeLibrary): CodeFunctions {
  return {
    make: call.wasmtime_module_new,
    serialize: call.wasmtime_module_serialize,
    deserialize: call.wasmtime_module_deserialize,
  };
}

function serialized(library: WasmtimeLibrary, { serialize }: CodeFunctions, code: Address): Uint8Array {
  const error = serialize(code, library.out.address);
  if (error !== NULL) throw fromCompile(library.takeError(error));
  return library.takeBytes();
}

/** Calls what makes a module of bytes on another thread. */
async function elsewhere(
  make: NativeFunction,
  engine: Address,
  bytes: Uint8Array,
): Promise<{ readonly error: Address; readonly result: Address }> {
  const input = NativeBlock.of(bytes);
  const out = new NativeBlock(8);
  try {
    const error = await new Promise<Address>((resolve, reject) => {
      make.async(engine, input.address, bytes.length, out.address, (failed: unknown, result: Address) =>
        failed ? reject(failed) : resolve(result),
      );
    });
    return { error, result: Number(out.view.getBigUint64(0, true)) };
  } finally {
    input.free();
    out.free();
  }
}
