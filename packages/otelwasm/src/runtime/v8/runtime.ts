import type { ComponentRuntime } from "../component.ts";
import type {
  CompiledModule,
  CompileOptions,
  Context,
  ExportType,
  HostModule,
  InstantiateOptions,
  ModuleInstance,
  Runtime,
  RuntimeCapabilities,
} from "../contract.ts";
import { WasmError } from "../errors.ts";
import { resolveImports } from "../link.ts";
import { prepareModule } from "../prepare.ts";
import { importedFunction } from "./calls.ts";
import { V8Components } from "./components.ts";
import { fromCompile, fromInstantiate, fromTrap } from "./errors.ts";
import { V8CompiledModule, V8Instance, type V8SharedModule } from "./instance.ts";
import { V8Memory } from "./memory.ts";
import { type JsFunction, type JsInstance, type JsMemory, WebAssembly } from "./webassembly.ts";

export const V8_CAPABILITIES: RuntimeCapabilities = {
  isolations: ["worker", "inline", "process"],
  deadline: false,
  interrupt: false,
  endsWithThread: true,
  memoryLimit: true,
  fuel: false,
  sharedCompile: true,
  diskCache: false,
  recursionTraps: true,
  nestedCalls: true,
  features: {
    threads: true,
    simd: true,
    bulkMemory: true,
    exceptions: true,
    gc: true,
    memory64: true,
    tailCalls: true,
  },
  components: "transpiled",
};

/** The engine inside Node.js: on the calling thread, with nothing to install. */
export class V8Runtime implements Runtime {
  readonly type = "v8";
  readonly capabilities: RuntimeCapabilities = V8_CAPABILITIES;
  readonly components: ComponentRuntime = new V8Components();
  readonly #compiled = new Set<V8CompiledModule>();
  #closed = false;

  async compile(binary: Uint8Array, options: CompileOptions = {}): Promise<CompiledModule> {
    if (this.#closed) throw new WasmError("closed", "the runtime");
    const { binary: prepared, info, startExport } = prepareModule("v8", binary, options);
    const bytes = unshared(prepared);
    try {
      const module = await WebAssembly.compile(bytes);
      return this.#keep(new V8CompiledModule({ module, imports: info.imports, exports: info.exports, startExport }));
    } catch (error) {
      throw fromCompile(error);
    }
  }

  adopt(shared: unknown): CompiledModule {
    if (this.#closed) throw new WasmError("closed", "the runtime");
    return this.#keep(new V8CompiledModule(shared as V8SharedModule));
  }

  async instantiateWithHost(
    module: CompiledModule,
    hostModule: HostModule,
    options: InstantiateOptions = {},
  ): Promise<{ instance: ModuleInstance; context: Context }> {
    if (!(module instanceof V8CompiledModule))
      throw new WasmError("unsupported", "another runtime compiled the module");
    if (options.interrupt !== undefined)
      throw new WasmError("unsupported", "v8 cannot be interrupted by another thread");
    if (options.callTimeout !== undefined) throw new WasmError("unsupported", "v8 has no deadline for calls");
    const compiled = module.module;
    const memory = new V8Memory();
    const instance = await instantiate(compiled, importsOf(module, hostModule, memory));
    const exported = module.exports.find(isMemory);
    if (exported !== undefined) memory.attach(instance.exports.memory as JsMemory, exported.type.shared);
    if (module.startExport !== undefined) runStart(instance.exports[module.startExport] as JsFunction);
    return { instance: new V8Instance(instance, module.exports, memory), context: NOTHING_ELSE };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#compiled].map((module) => module.close()));
    this.#compiled.clear();
  }

  #keep(compiled: V8CompiledModule): V8CompiledModule {
    this.#compiled.add(compiled);
    return compiled;
  }
}

/** V8 keeps nothing beside the instance; both go when nobody holds them. */
const NOTHING_ELSE: Context = { async close() {} };

function isMemory(item: ExportType): item is ExportType & { kind: "memory" } {
  return item.kind === "memory" && item.name === "memory";
}

function importsOf(
  module: V8CompiledModule,
  hostModule: HostModule,
  memory: V8Memory,
): Record<string, Record<string, JsFunction>> {
  // Without prototypes: modules may import any name.
  const imports: Record<string, Record<string, JsFunction>> = Object.create(null);
  for (const host of resolveImports(module.imports, hostModule)) {
    imports[host.moduleName] ??= Object.create(null);
    imports[host.moduleName]![host.functionName] = importedFunction(host, memory);
  }
  return imports;
}

async function instantiate(...[module, imports]: Parameters<typeof WebAssembly.instantiate>): Promise<JsInstance> {
  try {
    return await WebAssembly.instantiate(module, imports);
  } catch (error) {
    throw fromInstantiate(error);
  }
}

function runStart(start: JsFunction): void {
  try {
    start();
  } catch (error) {
    throw fromTrap(error);
  }
}

/** The JavaScript API takes no shared bytes. */
function unshared(binary: Uint8Array): Uint8Array {
  return binary.buffer instanceof SharedArrayBuffer ? new Uint8Array(binary) : binary;
}
