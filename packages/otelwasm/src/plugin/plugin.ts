import { silentLogger } from "../component/logger.ts";
import type { Batch, Signal } from "../telemetry/batch.ts";
import { PluginError } from "./errors.ts";
import { addFootprint, removeFootprint } from "./footprint.ts";
import { InlinePlace } from "./inline.ts";
import { type LoadedModule, loadModule } from "./load.ts";
import type { PluginOptions, PluginQueue, PluginState, PluginStats } from "./options.ts";
import type { Call } from "./place.ts";
import { Pool } from "./pool.ts";
import { Receiving } from "./receiving.ts";

export type { PluginOptions } from "./options.ts";

type Phase = "loaded" | "working" | "closed";

/**
 * A plugin: a module and the instances of it that work. Its life: `load`, `start`, any number of `consume`, or `receive` once, `shutdown`.
 * Guests need not be safe for concurrent use: the calls of an instance are made one after the other, in the order that they came.
 */
export class WasmPlugin {
  readonly supportedSignals: readonly Signal[];
  /** Whether `consume` may take the buffer of a batch away: `Capabilities.mutatesData` of the component. */
  readonly mutatesData: boolean;
  readonly #options: PluginOptions;
  readonly #module: LoadedModule;
  readonly #pool: Pool;
  /** The only instance, if it runs inline: called without a detour while nothing waits. */
  readonly #inline: InlinePlace | undefined;
  #phase: Phase = "loaded";
  #receiving: Receiving | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  /**
   * Reads and checks the module, makes the instances (`_initialize` included), and asks what they support.
   *
   * @throws PluginError that lists everything that is wrong with the module, or says which limit its instance ran into; ConfigError for a runtime
   *   configuration, a plugin configuration or an option that cannot be used
   */
  static async load(options: PluginOptions): Promise<WasmPlugin> {
    const module = await loadModule(options);
    let receiving: Receiving | undefined;
    const { limits, restart, onFailure, instances } = module.resolved;
    const pool = new Pool({
      id: options.id,
      logger: options.logger ?? silentLogger,
      restart,
      onFailure,
      instances,
      shutdownTimeoutMs: limits.shutdownTimeoutMs,
      place: (owner) => module.place(owner),
      durations: options.durations,
      onState: options.onState ?? (() => {}),
      onChange: () => receiving?.changed(),
      onReceived: (bytes, proceed) => receiving?.take(bytes, proceed),
    });
    try {
      const supported = await pool.open();
      const { id, signals } = options;
      const unsupported = signals.filter((signal) => !supported.includes(signal));
      if (unsupported.length > 0) {
        const names = supported.length === 0 ? "no signal" : supported.join(", ");
        throw PluginError.fromLoad(id, options.path, [
          `the plugin says that it supports ${names} (get_supported_telemetry), but it is used for ${signals.join(", ")}`,
        ]);
      }
      return new WasmPlugin(options, module, pool, supported, (created) => {
        receiving = created;
      });
    } catch (error) {
      await pool.stop(() => notWorking(options.id, "load", "closed"));
      await module.close();
      throw error;
    }
  }

  readonly #setReceiving: (receiving: Receiving) => void;

  /** @internal `load` makes plugins. */
  constructor(
    options: PluginOptions,
    module: LoadedModule,
    pool: Pool,
    supportedSignals: readonly Signal[],
    setReceiving: (receiving: Receiving) => void,
  ) {
    this.#options = options;
    this.#module = module;
    this.#pool = pool;
    this.#setReceiving = setReceiving;
    this.supportedSignals = supportedSignals;
    const { isolation, onFailure, instances } = module.resolved;
    this.mutatesData = isolation === "worker" && onFailure !== "pass_through";
    const place = pool.slots[0]?.place;
    addFootprint(pool);
    this.#inline = instances === 1 && place instanceof InlinePlace ? place : undefined;
  }

  get state(): PluginState {
    return this.#pool.state;
  }

  /** Live: the counts go on. */
  get stats(): PluginStats {
    this.#pool.countRefused();
    return this.#pool.stats;
  }

  /** Of a processor or exporter. */
  get queue(): PluginQueue {
    return this.#pool.queue;
  }

  /** Linear memory of all instances; undefined if none is known. */
  get memoryBytes(): number | undefined {
    return this.#pool.memoryBytes;
  }

