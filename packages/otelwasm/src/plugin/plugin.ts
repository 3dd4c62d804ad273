import { readFile } from "node:fs/promises";
import { ConfigError } from "../component/errors.ts";
import { type Logger, silentLogger } from "../component/logger.ts";
import type { Runtime } from "../runtime/contract.ts";
import { create, validate } from "../runtime/registry.ts";
import type { Batch, Signal } from "../telemetry/batch.ts";
import "../runtime/engines.ts";
import { PluginError } from "./errors.ts";
import { Guest, type GuestPlan } from "./guest.ts";
import { importProblems, withoutMarker } from "./inspect.ts";
import type { PluginOptions } from "./options.ts";
import { detectDialect, requiredFunctions, resolveExports } from "./requirements.ts";

type Phase = "loaded" | "working" | "closed";

/**
 * A plugin: a module and the instance of it that works. Its life: `load`, `start`, any number of `consume`, `shutdown`.
 * Guests need not be safe for concurrent use: the calls of an instance are made one after the other, in the order that they came.
 */
export class WasmPlugin {
  readonly supportedSignals: readonly Signal[];
  readonly #plan: GuestPlan;
  readonly #logger: Logger;
  readonly #shutdown: { requested: boolean };
  #phase: Phase = "loaded";
  /** The instance; a failed one stays until its successor is asked for. */
  #guest: Guest;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #replacing: Promise<void> | undefined;

  /**
   * Reads and checks the module, makes an instance (`_initialize` included), and asks it what it supports.
   *
   * @throws PluginError that lists everything that is wrong with the module; ConfigError for a runtime configuration or a
   *   plugin configuration that cannot be used
   */
  static async load(options: PluginOptions): Promise<WasmPlugin> {
    const issues = validate(options.runtimeConfig ?? {});
    if (issues.length > 0) throw new ConfigError(issues.map((issue) => `runtime_config::${issue}`));
    const config = encodeConfig(options.pluginConfig);
    const binary = options.binary ?? (await read(options.id, options.path));
    const runtime = await create(options.runtimeConfig);
    try {
      return await loadWith(runtime, binary, config, options);
    } catch (error) {
      await runtime.close();
      throw error;
    }
  }

  /** @internal `load` makes plugins. */
  constructor(plan: GuestPlan, guest: Guest, shutdown: { requested: boolean }) {
    this.#plan = plan;
    this.#guest = guest;
    this.#logger = plan.logger;
    this.#shutdown = shutdown;
    this.supportedSignals = guest.supportedSignals;
  }

