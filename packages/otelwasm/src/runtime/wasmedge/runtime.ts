import type {
  CompiledModule,
  CompileOptions,
  Context,
  HostModule,
  InstantiateOptions,
  ModuleInstance,
  Runtime,
  RuntimeCapabilities,
} from "../contract.ts";
import { WasmError } from "../errors.ts";
import { resolveImports } from "../link.ts";
import { type Address, NULL } from "../native/ffi.ts";
import { prepareModule } from "../prepare.ts";
import { compileModule, createConfiguration } from "./compiler.ts";
import {
  findFunction,
  functionOf,
  WasmEdgeCompiledModule,
  WasmEdgeInstance,
  type WasmEdgeSharedModule,
} from "./instance.ts";
import { type WasmEdgeLibrary, wasmedgeLibrary } from "./library.ts";
import { allowGuest } from "./limits.ts";
import { capabilitiesFor, type WasmEdgeOptions } from "./options.ts";
import { WasmEdgeStore } from "./store.ts";

/** To be used in a process that may come to its end: one that a launcher of the factory started, if it has one. */
export class WasmEdgeRuntime implements Runtime {
  readonly type = "wasmedge";
  readonly capabilities: RuntimeCapabilities;
  readonly #options: WasmEdgeOptions;
  readonly #library: WasmEdgeLibrary;
  readonly #compiled = new Set<WasmEdgeCompiledModule>();
  #configuration: Address;
  /** One for all instances. */
  readonly #executor: Address;

  /** @throws WasmError `unsupported` without a library, or in a process that cannot have it */
  constructor(options: WasmEdgeOptions) {
    this.#options = options;
    this.capabilities = capabilitiesFor(options);
    this.#library = wasmedgeLibrary(options.library);
    this.#configuration = createConfiguration(this.#library, options);
    this.#executor = this.#library.call.WasmEdge_ExecutorCreate(this.#configuration, NULL);
  }

  async compile(original: Uint8Array, options: CompileOptions = {}): Promise<CompiledModule> {
    this.#expectOpen();
    const { binary, info, startExport } = prepareModule("wasmedge", original, options, true);
    const { imports, exports, memories } = info;
    const compiled = await compileModule(this.#library, this.#configuration, this.#options, original, binary);
    return this.#own({ ...compiled, imports, exports, memories, startExport }, true);
  }

  adopt(shared: unknown): CompiledModule {
    this.#expectOpen();
    return this.#own(shared as WasmEdgeSharedModule, false);
  }

  async instantiateWithHost(
    module: CompiledModule,
    hostModule: HostModule,
    options: InstantiateOptions = {},
  ): Promise<{ instance: ModuleInstance; context: Context }> {
    if (!(module instanceof WasmEdgeCompiledModule))
      throw new WasmError("unsupported", "another runtime compiled the module");
    this.#expectOpen();
    if (options.callTimeout !== undefined) throw new WasmError("unsupported", "wasmedge has no deadline for calls");
    if (options.interrupt !== undefined)
      throw new WasmError("unsupported", "wasmedge cannot be interrupted by another thread");
    const code = module.module;
    const hosts = resolveImports(module.imports, hostModule);
    allowGuest(module.maximumBytes);
    const store = new WasmEdgeStore(this.#library, this.#executor, this.capabilities.nestedCalls);
    try {
      store.offer(hosts);
      const made = store.instantiate(code);
      if (module.counter !== undefined) store.countDepthBy(findFunction(store, made, module.counter));
      const instance = new WasmEdgeInstance(store, made, module.exports, module.startExport);
      if (module.startExport !== undefined)
        functionOf(store, made, module.startExport, { params: [], results: [] }).call();
      return { instance, context: { close: async () => store.close() } };
    } catch (error) {
      store.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#configuration === NULL) return;
    this.#library.call.WasmEdge_ExecutorDelete(this.#executor);
    this.#library.call.WasmEdge_ConfigureDelete(this.#configuration);
    this.#configuration = NULL;
    await Promise.all([...this.#compiled].map((module) => module.close()));
    this.#compiled.clear();
  }

  #expectOpen(): void {
    if (this.#configuration === NULL) throw new WasmError("closed", "the runtime");
  }

  #own(shared: WasmEdgeSharedModule, owned: boolean): CompiledModule {
    const compiled = new WasmEdgeCompiledModule(this.#library, shared, owned, (closed) =>
      this.#compiled.delete(closed),
    );
    this.#compiled.add(compiled);
    return compiled;
  }
}
