/**
 * The contract of a WebAssembly engine: `multi-runtime` design, in TypeScript's idiom. Imports no engine. An adapter only
 * translates between this and its engine; host functions and WASI are written once against it.
 *
 * Engines are driven from the thread that created them, synchronously: a call into a guest returns when the guest returns, and the host
 * functions that it calls run on the same stack. Only compilation and instantiation, which may take seconds, are asynchronous.
 */

import type { ComponentRuntime, ComponentSupport } from "./component.ts";

/** https://webassembly.github.io/spec/core/syntax/types.html#number-types */
export type ValueType = "i32" | "i64" | "f32" | "f64";

/** i32, f32 and f64 are numbers (i32 signed, as the JavaScript API gives them: read pointers with `>>> 0`), i64 are bigints. */
export type Value = number | bigint;

/** Of an import or export; reference and vector types appear by name but no host function can have them. */
export interface FunctionType {
  readonly params: readonly (ValueType | "v128" | "ref")[];
  readonly results: readonly (ValueType | "v128" | "ref")[];
}

/** In pages of 64 KiB. */
export interface MemoryType {
  readonly minimum: number;
  readonly maximum?: number;
  readonly shared: boolean;
  readonly index64: boolean;
}

export type ExternType =
  | { readonly kind: "function"; readonly type: FunctionType }
  | { readonly kind: "memory"; readonly type: MemoryType }
  | { readonly kind: "table" | "global" | "tag" };

export type ImportType = ExternType & { readonly module: string; readonly name: string };
export type ExportType = ExternType & { readonly name: string };

/** One engine with one configuration. */
export interface Runtime {
  /** `v8`, `wasmtime`, ...: the name that it was registered under. */
  readonly type: string;
  readonly capabilities: RuntimeCapabilities;
  /** @throws WasmError `invalid_module`, `unsupported`; `memory_limit` if the module declares more memory than it may have */
  compile(binary: Uint8Array, options?: CompileOptions): Promise<CompiledModule>;
  /**
   * A module that a runtime with the same configuration compiled in another thread of the process: what its `share` gave, as it arrived here. Absent
   * if the engine cannot; each thread then compiles for itself.
   */
  adopt?(shared: unknown): CompiledModule;
  /**
   * Makes an instance that has the host module's functions, and runs the module's start function if it has one (not
   * `_initialize`: that is the caller's). Imports that the host module does not offer are a `link` error that lists all of them.
   *
   * @returns the instance, and what the engine keeps beside it; both must be closed, the instance first.
   * @throws WasmError `link`, `memory_limit` (the memory cannot be had now), or a trap of the start function
   */
  instantiateWithHost(
    module: CompiledModule,
    hostModule: HostModule,
    options?: InstantiateOptions,
  ): Promise<{ instance: ModuleInstance; context: Context }>;
  /** Closes what was compiled, too. Instances must be closed before. */
  /**
   * Ends the call that an instance of the same engine runs on another thread of this process, within milliseconds: it throws `deadline` there. The instance is
   * of no use afterwards. Present if `capabilities.interrupt` says so.
   *
   * @param cells what the instance got as `InstantiateOptions.interrupt`
   */
  interrupt?(cells: Int32Array): void;
  /** Present if `capabilities.components` says more than `none`. */
  readonly components?: ComponentRuntime;
  close(): Promise<void>;
}

/** Known before instantiation, because an engine without a limit of its own gets it written into the module. */
export interface CompileOptions {
  /** Bytes that the linear memory of each instance may grow to; growth beyond fails in the guest. Needs `capabilities.memoryLimit`. */
  readonly memoryLimit?: number;
}

export interface InstantiateOptions {
  /** Milliseconds that each call into the guest may take. Needs `capabilities.deadline`. */
  readonly callTimeout?: number;
  /**
   * For another thread to end calls by, `INTERRUPT_CELLS` of shared memory: the first is not 0 once the running call, or the next one, is to be ended; the second is the
   * adapter's own number for the instance. Needs `capabilities.interrupt`.
   */
  readonly interrupt?: Int32Array;
}

/** The length of `InstantiateOptions.interrupt`. */
export const INTERRUPT_CELLS = 2;

/**
 * Where instances run. `inline`: on the thread of the pipelines, without a hop; `worker`: in a thread of their own; `process`: in a process of their own, which an engine that
 * fails may take with it.
 */