  /** Calls the guest's `start`, once however often it is called. @throws PluginError with the guest's reason */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * Pushes a batch through the guest.
   *
   * @param batch its buffer stays the caller's and is not altered
   * @returns `undefined`: the guest set no result, the batch passes on as it is. Otherwise what it set, in order, each in a buffer
   *   of its own; one of no bytes means that there is nothing to pass on.
   * @throws PluginError permanent if the guest refused the input as invalid; retryable for every other status, traps, and `alloc`
   *   without memory. After a trap the next call gets a fresh instance.
   */
  consume(batch: Batch): Promise<readonly Uint8Array[] | undefined> {
    if (this.#phase !== "working" || this.#guest.failed || this.#replacing !== undefined)
      return this.#consumeWhenReady(batch);
    try {
      return Promise.resolve(this.#guest.consume(batch.signal, batch.bytes));
    } catch (error) {
      return Promise.reject(this.#report(error));
    }
  }

  /**
   * Calls the guest's `shutdown` if its `start` succeeded, and releases everything; once, however often it is called.
   *
   * @throws PluginError with the guest's reason, after everything was released
   */
  shutdown(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #start(): Promise<void> {
    if (this.#phase !== "loaded") throw this.#notWorking("start");
    try {
      this.#guest.start();
    } catch (error) {
      throw this.#report(error);
    }
    this.#phase = "working";
  }

  async #consumeWhenReady(batch: Batch): Promise<readonly Uint8Array[] | undefined> {
    while (this.#phase === "working" && (this.#guest.failed || this.#replacing !== undefined)) {
      this.#replacing ??= this.#replace().finally(() => {
        this.#replacing = undefined;
      });
      await this.#replacing;
    }
    if (this.#phase !== "working") throw this.#notWorking(`consume_${batch.signal}`);
    try {
      return this.#guest.consume(batch.signal, batch.bytes);
    } catch (error) {
      throw this.#report(error);
    }
  }

  /** A fresh instance in place of one that trapped. If it cannot be made, the call that needed it fails, and the next one tries again. */
  async #replace(): Promise<void> {
    await this.#guest.close();
    let guest: Guest | undefined;
    try {
      guest = await Guest.instantiate(this.#plan);
      guest.start();
    } catch (error) {
      await guest?.close();
      this.#logger.error("the instance that trapped could not be replaced", { error: messageOf(error) });
      // Whatever it was, it says nothing about the batch that waits: retryable.
      throw new PluginError(`the instance that trapped could not be replaced: ${messageOf(error)}`, {
        componentId: this.#plan.id,
        function: error instanceof PluginError ? error.function : "instantiation",
        permanent: false,
        cause: error,
      });
    }
    this.#guest = guest;
    this.#logger.warn("the instance that trapped was replaced by a fresh one");
  }

  async #stop(): Promise<void> {
    this.#shutdown.requested = true;
    const wasWorking = this.#phase === "working";
    this.#phase = "closed";
    // Whoever waits for the replacement hears of its failure; here only its end matters.
    await this.#replacing?.catch(() => undefined);
    try {
      if (wasWorking && !this.#guest.failed) this.#guest.shutdown();
    } catch (error) {
      throw this.#report(error);
    } finally {
      await this.#guest.close();
      await this.#plan.module.close();
      await this.#plan.runtime.close();
    }
  }

  #report(error: unknown): unknown {
    if (error instanceof PluginError)
      this.#logger.error(`the plugin failed: ${error.message}`, {
        function: error.function,
        ...(error.status === undefined ? {} : { status: error.status }),
        ...(error.reason === "" ? {} : { reason: error.reason }),
      });
    return error;
  }

  #notWorking(operation: string): PluginError {
    const state = this.#phase === "loaded" ? "has not been started" : "was shut down";
    return new PluginError(`the plugin ${state}`, {
      componentId: this.#plan.id,
      function: operation,
      permanent: false,
    });
  }
}

async function loadWith(
  runtime: Runtime,
  binary: Uint8Array,
  config: Uint8Array,
  options: PluginOptions,
): Promise<WasmPlugin> {
  const { id, role, signals } = options;
  const module = await runtime.compile(binary).catch((error: unknown) => {
    throw PluginError.fromLoad(id, [messageOf(error)], error);
  });
  const dialect = detectDialect(module.exports);
  if (dialect === undefined) throw PluginError.fromLoad(id, [withoutMarker(module.imports, module.exports)]);
  const { resolved, problems } = resolveExports(module.exports, dialect, requiredFunctions(role, signals));
  const all = [...problems, ...importProblems(module.imports)];
  if (all.length > 0) throw PluginError.fromLoad(id, all);
  const shutdown = { requested: false };
  const plan: GuestPlan = {
    id,
    role,
    runtime,
    module,
    exports: resolved,
    config,
    logger: options.logger ?? silentLogger,
    shutdownRequested: () => shutdown.requested,
  };
  const guest = await Guest.instantiate(plan);
  const unsupported = signals.filter((signal) => !guest.supportedSignals.includes(signal));
  if (unsupported.length > 0) {
    await guest.close();
    const supported = guest.supportedSignals.length === 0 ? "no signal" : guest.supportedSignals.join(", ");
    throw PluginError.fromLoad(id, [
      `the plugin says that it supports ${supported} (get_supported_telemetry), but it is used for ${signals.join(", ")}`,
    ]);
  }
  return new WasmPlugin(plan, guest, shutdown);
}

async function read(id: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw PluginError.fromLoad(id, [`cannot read the plugin: ${messageOf(error)}`], error);
  }
}

/** What guests parse: JSON, `{}` where nothing is configured, as their parsers fail on `null`. */
function encodeConfig(config: unknown): Uint8Array {
  try {
    return new TextEncoder().encode(JSON.stringify(config ?? {}) ?? "{}");
  } catch (error) {
    throw new ConfigError([`plugin_config: cannot be written as JSON: ${messageOf(error)}`], { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
