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
import { NativeBlock } from "../native/ffi.ts";
import { ModuleCache } from "../native/module-cache.ts";
import { prepareModule } from "../prepare.ts";
import { compileCached } from "./cache.ts";
import { WazeroFunction } from "./calls.ts";
import { fromCompile } from "./errors.ts";
import { WazeroHandle } from "./handle.ts";
import { WazeroCompiledModule, WazeroInstance, type WazeroSharedModule } from "./instance.ts";
import { TextBlock, type WazeroLibrary, wazeroLibrary } from "./library.ts";
import { capabilitiesFor, type WazeroOptions } from "./options.ts";

/** Any thread may; the instance's number is not there before it is made. */
function interrupt({ call }: WazeroLibrary, cells: Int32Array): void {
  Atomics.store(cells, 0, 1);
  const number = Atomics.load(cells, 1);
  if (number !== 0) call.otelwasm_interrupt(number);
}

export class WazeroRuntime implements Runtime {
  readonly type = "wazero";
  readonly capabilities: RuntimeCapabilities;
  readonly #library: WazeroLibrary;
  /** The library's number of this runtime. */
  readonly #client: number;
  readonly #cache: ModuleCache | undefined;
  readonly interrupt?: (cells: Int32Array) => void;
  readonly #compiled = new Set<WazeroCompiledModule>();
  #closed = false;

  /** @throws WasmError `unsupported` without a library */
  constructor(options: WazeroOptions) {
    const { mode, interruptible, cache_dir } = options;
    this.capabilities = capabilitiesFor(options);
    const library = wazeroLibrary(options.library);
    const { version, target } = library;
    if (cache_dir !== undefined)
      this.#cache = new ModuleCache(cache_dir, { engine: "wazero", version, target, options: { interruptible } });
    if (interruptible) this.interrupt = (cells) => interrupt(library, cells);
    this.#client = library.call.otelwasm_open(mode === "interpreter" ? 1 : 0, interruptible ? 1 : 0);
    this.#library = library;
  }

  async compile(original: Uint8Array, options: CompileOptions = {}): Promise<CompiledModule> {
    this.#expectOpen();
    const { binary, info, startExport } = prepareModule("wazero", original, options, true);
    const bytes = NativeBlock.of(binary);
    try {
      const compile = (folder: string): Promise<number> => this.#compile(bytes, folder);
      const module = await (this.#cache === undefined ? compile("") : compileCached(this.#cache, binary, compile));
      const { imports, exports } = info;
      return this.#keep(
        new WazeroCompiledModule(this.#library, this.#client, { module, imports, exports, startExport }),
      );
    } finally {
      bytes.free();
    }
  }

  adopt(shared: unknown): CompiledModule {
    this.#expectOpen();
    const { module: theirs, ...rest } = shared as WazeroSharedModule;
    const module = this.#library.call.otelwasm_adopt(this.#client, theirs);
    if (module === 0) throw new WasmError("closed", "the compiled module");
    return this.#keep(new WazeroCompiledModule(this.#library, this.#client, { ...rest, module }));
  }

  async instantiateWithHost(
    module: CompiledModule,
    hostModule: HostModule,
    { callTimeout, interrupt }: InstantiateOptions = {},
  ): Promise<{ instance: ModuleInstance; context: Context }> {
    if (!(module instanceof WazeroCompiledModule))
      throw new WasmError("unsupported", "another runtime compiled the module");
    this.#expectOpen();
    if (callTimeout !== undefined && !this.capabilities.deadline)
      throw new WasmError("unsupported", "wazero has no deadline for calls that are not interruptible");
    const number = module.module;
    const hosts = resolveImports(module.imports, hostModule);
    const handle = new WazeroHandle(this.#library, this.#client, number, hosts, callTimeout ?? 0);
    try {
      if (interrupt !== undefined) {
        Atomics.store(interrupt, 1, handle.number);
        // Somebody may have been quicker, who did not know the number.
        if (Atomics.load(interrupt, 0) !== 0) this.#library.call.otelwasm_interrupt(handle.number);
      }
      handle.instantiate();
      const instance = new WazeroInstance(handle, module);
      if (instance.memory !== undefined) handle.showMemory();
      if (module.startExport !== undefined)
        new WazeroFunction(handle, module.startExport, { params: [], results: [] }).call();
      return { instance, context: { close: async () => handle.close() } };
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#compiled].map((module) => module.close()));
    this.#compiled.clear();
    this.#library.call.otelwasm_close(this.#client);
  }

  #expectOpen(): void {
    if (this.#closed) throw new WasmError("closed", "the runtime");
  }

  #keep(compiled: WazeroCompiledModule): WazeroCompiledModule {
    this.#compiled.add(compiled);
    return compiled;
  }

  /** On another thread, as it takes seconds for a large module. */
  async #compile(binary: NativeBlock, folder: string): Promise<number> {
    const path = NativeBlock.of(new TextEncoder().encode(folder));
    const told = new TextBlock();
    const { block } = told;
    try {
      const result = await new Promise<number>((resolve, reject) => {
        this.#library.call.otelwasm_compile.async(
          ...[this.#client, binary.address, binary.bytes.length, path.address, path.bytes.length],
          ...[block.address, block.bytes.length],
          (failed: unknown, number: number) => (failed ? reject(failed) : resolve(number)),
        );
      });
      if (result <= 0) throw fromCompile(-result, told.text);
      return result;
    } finally {
      path.free();
      block.free();
    }
  }
}
