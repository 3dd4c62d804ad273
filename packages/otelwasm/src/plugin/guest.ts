import type { GuestFunction } from "../abi/names.ts";
import { GuestStatus, signalsOf } from "../abi/values.ts";
import type { Logger } from "../component/logger.ts";
import type {
  CompiledModule,
  Context,
  FunctionInstance,
  InstantiateOptions,
  Memory,
  ModuleInstance,
  Runtime,
} from "../runtime/contract.ts";
import { WasmError } from "../runtime/errors.ts";
import type { Signal } from "../telemetry/batch.ts";
import type { WasiGrants } from "../wasi/grants.ts";
import type { NetworkLink } from "../wasi/sockets/protocol.ts";
import { GuestCall, type Operation, type ResultSink } from "./call.ts";
import type { PluginCode } from "./code.ts";
import { PluginError } from "./errors.ts";
import { createHostModule, type GuestHostModule } from "./host.ts";
import type { PluginRole, ResolvedExports } from "./requirements.ts";

/** What every instance of a plugin has in common. */
export interface GuestPlan {
  readonly id: string;
  readonly role: PluginRole;
  readonly runtime: Runtime;
  readonly code: PluginCode;
  /** Of a module; a component's are those of its world. */
  readonly exports: ResolvedExports;
  /** JSON text in UTF-8. */
  readonly config: Uint8Array;
  readonly logger: Logger;
  /** Default: nothing. */
  readonly grants?: WasiGrants | undefined;
  /** Of all results of one call; of each result of a receiver. */
  readonly maxResultBytes: number;
  readonly shutdownRequested: () => boolean;
  /** What the guest waits on, see `WakeSource`. */
  readonly wake?: Int32Array | undefined;
  /** See `InstantiateOptions`: for engines that can. */
  readonly interrupt?: Int32Array | undefined;
  readonly callTimeoutMs?: number | undefined;
  /** See `WasiServices.network`. */
  readonly network?: NetworkLink | undefined;
}

/** Whether a consuming role takes results; what an exporter's guest sets is refused. */
const TAKES_RESULTS: Readonly<Record<PluginRole, boolean>> = { receiver: false, processor: true, exporter: false };

/**
 * One instance, driven synchronously from the thread that owns it; one call at a time. What the guest did wrong comes out as
 * a `PluginError`. After a trap the instance is in no known state: `failed` is set, and nothing but `close` may follow.
 */
export class Guest {
  /** What the guest says that it can do. */
  readonly supportedSignals: readonly Signal[];
  failed = false;
  readonly #id: string;
  readonly #takesResults: boolean;
  readonly #callTimeoutMs: number | undefined;
  readonly #call: GuestCall;
  readonly #host: GuestHostModule;
  readonly #instance: ModuleInstance;
  readonly #context: Context;
  readonly #memory: Memory;
  readonly #functions: Readonly<Partial<Record<GuestFunction, FunctionInstance>>>;

  /**
   * Makes the instance, runs its start function and `_initialize`, and asks for the supported telemetry. The guest's `start`
   * is not called yet.
   *
   * @throws PluginError
   */
  static async instantiate(plan: GuestPlan, module: CompiledModule): Promise<Guest> {
    const call = new GuestCall(plan.maxResultBytes);
    const failed = (error: unknown): never => {
      throw new PluginError(error instanceof Error ? error.message : String(error), {
        componentId: plan.id,
        function: "instantiation",
        permanent: true,
        cause: error,
      });
    };
    let host: GuestHostModule;
    try {
      host = createHostModule({ ...plan, call });
    } catch (error) {
      return failed(error);
    }
    const made = await plan.runtime.instantiateWithHost(module, host, deadlinesOf(plan)).catch((error: unknown) => {
      host.close();
      return failed(error);
    });
    try {
      return new Guest(plan, call, host, made.instance, made.context);
    } catch (error) {
      host.close();
      await made.instance.close();
      await made.context.close();
      throw error;
    }
  }

