/** What belongs to one instance on the engine's side, and its part of the callback that each thread registers once. */
import type { HostFunction } from "../contract.ts";
import { type Address, ffi, NativeBlock, NULL } from "../native/ffi.ts";
import { CallState, HostCalls } from "../native/host-calls.ts";
import { NativeMemory } from "../native/memory.ts";
import { SLOT } from "./calls.ts";
import { fromResult, HOST_FAILED, SUCCESS } from "./errors.ts";
import type { WasmEdgeLibrary } from "./library.ts";

/** What a thread has once. */
interface Callbacks {
  readonly hosts: HostCalls;
  /** `WasmEdge_HostFunc_t` */
  readonly host: Address;
}

let registered: Callbacks | undefined;

function callbacks(): Callbacks {
  registered ??= createCallbacks();
  return registered;
}

function createCallbacks(): Callbacks {
  const koffi = ffi();
  const hosts = new HostCalls(SLOT);
  const host = koffi.register(
    (number: number, _frame: Address, params: Address, results: Address) =>
      hosts.run(number, params, results) ? SUCCESS : HOST_FAILED,
    koffi.pointer(koffi.proto("uint32_t", ["size_t", "size_t", "size_t", "size_t"])),
  );
  return { hosts, host: Number(host) };
}

export class WasmEdgeStore {
  readonly library: WasmEdgeLibrary;
  readonly memory: NativeMemory = new NativeMemory();
  readonly state: CallState = new CallState(this.memory);
  readonly executor: Address;
  readonly #store: Address;
  readonly #callbacks = callbacks();
  readonly #blocks: NativeBlock[] = [];
  readonly #hosts: number[] = [];
  /** `WasmEdge_ModuleInstanceContext *`, in the order in which they were made. */
  readonly #modules: Address[] = [];

  /** @param configuration a `WasmEdge_ConfigureContext *`, which is copied */
  constructor(library: WasmEdgeLibrary, configuration: Address) {
    this.library = library;
    this.executor = library.call.WasmEdge_ExecutorCreate(configuration, NULL);
    this.#store = library.call.WasmEdge_StoreCreate();
  }

  /** Makes host functions available, each under its names. */
  offer(hosts: Iterable<HostFunction>): void {
    const { call } = this.library;
    for (const [moduleName, functions] of Map.groupBy(hosts, (host) => host.moduleName)) {
      const module = this.library.withText(moduleName, (name) => call.WasmEdge_ModuleInstanceCreate(name));
      this.#modules.push(module);
      for (const host of functions) {
        const func = this.#createFunction(host);
        this.library.withText(host.functionName, (name) => call.WasmEdge_ModuleInstanceAddFunction(module, name, func));
      }
      const result = call.WasmEdge_ExecutorRegisterImport(this.executor, this.#store, module);
      if (result !== SUCCESS) throw this.failure(result);
    }
  }

  #createFunction(host: HostFunction): Address {
    const number = this.#callbacks.hosts.add(host, this.state);
    this.#hosts.push(number);
    const type = this.library.functionType(host.params, host.results);
    return this.library.call.WasmEdge_FunctionInstanceCreate(type, this.#callbacks.host, number, 0);
  }

  /** @param module a `WasmEdge_ASTModuleContext *` @returns a `WasmEdge_ModuleInstanceContext *`, good as long as this */
  instantiate(module: Address): Address {
    const out = this.keep(new NativeBlock(8));
    this.state.enter();
    const result = this.library.call.WasmEdge_ExecutorInstantiate(this.executor, out.address, this.#store, module);
    this.state.leave();
    if (result !== SUCCESS) throw this.failure(result);
    const instance = Number(out.view.getBigUint64(0, true));
    this.#modules.push(instance);
    return instance;
  }

  /** Freed with the store. */
  keep(block: NativeBlock): NativeBlock {
    this.#blocks.push(block);
    return block;
  }

  /** What a call that went wrong is to throw. */
  failure(result: number): unknown {
    const thrown = this.state.takeThrown();
    return thrown === undefined ? fromResult(this.library, result) : thrown.error;
  }

  close(): void {
    if (this.state.closed) return;
    this.state.closed = true;
    this.memory.close();
    const { call } = this.library;
    // The guest's first, which uses the others.
    for (const module of this.#modules.toReversed()) call.WasmEdge_ModuleInstanceDelete(module);
    call.WasmEdge_StoreDelete(this.#store);
    call.WasmEdge_ExecutorDelete(this.executor);
    for (const number of this.#hosts) this.#callbacks.hosts.remove(number);
    for (const block of this.#blocks) block.free();
  }
}
