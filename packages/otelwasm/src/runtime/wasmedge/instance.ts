import type {
  CompiledModule,
  ExportType,
  FunctionInstance,
  ImportType,
  Memory,
  MemoryType,
  ModuleInstance,
} from "../contract.ts";
import { WasmError } from "../errors.ts";
import { type Address, NULL } from "../native/ffi.ts";
import { WasmEdgeFunction } from "./calls.ts";
import type { WasmEdgeLibrary } from "./library.ts";
import { linearMemory } from "./memory.ts";
import type { WasmEdgeStore } from "./store.ts";

/** What threads of one process share: to instantiate a module only reads it. */
export interface WasmEdgeSharedModule {
  /** A `WasmEdge_ASTModuleContext *` */
  readonly module: Address;
  readonly imports: readonly ImportType[];
  readonly exports: readonly ExportType[];
  /** With the limit that it was compiled with. */
  readonly memories: readonly MemoryType[];
  /** The name that the start function is exported under, if the adapter has to call it. */
  readonly startExport: string | undefined;
  /** The name of the function that `limitCallDepth` added. */
  readonly counter: string | undefined;
}

const PAGE = 65536;
const MAX_PAGES = 65536;

export class WasmEdgeCompiledModule implements CompiledModule {
  readonly imports: readonly ImportType[];
  readonly exports: readonly ExportType[];
  readonly startExport: string | undefined;
  readonly counter: string | undefined;
  readonly #memories: readonly MemoryType[];
  readonly #library: WasmEdgeLibrary;
  readonly #owned: boolean;
  readonly #closed: (module: WasmEdgeCompiledModule) => void;
  #module: Address;

  /**
   * @param owned whether it goes when this is closed; else it is another's, which is closed later
   * @param closed told when it is
   */
  constructor(
    library: WasmEdgeLibrary,
    shared: WasmEdgeSharedModule,
    owned: boolean,
    closed: (module: WasmEdgeCompiledModule) => void,
  ) {
    this.#library = library;
    this.#owned = owned;
    this.#closed = closed;
    this.#module = shared.module;
    this.imports = shared.imports;
    this.exports = shared.exports;
    this.#memories = shared.memories;
    this.startExport = shared.startExport;
    this.counter = shared.counter;
  }

  /** @throws WasmError `closed` */
  get module(): Address {
    if (this.#module === NULL) throw new WasmError("closed", "the compiled module");
    return this.#module;
  }

  /** What the memories of an instance can grow to, together, in bytes. */
  get maximumBytes(): number {
    return this.#memories.reduce((sum, { maximum = MAX_PAGES }) => sum + maximum * PAGE, 0);
  }

  /** Good as long as this module is not closed. */
  share(): WasmEdgeSharedModule {
    const { module, imports, exports, startExport, counter } = this;
    return { module, imports, exports, memories: this.#memories, startExport, counter };
  }

  async close(): Promise<void> {
    if (this.#owned && this.#module !== NULL) this.#library.call.WasmEdge_ASTModuleDelete(this.#module);
    this.#module = NULL;
    this.#closed(this);
  }
}

export class WasmEdgeInstance implements ModuleInstance {
  readonly memory: Memory | undefined;
  readonly #store: WasmEdgeStore;
  readonly #instance: Address;
  readonly #types: ReadonlyMap<string, ExportType>;
  readonly #functions = new Map<string, FunctionInstance>();

  /** @param instance a `WasmEdge_ModuleInstanceContext *`, good as long as the store */
  constructor(store: WasmEdgeStore, instance: Address, exports: readonly ExportType[], hidden: string | undefined) {
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
    const { library, memory } = this.#store;
    const found = library.withText("memory", (name) =>
      library.call.WasmEdge_ModuleInstanceFindMemory(this.#instance, name),
    );
    memory.attach(linearMemory(library, found));
    return memory;
  }
}

/** @throws WasmError `closed` */
export function functionOf(
  store: WasmEdgeStore,
  instance: Address,
  name: string,
  type: WasmEdgeFunction["type"],
): WasmEdgeFunction {
  if (store.state.closed) throw new WasmError("closed");
  return new WasmEdgeFunction(name, type, findFunction(store, instance, name), store);
}

/** @returns a `WasmEdge_FunctionInstanceContext *`, good as long as the store */
export function findFunction({ library }: WasmEdgeStore, instance: Address, name: string): Address {
  return library.withText(name, (text) => library.call.WasmEdge_ModuleInstanceFindFunction(instance, text));
}
