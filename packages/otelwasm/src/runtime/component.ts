/**
 * The part of an engine's contract that is about components: https://component-model.bytecodealliance.org/. An engine that runs them has it as `Runtime.components`.
 * Values of interface types are JavaScript's, as the component model's mapping for JavaScript has them; functions and interfaces go by their names in WIT.
 */
import type { CompileOptions, InstantiateOptions } from "./contract.ts";

/**
 * How an engine runs components. `none`: not at all; `transpiled`: a transpiler makes core modules and JavaScript of one, and the engine runs those; `native`: the engine
 * itself takes it.
 */
export type ComponentSupport = "none" | "transpiled" | "native";

/** A case of a variant. */
export interface ComponentVariant {
  readonly tag: string;
  readonly val?: ComponentValue;
}

/** `flags`: the names of those that are set, in camel case, with `true`; others with `false`, or not at all. */
export type ComponentFlags = Readonly<Record<string, boolean>>;

/**
 * A value that crosses into or out of a component: `bool`, integers of up to 32 bits (`u32` only where they go in), `string` and `enum` (its case), `list<u8>` as bytes, any other `list`, `option` (undefined
 * is `none`), `variant`, `flags`. Records, tuples, resources and 64-bit integers are not among them, as the world of a plugin has none.
 */
export type ComponentValue =
  | undefined
  | boolean
  | number
  | string
  | Uint8Array
  | readonly ComponentValue[]
  | ComponentVariant
  | ComponentFlags;

export type ComponentFunction = (...params: ComponentValue[]) => ComponentValue;

/** By interface (`otelwasm:plugin/host@0.1.0`), then by function. To trap, a function throws: a WasmError, or anything, which then comes out of the call into the guest unchanged. */
export type ComponentHost = Readonly<Record<string, Readonly<Record<string, ComponentFunction>>>>;

export interface ComponentRuntime {
  /** @throws WasmError `invalid_module`, `unsupported`; `memory_limit` if it is known already that the memory cannot be had */
  compile(binary: Uint8Array, options?: CompileOptions): Promise<CompiledComponent>;
  /** As `Runtime.adopt`. */
  adopt(shared: unknown): CompiledComponent;
  /**
   * @param host must offer every interface that the component imports; else a `link` error lists what is missing
   * @throws WasmError `link`, `memory_limit`, or the trap of a start function
   */
  instantiate(
    component: CompiledComponent,
    host: ComponentHost,
    options?: InstantiateOptions,
  ): Promise<ComponentInstance>;
}

/** Compiled once, instantiated as often as wanted. */
export interface CompiledComponent {
  /** Names of the interfaces and functions at its root. */
  readonly imports: readonly string[];
  readonly exports: readonly string[];
  /** What `ComponentRuntime.adopt` takes in another thread. */
  share(): unknown;
  close(): Promise<void>;
}

export interface ComponentInstance {
  /**
   * A function of an exported interface; `undefined` if there is none. It is called by one caller at a time. A function whose type is a `result` gives the value of `ok`.
   *
   * It throws ComponentFailure for the `error` of a `result`; WasmError for a trap, after which nothing but `close` may follow; what a host function threw comes back as it was
   * thrown.
   */
  function(interfaceName: string, name: string): ComponentFunction | undefined;
  /** Releases everything, what the engine keeps beside the instance included. */
  close(): Promise<void>;
}

/** A function of a component gave the `error` of its `result`: it is not a trap, and the instance is as good as before. */
export class ComponentFailure extends Error {
  override readonly name: string = "ComponentFailure";
  readonly payload: ComponentValue;

  constructor(payload: ComponentValue) {
    super("the function gave the error of its result");
    this.payload = payload;
  }
}
