import { ComponentFailure, type ComponentFunction, type ComponentHost, type ComponentInstance } from "../component.ts";
import { camelCase } from "../component-link.ts";
import { trapOfWords } from "../component-traps.ts";
import { WasmError } from "../errors.ts";
import { fromInstantiate, fromTrap } from "./errors.ts";
import { type JsFunction, type JsInstance, type JsModule, WebAssembly } from "./webassembly.ts";

type JsImports = Record<string, Record<string, JsFunction>>;

interface CoreModule {
  readonly name: string;
  readonly module: JsModule;
  readonly memories: number;
}

/** What the transpiler's module exports: it links the core modules, and gives the exported interfaces by their names. */
type Instantiate = (
  getCoreModule: (name: string) => JsModule | undefined,
  imports: Readonly<Record<string, object>>,
  instantiateCore: (module: JsModule, imports?: JsImports) => Promise<JsInstance>,
) => Promise<unknown>;

/** Adds no limit to the memories, but to their number. */
const MAX_MEMORIES = 1;

export class V8ComponentInstance implements ComponentInstance {
  readonly #host = new HostErrors();
  #exports: unknown;

  /** @throws WasmError, see `ComponentRuntime.instantiate` */
  static async create(
    source: string,
    modules: readonly CoreModule[],
    host: ComponentHost,
  ): Promise<V8ComponentInstance> {
    const instantiate = await load(source);
    const instance = new V8ComponentInstance();
    const missing: string[] = [];
    const imports = instance.#host.importsOf(host, missing);
    let memories = 0;
    const instantiateCore = async (module: JsModule, coreImports: JsImports = {}): Promise<JsInstance> => {
      if (missing.length > 0) throw new WasmError("link", `the host does not offer ${missing.join(", ")}`);
      memories += modules.find((core) => core.module === module)?.memories ?? 0;
      if (memories > MAX_MEMORIES)
        throw new WasmError(
          "unsupported",
          "the component makes several linear memories, which cannot be limited as one",
        );
      return WebAssembly.instantiate(module, coreImports);
    };
    try {
      instance.#exports = await instantiate(
        (name) => modules.find((core) => core.name === name)?.module,
        imports,
        instantiateCore,
      );
    } catch (error) {
      throw instance.#host.takeOr(error, fromGlue(error, fromInstantiate));
    }
    return instance;
  }

  function(interfaceName: string, name: string): ComponentFunction | undefined {
    const found = member(member(this.#exports, interfaceName), camelCase(name));
    if (!isFunction(found)) return undefined;
    return (...params) => {
      if (this.#exports === undefined) throw new WasmError("closed");
      try {
        return found(...params);
      } catch (error) {
        throw this.#host.takeOr(error, fromGlue(error, fromTrap));
      }
    };
  }

  async close(): Promise<void> {
    this.#exports = undefined;
  }
}

/** What the host's functions throw passes through guest code and the transpiler's, and is known again when it comes out. */
class HostErrors {
  #thrown: { readonly error: unknown } | undefined;

  /** @param missing gets the names of what is asked for and not there */
  importsOf(host: ComponentHost, missing: string[]): Record<string, object> {
    const entries = Object.entries(host).map(([interfaceName, functions]) => {
      const known = new Map(
        Object.entries(functions).map(([name, implementation]) => [camelCase(name), this.#catching(implementation)]),
      );
      const offered = new Proxy(
        {},
        {
          get: (_, name) => {
            const found = known.get(String(name));
            if (found === undefined) missing.push(`${interfaceName} ${String(name)}`);
            return found ?? (() => undefined);
          },
        },
      );
      // The transpiler's imports go without a version.
      return [interfaceName.replace(/@.*$/, ""), offered] as const;
    });
    return Object.fromEntries(entries);
  }

  /** @returns `error` if a host function threw it, else the other */
  takeOr(error: unknown, other: unknown): unknown {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    return thrown !== undefined && thrown.error === error ? error : other;
  }

  #catching(implementation: ComponentFunction): ComponentFunction {
    return (...params) => {
      try {
        return implementation(...params);
      } catch (error) {
        this.#thrown = { error };
        throw error;
      }
    };
  }
}

/** Once for each source in a thread: modules stay where they are loaded. */
async function load(source: string): Promise<Instantiate> {
  // Stacks have the name in place of all of it.
  const named = `${source}\n//# sourceURL=component.js\n`;
  const glue: unknown = await import(`data:text/javascript;base64,${Buffer.from(named).toString("base64")}`);
  const instantiate = member(glue, "instantiate");
  if (!isInstantiate(instantiate))
    throw new WasmError(
      "unsupported",
      "the transpiler's JavaScript has no function `instantiate`: another version of it",
    );
  return instantiate;
}

/** The transpiler's JavaScript throws the `error` of a result as it is, and Errors for all that the canonical ABI traps for. */
function fromGlue(error: unknown, fromEngine: (error: unknown) => unknown): unknown {
  if (error instanceof WebAssembly.RuntimeError) return trapOfWords(error.message, error) ?? fromEngine(error);
  const known = fromEngine(error);
  if (known instanceof WasmError) return known;
  if (error instanceof Error) return new WasmError("trap", error.message, { cause: error });
  return new ComponentFailure(error as ComponentFailure["payload"]);
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function isFunction(value: unknown): value is ComponentFunction {
  return typeof value === "function";
}

function isInstantiate(value: unknown): value is Instantiate {
  return typeof value === "function";
}
