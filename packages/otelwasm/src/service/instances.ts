import type { Meter } from "@opentelemetry/api";
import type { Component, ComponentKind, Consumer, Extension, Signal } from "../component/component.ts";
import type { ComponentSettings, Host } from "../component/factory.ts";
import type { Logger } from "../component/logger.ts";
import type { Measuring } from "../component/measuring.ts";
import type { Tracing } from "../component/tracing.ts";
import type { PortRegistry } from "../transport/ports.ts";
import type { InstanceStatus, Place, StatusBoard } from "./status.ts";
import { Switch } from "./switch.ts";

/**
 * A component that runs: receivers and exporters are there once for each (signal, id), connectors for each (signal, output signal, id), processors for each (pipeline,
 * id), extensions once. It may outlive the configuration that it was created for.
 */
export interface Node<C extends Component = Component> extends Place {
  readonly component: C;
  readonly status: InstanceStatus;
  /** What it hands data on to. */
  readonly next: Switch;
  /** `ComponentSettings.shared` of all instances with its id. */
  readonly shared: Map<string, unknown>;
  readonly extensions: ExtensionView;
}

/** The extensions that an instance can see, and which it has asked for: what depends on one is replaced with it. */
class ExtensionView implements Host {
  readonly asked: Set<string> = new Set();
  all: ReadonlyMap<string, Extension>;

  constructor(all: ReadonlyMap<string, Extension>) {
    this.all = all;
  }

  extension(id: string): Extension | undefined {
    this.asked.add(id);
    return this.all.get(id);
  }
}

/** What the components of a collector have in common. */
interface Surroundings {
  readonly logger: Logger;
  readonly meter: Meter;
  /** Undefined: nothing is measured. */
  readonly measuring: Measuring | undefined;
  /** Undefined: there are no own traces. */
  readonly tracing: Tracing | undefined;
  readonly board: StatusBoard;
  readonly ports: PortRegistry;
}

/** What becomes of a configuration that is put together while another may run. */
export interface Assembly {
  readonly surroundings: Surroundings;
  /** The extensions of this configuration. */
  readonly extensions: Map<string, Extension>;
  /** What was created, in that order. */
  readonly fresh: Node[];
  /** What is left to do when everything fresh has started: instances that stay are connected with what is new. Nothing of it fails. */
  readonly turns: (() => void)[];
}

/** What every instance gets, whatever its kind. */
export type CommonSettings = Omit<ComponentSettings, "signal" | "shared" | "host"> &
  Pick<ComponentSettings, "shared"> & { readonly host: ExtensionView };

/** The instances of one kind. */
export class Instances<C extends Component> {
  readonly #assembly: Assembly;
  readonly #nodes: Map<string, Node<C>> = new Map();
  readonly #staying: ReadonlyMap<string, Node<C>>;
  readonly #shared: Map<string, Map<string, unknown>>;

  /** @param staying of the configuration before */
  constructor(assembly: Assembly, staying: readonly Node<C>[]) {
    this.#assembly = assembly;
    this.#staying = new Map(staying.map((node) => [keyOf(node), node]));
    this.#shared = new Map(staying.map(({ id, shared }) => [id, shared]));
  }

  get(place: Place): Node<C> | undefined {
    return this.#nodes.get(keyOf(place));
  }

  get all(): readonly Node<C>[] {
    return [...this.#nodes.values()];
  }

  /**
   * The instance that stays, or a new one.
   *
   * @param next what it is to hand data on to; `nowhere` if it does not
   * @throws ComponentError
   */
  add(place: Place, next: Consumer, create: (common: CommonSettings, next: Consumer) => C): Node<C> {
    const staying = this.#staying.get(keyOf(place));
    const node = staying ?? this.#create(place, next, create);
    this.#nodes.set(keyOf(place), node);
    if (staying !== undefined) {
      const { extensions, turns } = this.#assembly;
      turns.push(() => {
        staying.extensions.all = extensions;
        staying.next.target = next;
      });
    }
    return node;
  }

  #create(place: Place, target: Consumer, create: (common: CommonSettings, next: Consumer) => C): Node<C> {
    const { surroundings, extensions, fresh } = this.#assembly;
    const { logger, meter, measuring, tracing, board, ports } = surroundings;
    const { kind, id, signal, outputSignal, pipeline } = place;
    const attributes = {
      "otelcol.component.id": id,
      "otelcol.component.kind": kind,
      ...(signal === undefined ? {} : { "otelcol.signal": signal }),
      ...(outputSignal === undefined ? {} : { "otelcol.signal.output": outputSignal }),
      ...(pipeline === undefined ? {} : { "otelcol.pipeline.id": pipeline }),
    };
    const own = logger.child(attributes);
    const status = board.add(place, own);
    const shared = this.#shared.get(id) ?? new Map<string, unknown>();
    this.#shared.set(id, shared);
    const host = new ExtensionView(extensions);
    const next = new Switch(target);
    const common: CommonSettings = {
      id,
      logger: own,
      meter,
      measuring,
      tracing,
      attributes,
      reportStatus: (report) => status.report(report),
      ports: ports.of(status),
      shared,
      host,
    };
    try {
      const component = create(common, next);
      const node: Node<C> = { ...place, component, status, next, shared, extensions: host };
      fresh.push(node);
      return node;
    } catch (error) {
      throw new ComponentError(place, "cannot be created", error);
    }
  }
}

function keyOf({ signal, outputSignal, pipeline, id }: Place): string {
  return `${signal ?? ""} ${outputSignal ?? ""} ${pipeline ?? ""} ${id}`;
}

/** As messages name an instance: `processor "batch" (pipeline logs)`. */
export function nameOf({ kind, id, signal, outputSignal, pipeline }: Place): string {
  const signals = outputSignal === undefined ? signal : `${signal} to ${outputSignal}`;
  const where = pipeline === undefined ? signals : `pipeline ${pipeline}`;
  return `${kind} "${id}"${where === undefined ? "" : ` (${where})`}`;
}

/** A component could not be created, started or stopped. */
export class ComponentError extends Error {
  override readonly name: string = "ComponentError";
  readonly kind: ComponentKind;
  readonly id: string;
  /** `undefined` for an extension. */
  readonly signal: Signal | undefined;

  /** @param doing what failed: `cannot be started` */
  constructor(place: Place, doing: string, cause: unknown) {
    super(`${nameOf(place)} ${doing}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.kind = place.kind;
    this.id = place.id;
    this.signal = place.signal;
  }
}
