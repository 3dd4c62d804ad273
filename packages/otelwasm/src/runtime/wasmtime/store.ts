/** What belongs to one instance on the engine's side: its store, and its part of the two callbacks that each thread registers once. */
import { WasmError } from "../errors.ts";
import { type Address, ffi, type NativeBlock, NULL } from "../native/ffi.ts";
import { CallState, HostCalls } from "../native/host-calls.ts";
import { NativeMemory } from "../native/memory.ts";
import { type Watched, watch } from "../native/watchdog.ts";
import { SLOT } from "./calls.ts";
import { fromFailure } from "./errors.ts";
import type { WasmtimeLibrary } from "./library.ts";

/** What a thread has once for each library. */
interface Callbacks {
  readonly hosts: HostCalls;
  /** `wasmtime_func_unchecked_callback_t` */
  readonly host: Address;
  /** Of `wasmtime_store_epoch_deadline_callback` */
  readonly epoch: Address;
}

const callbacksOf = new WeakMap<WasmtimeLibrary, Callbacks>();
const stores = new Map<number, WasmtimeStore>();
let storeNumbers = 0;

function callbacks(library: WasmtimeLibrary): Callbacks {
  let found = callbacksOf.get(library);
  if (found === undefined) {
    found = createCallbacks(library);
    callbacksOf.set(library, found);
  }
  return found;
}

function createCallbacks(library: WasmtimeLibrary): Callbacks {
  const koffi = ffi();
  const hosts = new HostCalls(SLOT);
  const host = koffi.register(
    (number: number, _caller: Address, slots: Address) => (hosts.run(number, slots) ? NULL : library.newTrap()),
    koffi.pointer(koffi.proto("size_t", ["size_t", "size_t", "size_t", "size_t"])),
  );
  const epoch = koffi.register(
    (_context: Address, number: number, delta: Address, _kind: Address) => {
      if (stores.get(number)?.interrupted !== false) return library.newInterruption();
      koffi.encode(delta, "uint64_t", 1n);
      return NULL;
    },
    koffi.pointer(koffi.proto("size_t", ["size_t", "size_t", "size_t", "size_t"])),
  );
  return { hosts, host: Number(host), epoch: Number(epoch) };
}

/** As a module's tables are limited: `limitMemory` in binary-rewrite.ts. */
const MAX_TABLE_ELEMENTS = 1_000_000;
/** `wasmtime_store_limiter` keeps the engine's own limit. */
const ENGINE_S = -1;

export interface StoreOptions {
  /** For each call, if the engine was made to count. */
  readonly fuel: number | undefined;
  /** See `InstantiateOptions`. */
  readonly interrupt: Int32Array | undefined;
  readonly callTimeout: number | undefined;
}

export class WasmtimeStore {
  readonly library: WasmtimeLibrary;
  readonly memory: NativeMemory = new NativeMemory();
  readonly state: CallState = new CallState(this.memory);
  readonly context: Address;
  readonly callbacks: Callbacks;
  readonly #store: Address;
  readonly #number = ++storeNumbers;
  readonly #options: StoreOptions;
  readonly #blocks: NativeBlock[] = [];
  readonly #hosts: number[] = [];
  readonly #externs: Address[] = [];
  readonly #watched: Watched | undefined;

  constructor(library: WasmtimeLibrary, engine: Address, options: StoreOptions) {
    const { call } = library;
    this.library = library;
    this.#options = options;
    this.callbacks = callbacks(library);
    this.#store = call.wasmtime_store_new(engine, NULL, NULL);
    this.context = call.wasmtime_store_context(this.#store);
    stores.set(this.#number, this);
    call.wasmtime_store_epoch_deadline_callback(this.#store, this.callbacks.epoch, this.#number, NULL);
    call.wasmtime_context_set_epoch_deadline(this.context, 1);
    if (options.callTimeout !== undefined)
      this.#watched = watch(options.callTimeout, {
        library: library.path,
        symbol: "wasmtime_engine_increment_epoch",
        argument: engine,
      });
  }

  /** Whether somebody wants the call that runs to end. */
  get interrupted(): boolean {
    const { interrupt } = this.#options;
    if (interrupt !== undefined && Atomics.load(interrupt, 0) !== 0) return true;
    return this.#watched !== undefined && Atomics.load(this.#watched.interrupt, 0) !== 0;
  }

  /** Freed with the store. */
  keep(block: NativeBlock): NativeBlock {
    this.#blocks.push(block);
    return block;
  }

  /** Given back with the store. */
  keepHost(number: number): void {
    this.#hosts.push(number);
  }

  /** An extern that is the caller's to delete. */
  keepExtern(address: Address): void {
    this.#externs.push(address);
  }

  enter(): void {
    const { state } = this;
    state.enter();
    const { fuel } = this.#options;
    if (fuel !== undefined && state.depth === 1) this.library.call.wasmtime_context_set_fuel(this.context, fuel);
    // The bump that came with it may be over.
    if (this.interrupted) {
      state.leave();
      throw new WasmError("deadline");
    }
    if (state.depth === 1) this.#watched?.begin();
  }

  leave(): void {
    this.state.leave();
    if (this.state.depth === 0) this.#watched?.end();
  }

  /** Before an instance is made: of the one memory that it may have then, in bytes. A module has its limits written into it; a component's modules are the engine's. */
  limitMemory(bytes: number): void {
    this.library.call.wasmtime_store_limiter(this.#store, bytes, MAX_TABLE_ELEMENTS, ENGINE_S, ENGINE_S, 1);
  }

  /** What a call that went wrong is to throw. One of the two is set; both are used up. */
  failure(error: Address, trap: Address, otherwise?: (message: string) => WasmError): unknown {
    const failure = fromFailure(this.library, error, trap, otherwise);
    const thrown = this.state.takeThrown();
    if (thrown !== undefined) return thrown.error;
    return this.interrupted ? new WasmError("deadline", undefined, { cause: failure }) : failure;
  }

  close(): void {
    if (this.state.closed) return;
    this.state.closed = true;
    this.memory.close();
    this.#watched?.close();
    for (const address of this.#externs) this.library.call.wasmtime_extern_delete(address);
    this.library.call.wasmtime_store_delete(this.#store);
    stores.delete(this.#number);
    for (const number of this.#hosts) this.callbacks.hosts.remove(number);
    for (const block of this.#blocks) block.free();
  }
}
