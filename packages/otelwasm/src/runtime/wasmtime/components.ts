import type { CompiledComponent, ComponentHost, ComponentInstance, ComponentRuntime } from "../component.ts";
import { coreModules } from "../component-binary.ts";
import { componentNames, expectOffered } from "../component-link.ts";
import type { CompileOptions, InstantiateOptions } from "../contract.ts";
import { WasmError } from "../errors.ts";
import type { Address } from "../native/ffi.ts";
import type { ModuleCache } from "../native/module-cache.ts";
import { limitModule } from "../prepare.ts";
import { compile } from "./compile.ts";
import { WasmtimeComponentInstance } from "./component-instance.ts";
import { componentCalls } from "./component-library.ts";
import type { WasmtimeLibrary } from "./library.ts";
import { WasmtimeStore } from "./store.ts";

/** What components need of their runtime. */
export interface ComponentOwner {
  readonly library: WasmtimeLibrary;
  readonly fuel: number | undefined;
  readonly cache: ModuleCache | undefined;
  /** @throws WasmError `closed` */
  engine(): Address;
  /** Closed with the runtime. @throws WasmError `closed` */
  keep<T extends CompiledComponent>(compiled: T): T;
}

/** What threads of one process share: the engine and the code have counted owners. */
interface SharedComponent extends Pick<CompiledComponent, "imports" | "exports"> {
  readonly engine: Address;
  readonly component: Address;
  /** The engine keeps it for each instance. */
  readonly memoryLimit: number | undefined;
}

class WasmtimeCompiledComponent implements CompiledComponent {
  readonly imports: readonly string[];
  readonly exports: readonly string[];
  readonly #library: WasmtimeLibrary;
  #shared: SharedComponent | undefined;

  /** @param shared one count of the engine and one of the component, which are its own from now on */
  constructor(library: WasmtimeLibrary, shared: SharedComponent) {
    this.imports = shared.imports;
    this.exports = shared.exports;
    this.#library = library;
    this.#shared = shared;
  }

  /** Good as long as this component is not closed. @throws WasmError `closed` */
  share(): SharedComponent {
    if (this.#shared === undefined) throw new WasmError("closed", "the compiled component");
    return this.#shared;
  }

  async close(): Promise<void> {
    const shared = this.#shared;
    if (shared === undefined) return;
    this.#shared = undefined;
    componentCalls(this.#library).wasmtime_component_delete(shared.component);
    this.#library.call.wasm_engine_delete(shared.engine);
  }
}

/** Components as the engine itself runs them. */
export class WasmtimeComponents implements ComponentRuntime {
  readonly #owner: ComponentOwner;

  constructor(owner: ComponentOwner) {
    this.#owner = owner;
  }

  async compile(binary: Uint8Array, options: CompileOptions = {}): Promise<CompiledComponent> {
    const { library, cache } = this.#owner;
    const { memoryLimit } = options;
    const names = componentNames(binary);
    // What cannot be limited is refused as it is in a module; the limit itself is the engine's.
    for (const module of coreModules(binary)) limitModule("wasmtime", module, options);
    const engine = this.#owner.engine();
    const calls = componentCalls(library);
    const component = await compile(library, engine, binary, cache, {
      make: calls.wasmtime_component_new,
      serialize: calls.wasmtime_component_serialize,
      deserialize: calls.wasmtime_component_deserialize,
    });
    const owned = library.call.wasmtime_engine_clone(engine);
    return this.#owner.keep(
      new WasmtimeCompiledComponent(library, { ...names, component, engine: owned, memoryLimit }),
    );
  }

  adopt(shared: unknown): CompiledComponent {
    const { library } = this.#owner;
    const given = shared as SharedComponent;
    const engine = library.call.wasmtime_engine_clone(given.engine);
    const component = componentCalls(library).wasmtime_component_clone(given.component);
    return this.#owner.keep(new WasmtimeCompiledComponent(library, { ...given, engine, component }));
  }

  async instantiate(
    component: CompiledComponent,
    host: ComponentHost,
    options: InstantiateOptions = {},
  ): Promise<ComponentInstance> {
    if (!(component instanceof WasmtimeCompiledComponent))
      throw new WasmError("unsupported", "another runtime compiled the component");
    const { library, fuel } = this.#owner;
    const shared = component.share();
    expectOffered(component.imports, host);
    const { interrupt, callTimeout } = options;
    const store = new WasmtimeStore(library, shared.engine, { fuel, interrupt, callTimeout });
    if (shared.memoryLimit !== undefined) store.limitMemory(shared.memoryLimit);
    return new WasmtimeComponentInstance(store, shared.engine, shared.component, host);
  }
}