export const ISOLATIONS = ["worker", "inline", "process"] as const;
export type Isolation = (typeof ISOLATIONS)[number];

/** What an engine can do; a configuration that asks for more is refused when it is read. */
export interface RuntimeCapabilities {
  /** Where instances may run. The first is the default: the fastest that is safe. */
  readonly isolations: readonly Isolation[];
  /** Ends a call that runs too long, on the thread that it runs on: `InstantiateOptions.callTimeout`. */
  readonly deadline: boolean;
  /** Ends a call from another thread: `Runtime.interrupt`. An engine that cannot, and whose code a worker's end does not stop, is ended with its process. */
  readonly interrupt: boolean;
  /** The end of a worker thread ends the guest's code in it. True where that is JavaScript's own engine. */
  readonly endsWithThread: boolean;
  readonly memoryLimit: boolean;
  /** Limits the instructions of each call. */
  readonly fuel: boolean;
  /** Threads share what was compiled: `CompiledModule.share`. */
  readonly sharedCompile: boolean;
  /** What was compiled can be kept on disk. */
  readonly diskCache: boolean;
  /** Recursion without end is a trap, `stack_overflow`; else it ends the process. */
  readonly recursionTraps: boolean;
  /** A host function may call the guest that called it, or another one; else that call is refused as `unsupported`. */
  readonly nestedCalls: boolean;
  readonly features: RuntimeFeatures;
  /** Whether it runs components, and how. */
  readonly components: ComponentSupport;
}

/** Proposals that became part of WebAssembly after its first version: https://webassembly.org/features/ */
export interface RuntimeFeatures {
  readonly threads: boolean;
  readonly simd: boolean;
  readonly bulkMemory: boolean;
  readonly exceptions: boolean;
  readonly gc: boolean;
  readonly memory64: boolean;
  readonly tailCalls: boolean;
}

/** Compiled once, instantiated as often as wanted. */
export interface CompiledModule {
  readonly imports: readonly ImportType[];
  readonly exports: readonly ExportType[];
  /** What `Runtime.adopt` takes in another thread: can be cloned (`postMessage`), and the code is shared, not copied. */
  share?(): unknown;
  close(): Promise<void>;
}

export interface ModuleInstance {
  /** `undefined` if the module exports no function of this name. */
  function(name: string): FunctionInstance | undefined;
  /** The memory exported as `memory`; `undefined` if there is none. */
  readonly memory: Memory | undefined;
  close(): Promise<void>;
}

export interface FunctionInstance {
  readonly type: FunctionType;
  /**
   * @returns nothing, the result, or an array of several: https://webassembly.github.io/spec/js-api/#tojs
   * @throws WasmError the trap; what a host function threw comes back as it was thrown
   */
  call(...params: Value[]): Value | readonly Value[] | undefined;
}

/**
 * A linear memory. It may move when it grows, which any call into the guest can cause: views (`bytes`, `read`) are good until the next call into
 * the guest and are not kept. Offsets and sizes are unsigned. Out-of-range access throws a RangeError here; the code that knows which host
 * function was called with what makes the guest's trap of it.
 */
export interface Memory {
  /** Now, in bytes. */
  readonly byteLength: number;
  /** The whole memory as a view. Good until the next call into the guest. */
  bytes(): Uint8Array;
  /** A DataView over the same bytes. Good until the next call into the guest. */
  view(): DataView;
  /** A view, not a copy: good until the next call into the guest. @throws RangeError */
  read(offset: number, size: number): Uint8Array;
  /** @throws RangeError and writes nothing */
  write(offset: number, data: Uint8Array): void;
}

/** What an engine keeps beside an instance (linker, store, callbacks): opaque to everyone but its adapter. */
export interface Context {
  close(): Promise<void>;
}

/** The functions that are made available to a module. */
export interface HostModule {
  readonly functions: readonly HostFunction[];
}

export interface HostFunction {
  readonly moduleName: string;
  readonly functionName: string;
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
  /**
   * Gets the memory of the instance that calls, then the parameters. To trap, throw: a WasmError, or anything, which then comes
   * out of the call into the guest unchanged. May be called before `instantiateWithHost` has returned (from a start function).
   */
  readonly function: (memory: Memory, ...params: Value[]) => Value | undefined;
}
