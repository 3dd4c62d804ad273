import type { CompiledComponent, ComponentRuntime } from "../component.ts";
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
import { type Address, NativeBlock, NULL } from "../native/ffi.ts";
import { ModuleCache } from "../native/module-cache.ts";
import { prepareModule } from "../prepare.ts";
import { compile, createEngine } from "./compile.ts";
import { WasmtimeComponents } from "./components.ts";
import { EXTERN, functionOf, WasmtimeCompiledModule, WasmtimeInstance, type WasmtimeSharedModule } from "./instance.ts";
import { WASMTIME, type WasmtimeLibrary, wasmtimeLibrary } from "./library.ts";
import { capabilitiesFor, type WasmtimeOptions } from "./options.ts";
import { WasmtimeStore } from "./store.ts";

export class WasmtimeRuntime implements Runtime {
  readonly type = "wasmtime";
  readonly capabilities: RuntimeCapabilities;
  readonly components: ComponentRuntime;
  readonly #options: WasmtimeOptions;
  readonly #library: WasmtimeLibrary;
  readonly #cache: ModuleCache | undefined;
  readonly #compiled = new Set<CompiledModule | CompiledComponent>();
  /** Made when it is first needed: a runtime that only adopts has none of its own. */
  #engine: Address = NULL;
  #closed = false;

  /** @throws WasmError `unsupported` without a library, or without a folder for its cache */
  constructor(options: WasmtimeOptions) {
    this.#options = options;
    this.capabilities = capabilitiesFor(options);
    this.#library = wasmtimeLibrary(options.library);
    const { cache_dir, library: _, ...rest } = options;
    if (cache_dir !== undefined) this.#cache = new ModuleCache(cache_dir, { ...WASMTIME, options: rest });
    this.components = new WasmtimeComponents({
      library: this.#library,
      fuel: options.fuel,
      cache: this.#cache,
      engine: () => this.#ownEngine(),
      keep: (compiled) => this.#keep(compiled),
    });
  }

  async compile(original: Uint8Array, options: CompileOptions = {}): Promise<CompiledModule> {
    this.#expectOpen();
    const { binary, info, startExport } = prepareModule("wasmtime", original, options);
    const engine = this.#ownEngine();
    const module = await compile(this.#library, engine, binary, this.#cache);
    const { imports, exports } = info;
    const shared = { engine: this.#library.call.wasmtime_engine_clone(engine), module, imports, exports, startExport };
    return this.#keep(new WasmtimeCompiledModule(this.#library, shared));
  }

  adopt(shared: unknown): CompiledModule {
    this.#expectOpen();
    const { engine, module, ...rest } = shared as WasmtimeSharedModule;
    const { call } = this.#library;
    const owned = { ...rest, engine: call.wasmtime_engine_clone(engine), module: call.wasmtime_module_clone(module) };
    return this.#keep(new WasmtimeCompiledModule(this.#library, owned));
  }

  async instantiateWithHost(
    module: CompiledModule,
    hostModule: HostModule,
    options: InstantiateOptions = {},
  ): Promise<{ instance: ModuleInstance; context: Context }> {
    if (!(module instanceof WasmtimeCompiledModule))
      throw new WasmError("unsupported", "another runtime compiled the module");
    this.#expectOpen();
    const code = module.module;
    const hosts = resolveImports(module.imports, hostModule);
    const store = new WasmtimeStore(this.#library, module.engine, {
      fuel: this.#options.fuel,
      interrupt: options.interrupt,
      callTimeout: options.callTimeout,
    });
    try {
      const imports = store.keep(new NativeBlock(EXTERN.size * hosts.length));
      const { library, callbacks, context, state } = store;
      library.forEachImportedType(code, (type, index) => {
        const number = callbacks.hosts.add(hosts[index]!, state);
        store.keepHost(number);
        const func = imports.address + EXTERN.size * index + EXTERN.union;
        library.call.wasmtime_func_new_unchecked(context, type, callbacks.host, number, NULL, func);
      });
      const instance = store.keep(new NativeBlock(16));
      instantiate(store, code, imports, hosts.length, instance);
      const made = new WasmtimeInstance(store, instance.address, module.exports, module.startExport);
      if (module.startExport !== undefined)
        functionOf(store, instance.address, module.startExport, { params: [], results: [] }).call();
      return { instance: made, context: { close: async () => store.close() } };
    } catch (error) {
      store.close();
      throw error;
    }
  }

  interrupt(cells: Int32Array): void {
    Atomics.store(cells, 0, 1);
    if (this.#engine !== NULL) this.#library.call.wasmtime_engine_increment_epoch(this.#engine);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#compiled].map((module) => module.close()));
    this.#compiled.clear();
    if (this.#engine !== NULL) this.#library.call.wasm_engine_delete(this.#engine);
  }

  #expectOpen(): void {
    if (this.#closed) throw new WasmError("closed", "the runtime");
  }

  #keep<T extends CompiledModule | CompiledComponent>(compiled: T): T {
    this.#expectOpen();
    this.#compiled.add(compiled);
    return compiled;
  }

  #ownEngine(): Address {
    this.#expectOpen();
    if (this.#engine === NULL) this.#engine = createEngine(this.#library, this.#options);
    return this.#engine;
  }
}

function instantiate(
  store: WasmtimeStore,
  code: Address,
  imports: NativeBlock,
  count: number,
  instance: NativeBlock,
): void {
  const trap = store.keep(new NativeBlock(8));
  store.enter();
  const error = store.library.call.wasmtime_instance_new(
    store.context,
    code,
    imports.address,
    count,
    instance.address,
    trap.address,
  );
  store.leave();
  const trapped = Number(trap.view.getBigUint64(0, true));
  if (error !== NULL || trapped !== NULL) throw store.failure(error, trapped);
}
