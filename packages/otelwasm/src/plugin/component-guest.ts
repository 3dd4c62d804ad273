import type { GuestFunction } from "../abi/names.ts";
import { GuestStatus } from "../abi/values.ts";
import { PLUGIN_HOST, PROCESSING } from "../abi/world.ts";
import {
  type CompiledComponent,
  ComponentFailure,
  type ComponentHost,
  type ComponentInstance,
  type ComponentValue,
} from "../runtime/component.ts";
import { WasmError } from "../runtime/errors.ts";
import { SIGNALS, type Signal } from "../telemetry/batch.ts";
import { componentsOf } from "./code.ts";
import { PluginError } from "./errors.ts";
import { deadlinesOf, type GuestPlan } from "./guest.ts";
import type { PluginGuest } from "./instantiate.ts";

/** As of a module's: longer ones are cut. Characters here. */
const MAX_LOG = 64 * 1024;
const MAX_REASON = 4 * 1024;

/** One instance of a component in the world `processor`: `Guest`, over typed calls in place of the ABI's. */
export class ComponentGuest implements PluginGuest {
  readonly supportedSignals: readonly Signal[];
  failed = false;
  readonly #id: string;
  readonly #config: string;
  readonly #maxResultBytes: number;
  readonly #instance: ComponentInstance;
  #running: GuestFunction | undefined;

  /** Makes the instance and asks for the supported telemetry. The guest's `start` is not called yet. @throws PluginError */
  static async instantiate(plan: GuestPlan, component: CompiledComponent): Promise<ComponentGuest> {
    let instance: ComponentInstance;
    try {
      instance = await componentsOf(plan.runtime).instantiate(component, hostOf(plan), deadlinesOf(plan));
    } catch (error) {
      throw new PluginError(error instanceof Error ? error.message : String(error), {
        componentId: plan.id,
        function: "instantiation",
        permanent: true,
        cause: error,
      });
    }
    try {
      return new ComponentGuest(plan, instance);
    } catch (error) {
      await instance.close();
      throw error;
    }
  }

  private constructor(plan: GuestPlan, instance: ComponentInstance) {
    this.#id = plan.id;
    this.#config = new TextDecoder().decode(plan.config);
    this.#maxResultBytes = plan.maxResultBytes;
    this.#instance = instance;
    const telemetry = this.#call("get_supported_telemetry");
    this.supportedSignals = SIGNALS.filter(
      (signal) => typeof telemetry === "object" && telemetry !== null && Reflect.get(telemetry, signal) === true,
    );
  }

  /** A component's memories are its own. */
  get memoryBytes(): undefined {
    return undefined;
  }

  /** @throws PluginError */
  start(): void {
    this.#call("start", this.#config);
  }

  /** @throws PluginError */
  shutdown(): void {
    this.#call("shutdown");
  }

  /** As `Guest.consume`. @throws PluginError */
  consume(signal: Signal, bytes: Uint8Array): readonly Uint8Array[] | undefined {
    const operation: GuestFunction = `consume_${signal}`;
    if (this.#running !== undefined)
      throw new PluginError(`called while the guest runs ${this.#running}`, {
        componentId: this.#id,
        function: operation,
        permanent: false,
      });
    const results = this.#call(operation, bytes);
    if (results === undefined) return undefined;
    if (!isBatches(results)) throw this.#broke(operation, otherType(operation));
    const size = results.reduce((sum, { length }) => sum + length, 0);
    if (size > this.#maxResultBytes) throw PluginError.fromResultSize(this.#id, operation, size, this.#maxResultBytes);
    return results;
  }

  /** @throws PluginError always: no world has a receiver */
  receive(signal: Signal): string {
    throw new PluginError("a component cannot be a receiver", {
      componentId: this.#id,
      function: `start_${signal}_receiver`,
      permanent: true,
    });
  }

  async close(): Promise<void> {
    this.failed = true;
    await this.#instance.close();
  }

  #call(operation: GuestFunction, ...params: ComponentValue[]): ComponentValue {
    const exported = this.#instance.function(PROCESSING, operation.replaceAll("_", "-"));
    if (exported === undefined) throw this.#broke(operation, `${PROCESSING} has no ${operation.replaceAll("_", "-")}`);
    this.#running = operation;
    try {
      return exported(...params);
    } catch (error) {
      throw this.#thrown(operation, error);
    } finally {
      this.#running = undefined;
    }
  }

  #thrown(operation: GuestFunction, error: unknown): PluginError {
    if (error instanceof PluginError) return error;
    if (!(error instanceof ComponentFailure)) return this.#broke(operation, error);
    const { payload } = error;
    if (!isRefusal(payload)) return this.#broke(operation, otherType(operation));
    const status = payload.tag === "invalid-argument" ? GuestStatus.invalid_argument : GuestStatus.error;
    return PluginError.fromStatus(this.#id, operation, status, cut(payload.val, MAX_REASON));
  }

  /** What is no answer: the instance is in no known state. */
  #broke(operation: GuestFunction, cause: unknown): PluginError {
    this.failed = true;
    return PluginError.fromTrap(this.#id, operation, cause);
  }
}

/** What the world's `host` is made of. A component gets nothing else. */
function hostOf({ logger, shutdownRequested }: GuestPlan): ComponentHost {
  return {
    [PLUGIN_HOST]: {
      log: (level, message) => {
        if (!isLevel(level) || typeof message !== "string")
          throw new WasmError("host", "log: the component was built for another type of it");
        logger[level](cut(message, MAX_LOG));
        return undefined;
      },
      "shutdown-requested": () => shutdownRequested(),
    },
  };
}

const LEVELS = ["trace", "debug", "info", "warn", "error"] as const;

function isLevel(value: ComponentValue): value is (typeof LEVELS)[number] {
  return LEVELS.some((level) => level === value);
}

function isBatches(value: ComponentValue): value is readonly Uint8Array[] {
  return Array.isArray(value) && value.every((item) => item instanceof Uint8Array);
}

function isRefusal(value: ComponentValue): value is { tag: string; val: string } {
  return typeof value === "object" && "tag" in value && "val" in value && typeof value.val === "string";
}

function otherType(operation: GuestFunction): string {
  return `${operation} gave another type than that of ${PROCESSING}`;
}

function cut(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}... (cut: ${text.length} characters)`;
}
