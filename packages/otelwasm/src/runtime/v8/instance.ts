import type { CompiledModule, ExportType, ImportType, Memory, ModuleInstance } from "../contract.ts";
import { WasmError } from "../errors.ts";
import { type ExportedFunction, exportedFunction } from "./calls.ts";
import type { V8Memory } from "./memory.ts";
import type { JsFunction, JsInstance, JsModule } from "./webassembly.ts";

/** What threads share: the engine clones a `WebAssembly.Module` by sharing its code. */
export interface V8SharedModule {
  readonly module: JsModule;
  readonly imports: readonly ImportType[];
  readonly exports: readonly ExportType[];
  /** The name that the start function is exported under, if the adapter has to call it. */
  readonly startExport: string | undefined;
}

export class V8CompiledModule implements CompiledModule {
  readonly imports: readonly ImportType[];
  readonly exports: readonly ExportType[];
  readonly startExport: string | undefined;
  #module: JsModule | undefined;

  constructor({ module, imports, exports, startExport }: V8SharedModule) {
    this.#module = module;
    this.imports = imports;
    this.exports = exports;
    this.startExport = startExport;
  }

  share(): V8SharedModule {
    const { module, imports, exports, startExport } = this;
    return { module, imports, exports, startExport };
  }

  /** @throws WasmError `closed` */
  get module(): JsModule {
    if (this.#module === undefined) throw new WasmError("closed", "the compiled module");
    return this.#module;
  }

  async close(): Promise<void> {
    this.#module = undefined;
  }
}

export class V8Instance implements ModuleInstance {
  readonly memory: Memory | undefined;
  readonly #memory: V8Memory;
  readonly #functions: ReadonlyMap<string, ExportedFunction>;

  /** @param memory what the host functions were given; attached here if the module exports one */
  constructor(instance: JsInstance, exports: readonly ExportType[], memory: V8Memory) {
    this.#memory = memory;
    const functions = new Map<string, ExportedFunction>();
    for (const item of exports) {
      if (item.kind !== "function") continue;
      functions.set(item.name, exportedFunction(item.type, instance.exports[item.name] as JsFunction));
    }
    this.#functions = functions;
    this.memory = exports.some((item) => item.kind === "memory" && item.name === "memory") ? memory : undefined;
  }

  function(name: string): ExportedFunction | undefined {
    return this.#functions.get(name);
  }

  async close(): Promise<void> {
    for (const exported of this.#functions.values()) exported.close();
    this.#memory.close();
  }
}
