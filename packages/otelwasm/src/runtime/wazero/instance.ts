import type { CompiledModule, ExportType, FunctionInstance, ImportType, Memory, ModuleInstance } from "../contract.ts";
import { WasmError } from "../errors.ts";
import { WazeroFunction } from "./calls.ts";
import type { WazeroHandle } from "./handle.ts";
import type { WazeroLibrary } from "./library.ts";

/** What threads of one process share. */
export interface WazeroSharedModule {
  /** The library's number of it. */
  readonly module: number;
  readonly imports: readonly ImportType[];
  readonly exports: readonly ExportType[];
  /** The name that the start function is exported under, if the adapter has to call it. */
  readonly startExport: string | undefined;
}

export class WazeroCompiledModule implements CompiledModule {
  readonly imports: readonly ImportType[];
  readonly exports: readonly ExportType[];
  readonly startExport: string | undefined;
  readonly #library: WazeroLibrary;
  readonly #client: number;
  readonly #module: number;
  #closed = false;

  /** @param client owns the module */
  constructor(library: WazeroLibrary, client: number, { module, imports, exports, startExport }: WazeroSharedModule) {
    this.#library = library;
    this.#client = client;
    this.#module = module;
    this.imports = imports;
    this.exports = exports;
    this.startExport = startExport;
  }

  /** @throws WasmError `closed` */
  get module(): number {
    if (this.#closed) throw new WasmError("closed", "the compiled module");
    return this.#module;
  }

  /** Good as long as this module is not closed. */
  share(): WazeroSharedModule {
    const { module, imports, exports, startExport } = this;
    return { module, imports, exports, startExport };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#library.call.otelwasm_release(this.#client, this.#module);
  }
}

export class WazeroInstance implements ModuleInstance {
  readonly memory: Memory | undefined;
  readonly #handle: WazeroHandle;
  readonly #types: ReadonlyMap<string, ExportType>;
  readonly #functions = new Map<string, FunctionInstance>();

  /** @param module of the handle's instance */
  constructor(handle: WazeroHandle, { exports, startExport }: WazeroCompiledModule) {
    this.#handle = handle;
    this.#types = new Map(exports.filter(({ name }) => name !== startExport).map((item) => [item.name, item]));
    this.memory = this.#types.get("memory")?.kind === "memory" ? handle.memory : undefined;
  }

  function(name: string): FunctionInstance | undefined {
    let found = this.#functions.get(name);
    const item = this.#types.get(name);
    if (found === undefined && item?.kind === "function") {
      if (this.#handle.state.closed) throw new WasmError("closed");
      found = new WazeroFunction(this.#handle, name, item.type);
      this.#functions.set(name, found);
    }
    return found;
  }

  async close(): Promise<void> {
    this.#handle.close();
  }
}
