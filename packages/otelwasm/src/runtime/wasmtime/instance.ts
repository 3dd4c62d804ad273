import type { CompiledModule, ExportType, FunctionInstance, ImportType, Memory, ModuleInstance } from "../contract.ts";
import { WasmError } from "../errors.ts";
import { type Address, NativeBlock, NULL } from "../native/ffi.ts";
import { WasmtimeFunction } from "./calls.ts";
import type { WasmtimeLibrary } from "./library.ts";
import { linearMemory, sharedMemory } from "./memory.ts";
import type { WasmtimeStore } from "./store.ts";

/** What threads of one process share: the engine and the code have counted owners. */
export interface WasmtimeSharedModule {
  readonly engine: Address;
  readonly module: Address;
  readonly imports: readonly ImportType[];
  readonly exports: readonly ExportType[];
  /** The name that the start function is exported under, if the adapter has to call it. */
  readonly startExport: string | undefined;
}

/** Owns one count of the engine, and one of the module. */
export class WasmtimeCompiledModule implements CompiledModule {
  readonly imports: readonly ImportType[];
  readonly exports: readonly ExportType[];
  readonly startExport: string | undefined;
  readonly #library: WasmtimeLibrary;
  readonly #engine: Address;
  #module: Address;

  constructor(library: WasmtimeLibrary, { engine, module, imports, exports, startExport }: WasmtimeSharedModule) {
    this.#library = library;
    this.#engine = engine;
    this.#module = module;
    this.imports = imports;
    this.exports = exports;
    this.startExport = startExport;
  }

  get engine(): Address {
    return this.#engine;
  }

  /** @throws WasmError `closed` */
  get module(): Address {
    if (this.#module === NULL) throw new WasmError("closed", "the compiled module");
    return this.#module;
  }

  /** Good as long as this module is not closed. */
  share(): WasmtimeSharedModule {
    const { engine, module, imports, exports, startExport } = this;
    return { engine, module, imports, exports, startExport };
  }

  async close(): Promise<void> {
    if (this.#module === NULL) return;
    this.#library.call.wasmtime_module_delete(this.#module);
    this.#library.call.wasm_engine_delete(this.#engine);
    this.#module = NULL;
  }
}

/** `wasmtime_extern_kind_t` */
const Kind = { function: 0, memory: 3, sharedMemory: 4 } as const;
/** `sizeof(wasmtime_extern_t)`, and where its union begins. */
export const EXTERN = { size: 32, union: 8 } as const;

export class WasmtimeInstance implements ModuleInstance {
  readonly memory: Memory | undefined;
  readonly #store: WasmtimeStore;
  readonly #instance: Address;
  readonly #types: ReadonlyMap<string, ExportType>;
  readonly #functions = new Map<string, FunctionInstance>();

  /** @param instance the address of a `wasmtime_instance_t`, good as long as the store */
  constructor(store: WasmtimeStore, instance: Address, exports: readonly ExportType[], hidden: string | undefined) {
    this.#store = store;
    this.#instance = instance;
    this.#types = new Map(exports.filter(({ name }) => name !== hidden).map((item) => [item.name, item]));
    this.memory = this.#types.get("memory")?.kind === "memory" ? this.#attachMemory() : undefined;
  }

  function(name: string): FunctionInstance | undefined {
    let found = this.#functions.get(name);
    const item = this.#types.get(name);
    if (found === undefined && item?.kind === "function") {
      found = functionOf(this.#store, this.#instance, name, item.type);
      this.#functions.set(name, found);
    }
    return found;
  }

  async close(): Promise<void> {
    this.#store.close();
  }

  #attachMemory(): Memory {
    const store = this.#store;
    const { memory, library, context } = store;
    const { view, address } = exported(store, this.#instance, "memory");
    const union = address + EXTERN.union;
    if (view.getUint8(0) === Kind.sharedMemory) {
      store.keepExtern(address);
      memory.attach(sharedMemory(library, Number(view.getBigUint64(EXTERN.union, true))));
    } else {
      memory.attach(linearMemory(library, context, union));
    }
    return memory;
  }
}

/** @throws WasmError `closed` */
export function functionOf(
  store: WasmtimeStore,
  instance: Address,
  name: string,
  type: WasmtimeFunction["type"],
): WasmtimeFunction {
  if (store.state.closed) throw new WasmError("closed");
  const { bytes } = exported(store, instance, name);
  return new WasmtimeFunction(name, type, bytes.subarray(EXTERN.union, EXTERN.union + 16), store);
}

/** The `wasmtime_extern_t` of an export that is there, as the module's bytes say. */
function exported(store: WasmtimeStore, instance: Address, name: string): NativeBlock {
  const text = store.keep(NativeBlock.of(new TextEncoder().encode(name)));
  const block = store.keep(new NativeBlock(EXTERN.size));
  const found = store.library.call.wasmtime_instance_export_get(
    store.context,
    instance,
    text.address,
    text.bytes.length,
    block.address,
  );
  if (Number(found) === 0) throw new WasmError("trap", `the engine does not know the export ${name}`);
  return block;
}
