/** What belongs to one instance on the engine's side, and its part of the callback that each thread registers once. */
import type { HostFunction } from "../contract.ts";
import { WasmError } from "../errors.ts";
import { type Address, ffi, NativeBlock } from "../native/ffi.ts";
import { CallState, HostCalls } from "../native/host-calls.ts";
import { NativeMemory } from "../native/memory.ts";
import { DepthCounter, SLOT } from "./calls.ts";
import { MAX_DEPTH_BYTES } from "./compiler.ts";
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

/** Calls on this thread that are under way, one inside the other. */
let running = 0;

export class WasmEdgeStore {
  readonly library: WasmEdgeLibrary;
  readonly memory: NativeMemory = new NativeMemory();
  readonly state: CallState = new CallState(this.memory);
  readonly executor: Address;
  readonly #store: Address;
  readonly #callbacks = callbacks();
  readonly #blocks: NativeBlock[] = [];
  readonly #hosts: number[] = [];
  #counter: DepthCounter | undefined;
  /** `WasmEdge_ModuleInstanceContext *`, in the order in which they were made. */
  readonly #modules: Address[] = [];

  readonly #nested: boolean;

  /**
   * @param executor a `WasmEdge_ExecutorContext *` of somebody else
   * @param nested whether guest code may be run while other guest code waits for a host function
   */
  constructor(library: WasmEdgeLibrary, executor: Address, nested: boolean) {
    this.library = library;
    this.#nested = nested;
    this.executor = executor;
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
    this.enter();
    const result = this.library.call.WasmEdge_ExecutorInstantiate(this.executor, out.address, this.#store, module);
    this.leave();
    if (result !== SUCCESS) throw this.failure(result);
    const instance = Number(out.view.getBigUint64(0, true));
    this.#modules.push(instance);
    return instance;
  }

  /** Before guest code runs. @throws WasmError `closed`, `stack_overflow`, `unsupported` */
  enter(): void {
    if (running > 0 && !this.#nested)
      throw new WasmError(
        "unsupported",
        "wasmedge cannot run compiled code while other code waits for a host function; use its interpreter (mode: interpreter)",
      );
    this.state.enter();
    running++;
  }

  /** After it. */
  leave(): void {
    running--;
    this.state.leave();
  }

  /** Freed with the store. */
  keep(block: NativeBlock): NativeBlock {
    this.#blocks.push(block);
    return block;
  }

  /** Where the module counts its frames. @param func a `WasmEdge_FunctionInstanceContext *` */
  countDepthBy(func: Address): void {
    this.#counter = new DepthCounter(this, func);
  }

  /** What the frames count as that are under a call which was entered: with none, nothing. */
  depthBefore(): number {
    const counter = this.#counter;
    if (counter === undefined || this.state.depth === 1) return 0;
    const depth = counter.exchange(0);
    counter.exchange(depth);
    return depth;
  }

  /**
   * What a call that went wrong is to throw. The frames that it left behind are not counted any more.
   *
   * @param before of `depthBefore`
   */
  failure(result: number, before = 0): unknown {
    const reached = this.#counter?.exchange(before) ?? 0;
    const thrown = this.state.takeThrown();
    if (thrown !== undefined) return thrown.error;
    return reached > MAX_DEPTH_BYTES ? new WasmError("stack_overflow") : fromResult(this.library, result);
  }

  close(): void {
    if (this.state.closed) return;
    this.state.closed = true;
    this.memory.close();
    const { call } = this.library;
    // The guest's first, which uses the others.
    for (const module of this.#modules.toReversed()) call.WasmEdge_ModuleInstanceDelete(module);
    call.WasmEdge_StoreDelete(this.#store);
    for (const number of this.#hosts) this.#callbacks.hosts.remove(number);
    for (const block of this.#blocks) block.free();
  }
}
