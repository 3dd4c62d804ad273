import type { CompiledComponent, ComponentHost, ComponentInstance, ComponentRuntime } from "../component.ts";
import { componentNames, expectOffered } from "../component-link.ts";
import type { CompileOptions, InstantiateOptions } from "../contract.ts";
import { WasmError } from "../errors.ts";
import { limitModule } from "../prepare.ts";
import { V8ComponentInstance } from "./component-instance.ts";
import { fromCompile } from "./errors.ts";
import { transpile } from "./transpiler.ts";
import { type JsModule, WebAssembly } from "./webassembly.ts";

/** One of the core modules that a component is made of. */
interface CoreModule {
  readonly name: string;
  readonly module: JsModule;
  /** Linear memories that each instance of it makes. */
  readonly memories: number;
}

/** What threads share: V8 clones a module by sharing its code. */
interface SharedComponent {
  readonly imports: readonly string[];
  readonly exports: readonly string[];
  /** What links the modules, as the source of an ECMAScript module. */
  readonly source: string;
  readonly modules: readonly CoreModule[];
}

class V8CompiledComponent implements CompiledComponent {
  readonly imports: readonly string[];
  readonly exports: readonly string[];
  #shared: SharedComponent | undefined;

  constructor(shared: SharedComponent) {
    this.imports = shared.imports;
    this.exports = shared.exports;
    this.#shared = shared;
  }

  /** @throws WasmError `closed` */
  share(): SharedComponent {
    if (this.#shared === undefined) throw new WasmError("closed", "the compiled component");
    return this.#shared;
  }

  async close(): Promise<void> {
    this.#shared = undefined;
  }
}

/** Components by way of a transpiler. */
export class V8Components implements ComponentRuntime {
  async compile(binary: Uint8Array, options: CompileOptions = {}): Promise<CompiledComponent> {
    const names = componentNames(binary);
    expectPlain([...names.imports, ...names.exports]);
    const { source, modules } = await transpile(binary);
    const compiled = modules.map(([name, module]) => compileCore(name, module, options));
    return new V8CompiledComponent({ ...names, source, modules: await Promise.all(compiled) });
  }

  adopt(shared: unknown): CompiledComponent {
    return new V8CompiledComponent(shared as SharedComponent);
  }

  async instantiate(
    component: CompiledComponent,
    host: ComponentHost,
    options: InstantiateOptions = {},
  ): Promise<ComponentInstance> {
    if (!(component instanceof V8CompiledComponent))
      throw new WasmError("unsupported", "another runtime compiled the component");
    if (options.interrupt !== undefined)
      throw new WasmError("unsupported", "v8 cannot be interrupted by another thread");
    if (options.callTimeout !== undefined) throw new WasmError("unsupported", "v8 has no deadline for calls");
    const { source, modules } = component.share();
    expectOffered(component.imports, host);
    return V8ComponentInstance.create(source, modules, host);
  }
}

async function compileCore(name: string, original: Uint8Array, options: CompileOptions): Promise<CoreModule> {
  const { binary, info } = limitModule("v8", original, options);
  expectPlain(info.imports.flatMap((item) => [item.module, item.name]));
  expectPlain(info.exports.map((item) => item.name));
  const memories = info.memories.length - info.imports.filter(({ kind }) => kind === "memory").length;
  try {
    return { name, module: await WebAssembly.compile(binary), memories };
  } catch (error) {
    throw fromCompile(error);
  }
}

/** What toolchains use in names, and JavaScript's strings and comments do not end with. */
const PLAIN = /^[\w$.:#@/|<>=[\] -]*$/;

/**
 * Names of a component stand in the JavaScript that is made of it, which runs beside the host and not in the sandbox. The transpiler must not be what the sandbox depends on: some of its
 * versions take a quote over as it stands.
 *
 * @throws WasmError `unsupported`
 */
function expectPlain(names: readonly string[]): void {
  const odd = names.find((name) => !PLAIN.test(name));
  if (odd !== undefined)
    throw new WasmError(
      "unsupported",
      `the component has the name ${JSON.stringify(odd)} in it, whose characters v8's transpiler cannot be trusted with`,
    );
}