  private constructor(
    plan: GuestPlan,
    call: GuestCall,
    host: GuestHostModule,
    instance: ModuleInstance,
    context: Context,
  ) {
    this.#id = plan.id;
    this.#host = host;
    this.#callTimeoutMs = plan.callTimeoutMs;
    this.#takesResults = TAKES_RESULTS[plan.role];
    this.#call = call;
    this.#instance = instance;
    this.#context = context;
    const functions: Partial<Record<GuestFunction, FunctionInstance>> = {};
    for (const [name, exported] of plan.exports) functions[name] = present(instance.function(exported), exported);
    this.#functions = functions;
    this.#memory = present(instance.memory, "memory");
    call.end();
    const initialize = instance.function("_initialize");
    if (initialize !== undefined) this.#run("_initialize", initialize);
    this.supportedSignals = signalsOf(this.#runNamed("get_supported_telemetry"));
  }

  /** Of its linear memory; undefined if it is broken, or not known. */
  get memoryBytes(): number | undefined {
    return this.failed ? undefined : this.#memory.byteLength;
  }

  /** @throws PluginError if the guest returns a status that is not success, or traps */
  start(): void {
    this.#expectSuccess("start", this.#runNamed("start"));
  }

  /** The guest's last call: what it has open is released after it. @throws PluginError as `start` does */
  shutdown(): void {
    try {
      this.#expectSuccess("shutdown", this.#runNamed("shutdown"));
    } finally {
      this.#host.close();
    }
  }

  /**
   * Pushes a payload: one copy in, one out for each result.
   *
   * @param bytes stay the caller's
   * @returns what the guest set, in order, each in a buffer of its own; `undefined` if it set nothing
   * @throws PluginError
   */
  consume(signal: Signal, bytes: Uint8Array): readonly Uint8Array[] | undefined {
    const operation = CONSUME[signal];
    const consume = this.#functions[operation];
    if (consume === undefined) throw this.#notLoadedFor(signal, operation);
    const call = this.#call;
    // Only code that the guest's call runs on this thread can see this: a logger that sends what it is told into a pipeline.
    if (call.operation !== undefined)
      throw new PluginError(`called while the guest runs ${call.operation}`, {
        componentId: this.#id,
        function: operation,
        permanent: false,
      });
    const size = bytes.length;
    let status: number;
    try {
      const pointer = size === 0 ? 0 : this.#push(operation, bytes);
      call.begin(operation);
      if (this.#takesResults) call.accepts = signal;
      status = consume.call(pointer, size) as number;
    } catch (error) {
      throw this.#trapped(error);
    }
    call.end();
    const { results } = call;
    call.results = undefined;
    if (status !== GuestStatus.success) throw PluginError.fromStatus(this.#id, operation, status, call.reason);
    if (call.resultBytes > call.maxResultBytes)
      throw PluginError.fromResultSize(this.#id, operation, call.resultBytes, call.maxResultBytes);
    return results;
  }

  /**
   * Runs a receiver's loop: returns when the guest does, which should be when `get_shutdown_requested` says so.
   *
   * @param sink gets what the guest sets, while the guest waits
   * @returns the reason that the guest gave to `set_status_reason`, which it may where it gives up; empty if it gave none
   * @throws PluginError if it traps
   */
  receive(signal: Signal, sink: ResultSink): string {
    const operation = RECEIVE[signal];
    const loop = this.#functions[operation];
    if (loop === undefined) throw this.#notLoadedFor(signal, operation);
    const call = this.#call;
    call.begin(operation);
    call.accepts = signal;
    call.sink = sink;
    try {
      loop.call();
    } catch (error) {
      throw this.#trapped(error);
    }
    call.end();
    return call.reason;
  }

  /** Releases the instance. Nothing may be called after it. */
  async close(): Promise<void> {
    this.failed = true;
    this.#host.close();
    await this.#instance.close();
    await this.#context.close();
  }

  /** @returns where the bytes are now in the guest's memory */
  #push(operation: string, bytes: Uint8Array): number {
    const call = this.#call;
    const size = bytes.length;
    call.begin("alloc");
    const pointer = (this.#functions.alloc!.call(size) as number) >>> 0;
    if (pointer === 0) {
      const reason = call.reason === "" ? "" : `: ${call.reason}`;
      throw new PluginError(`alloc returned 0 for ${size} bytes${reason}`, {
        componentId: this.#id,
        function: operation,
        reason: call.reason,
        permanent: false,
      });
    }
    if (pointer + size > this.#memory.byteLength) {
      this.failed = true;
      throw new PluginError(
        `alloc returned the pointer ${pointer} for ${size} bytes, outside the memory of ${this.#memory.byteLength} bytes`,
        { componentId: this.#id, function: operation, permanent: false },
      );
    }
    this.#memory.write(pointer, bytes);
    return pointer;
  }

  #runNamed(name: GuestFunction): number {
    return this.#run(name, present(this.#functions[name], name));
  }

  #run(operation: Operation, exported: FunctionInstance): number {
    this.#call.begin(operation);
    try {
      return exported.call() as number;
    } catch (error) {
      throw this.#trapped(error);
    } finally {
      this.#call.end();
    }
  }

  #expectSuccess(name: GuestFunction, status: number): void {
    if (status !== GuestStatus.success) throw PluginError.fromStatus(this.#id, name, status, this.#call.reason);
  }

  #notLoadedFor(signal: Signal, operation: GuestFunction): PluginError {
    return new PluginError(`the plugin was not loaded for ${signal}`, {
      componentId: this.#id,
      function: operation,
      permanent: true,
    });
  }

  #trapped(error: unknown): PluginError {
    const call = this.#call;
    const operation = call.operation ?? "call";
    call.end();
    call.results = undefined;
    if (error instanceof PluginError) return error;
    this.failed = true;
    // Its last words may be a line without an end.
    this.#host.close();
    if (error instanceof WasmError && error.code === "deadline" && this.#callTimeoutMs !== undefined)
      return PluginError.fromDeadline(this.#id, operation, this.#callTimeoutMs);
    return PluginError.fromTrap(this.#id, operation, error, call.reason);
  }
}

/** How the calls of an instance are ended. */
export function deadlinesOf({ interrupt, callTimeoutMs }: GuestPlan): InstantiateOptions {
  return {
    ...(interrupt === undefined ? {} : { interrupt }),
    ...(callTimeoutMs === undefined ? {} : { callTimeout: callTimeoutMs }),
  };
}

const CONSUME: Readonly<Record<Signal, `consume_${Signal}`>> = {
  traces: "consume_traces",
  metrics: "consume_metrics",
  logs: "consume_logs",
};

const RECEIVE: Readonly<Record<Signal, `start_${Signal}_receiver`>> = {
  traces: "start_traces_receiver",
  metrics: "start_metrics_receiver",
  logs: "start_logs_receiver",
};

function present<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`the instance has no ${name}, which was checked before`);
  return value;
}