  /** Calls the guest's `start`, once however often it is called. @throws PluginError with the guest's reason */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * Pushes a batch through the guest.
   *
   * @param batch inline, its buffer stays the caller's and is not altered. In a worker the buffer moves there if `mutatesData` says so and `bytes` is all
   *   of it: it is detached then. A part of a larger buffer is copied. For a process it stays the caller's, who must not alter it until this has settled.
   * @returns `undefined`: the guest set no result, and the batch passes on as it is. Otherwise what passes on: what the guest set, in order, each in a
   *   buffer of its own, of no bytes where there is nothing to pass on; the batch's own bytes if they were moved and the guest set no result; nothing
   *   if the plugin is broken and `onFailure` says `drop`.
   * @throws PluginError permanent if the guest refused the input as invalid, or gave more results than it may; retryable for every other status, traps,
   *   deadlines, `alloc` without memory, and while the plugin is broken. What broke it, `onFailure` answers.
   */
  consume(batch: Batch): Promise<readonly Uint8Array[] | undefined> {
    const guest = this.#inline?.guest;
    if (guest === undefined || this.#phase !== "working" || this.#pool.slots[0]!.state !== "working")
      return this.#consumeWhenReady(batch);
    const { signal, bytes } = batch;
    const began = this.#pool.now();
    let results: readonly Uint8Array[] | undefined;
    try {
      results = guest.consume(signal, bytes);
    } catch (error) {
      return new Promise((resolve, reject) => {
        const call = { signal, bytes, size: bytes.length, began, kept: true, resolve, reject };
        this.#inline!.failed(call, error as PluginError);
      });
    }
    this.#pool.slots[0]!.worked();
    this.#pool.count(bytes.length, began, results);
    return Promise.resolve(results);
  }

  /**
   * Runs the guest's `start_X_receiver`, and again in a fresh instance whenever it returns early or breaks. Once, after `start`.
   *
   * @param deliver gets each result in a buffer of its own; the guest waits inside `set_result_X` until it settles. Resolved: the batch is the pipeline's.
   *   Rejected for good (a permanent ConsumerError): it is logged and counted, the guest goes on. Rejected for now: it is called again with the same
   *   bytes, later and later, until the plugin stops; so it must not give the buffer away before it is sure.
   * @returns when the plugin was shut down, the loop has returned or was ended, and everything that was delivered is answered
   * @throws PluginError when the loop broke too often
   */
  async receive(signal: Signal, deliver: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    const { id, role } = this.#options;
    const operation = `start_${signal}_receiver`;
    if (role !== "receiver" || this.#receiving !== undefined)
      throw new PluginError(role === "receiver" ? "the loop runs already" : `the plugin is used as ${role}`, {
        componentId: id,
        function: operation,
        permanent: true,
      });
    if (this.#phase !== "working") throw notWorking(id, operation, this.#phase);
    this.#receiving = new Receiving(id, signal, this.#pool, this.#options.logger ?? silentLogger, deliver);
    this.#setReceiving(this.#receiving);
    await this.#receiving.run(this.#pool.slots[0]!);
  }

  /**
   * Sets the flag that `get_shutdown_requested` gives, waits for a receiver's loop to return, calls the guest's `shutdown` if its `start` succeeded, and
   * releases everything; once, however often it is called. What takes longer than `limits.shutdownTimeoutMs` is ended by force.
   *
   * @throws PluginError with the guest's reason, after everything was released
   */
  shutdown(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #start(): Promise<void> {
    if (this.#phase !== "loaded") throw notWorking(this.#options.id, "start", this.#phase);
    try {
      await this.#pool.start();
    } catch (error) {
      throw this.#pool.report(error);
    }
    // A shutdown may have come while the guest started.
    if (this.#phase === "loaded") this.#phase = "working";
  }

  #consumeWhenReady({ signal, bytes }: Batch): Promise<readonly Uint8Array[] | undefined> {
    if (this.#phase !== "working")
      return Promise.reject(notWorking(this.#options.id, `consume_${signal}`, this.#phase));
    return new Promise((resolve, reject) => {
      const began = this.#pool.now();
      this.#pool.add({ signal, bytes, size: bytes.length, began, kept: true, resolve, reject });
    });
  }

  async #stop(): Promise<void> {
    this.#phase = "closed";
    this.#receiving?.stop();
    const refuse = ({ signal }: Call): PluginError => notWorking(this.#options.id, `consume_${signal}`, "closed");
    try {
      await this.#pool.stop(refuse);
    } catch (error) {
      throw this.#pool.report(error);
    } finally {
      removeFootprint(this.#pool);
      await this.#module.close();
      this.#options.onClosed?.();
    }
  }
}

function notWorking(componentId: string, operation: string, phase: Phase): PluginError {
  return new PluginError(`the plugin ${phase === "loaded" ? "has not been started" : "was shut down"}`, {
    componentId,
    function: operation,
    permanent: false,
  });
}
