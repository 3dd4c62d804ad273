import type { Meter } from "@opentelemetry/api";
import type { Component, ComponentKind, Endpoint, Extension, Receiver, Signal } from "../component/component.ts";
import type { ComponentSettings, ExtensionHost, Host, SignalPair } from "../component/factory.ts";
import type { Logger } from "../component/logger.ts";
import type { Measuring } from "../component/measuring.ts";
import type { Tracing } from "../component/tracing.ts";
import type { ServiceConfig } from "./config.ts";
import { pairsInUse } from "./connectors.ts";
import { countIncoming, countOutgoing } from "./counting.ts";
import { type Branch, fanOut } from "./fanout.ts";
import type { PipelineConfig } from "./pipelines.ts";
import type { InstanceStatus, Place, StatusBoard } from "./status.ts";
import { traced } from "./traced.ts";

/**
 * A component that runs: receivers and exporters are there once for each (signal, id), connectors for each (signal, output signal, id), processors for each (pipeline,
 * id), extensions once.
 */
export interface Node extends Place {
  readonly component: Component;
  readonly status: InstanceStatus;
}

/** A processor or a connector. */
export interface Stage extends Node {
  /** The stages that it gets data from. */
  readonly after: readonly Stage[];
}

/** The components of a configuration, connected. */
export interface Graph {
  /** In the order of `service::extensions`. */
  readonly extensions: readonly (Node & { readonly component: Extension })[];
  /** As they stand in the configuration. */
  readonly receivers: readonly (Node & { readonly component: Receiver })[];
  /** All of them, each before those that get data from it. */
  readonly stages: readonly Stage[];
  readonly exporters: readonly Node[];
}

/** Where a running collector can be reached. */
export interface BoundEndpoint extends Endpoint {
  /** The id of the receiver or extension; `service::telemetry::metrics` for own metrics. */
  readonly component: string;
}

/** What the components of a collector have in common. */
export interface Surroundings {
  readonly logger: Logger;
  readonly meter: Meter;
  /** Undefined: nothing is measured. */
  readonly measuring: Measuring | undefined;
  /** Undefined: there are no own traces. */
  readonly tracing: Tracing | undefined;
  readonly board: StatusBoard;
}

/**
 * Creates the components and connects them; nothing is started.
 *
 * @throws ComponentError that names the component whose factory failed
 */
export function buildGraph(config: ServiceConfig, surroundings: Surroundings): Graph {
  const { board } = surroundings;
  const extensionOf = new Map<string, Extension>();
  const host: Host = { extension: (id) => extensionOf.get(id) };
  const extensionHost: ExtensionHost = { ...host, health: () => board.health() };
  const extensions = config.serviceExtensions.map((id) => {
    const place = { kind: "extension", id } as const;
    const { status, common } = introduce(place, surroundings);
    const { factory, config: own } = config.extensions.get(id)!;
    const component = created(place, () => factory.create({ ...common, host: extensionHost }, own));
    extensionOf.set(id, component);
    return { ...place, status, component };
  });
  return { extensions, ...new PipelineBuilder(config, surroundings, host).build() };
}

/** What was created: the instance, and what data that is given to it goes through. */
interface Built<N extends Node> {
  readonly node: N;
  readonly branch: Branch;
}

type NewStage = Node & { after: readonly Stage[] };

/** Creates what pipelines are made of, from the exporters on against the way of the data. No way leads back to its beginning: that was checked. */
class PipelineBuilder {
  readonly #config: ServiceConfig;
  readonly #surroundings: Surroundings;
  readonly #host: Host;
  readonly #shared = new Map<string, unknown>();
  readonly #exporters = new Map<string, Built<Node>>();
  readonly #connectors = new Map<string, Built<NewStage>>();
  /** By the pipeline's id: what its receivers feed, and its processors in the order that data takes. */
  readonly #heads = new Map<string, Branch>();
  readonly #chains = new Map<string, readonly NewStage[]>();
  /** As they were created: each after those that it gives data to. */
  readonly #stages: NewStage[] = [];

  constructor(config: ServiceConfig, surroundings: Surroundings, host: Host) {
    this.#config = config;
    this.#surroundings = surroundings;
    this.#host = host;
  }

  build(): Omit<Graph, "extensions"> {
    const { pipelines } = this.#config;
    for (const pipeline of pipelines) for (const id of pipeline.exporters) this.#exporter(id, pipeline.signal);
    for (const pipeline of pipelines) this.#head(pipeline);
    const receivers = new Map<string, Node & { readonly component: Receiver }>();
    for (const { signal, receivers: ids } of pipelines) {
      for (const id of ids) {
        const own = this.#config.receivers.get(id);
        if (own === undefined || receivers.has(`${signal} ${id}`)) continue;
        const place = { kind: "receiver", id, signal } as const;
        const { status, settings } = this.#introduce(place);
        const next = this.#begunBy(id, signal).consumer;
        const component = created(place, () => own.factory.create(settings, own.config, next));
        receivers.set(`${signal} ${id}`, { ...place, status, component });
      }
    }
    for (const pipeline of pipelines) {
      const { id, signal, receivers: sources, exporters: targets } = pipeline;
      const members = [
        ...sources.flatMap((source) => receivers.get(`${signal} ${source}`) ?? []),
        ...this.#feeding(pipeline),
        ...this.#chains.get(id)!,
        ...targets.flatMap((target) => this.#ending(target, signal)).map(({ node }) => node),
      ];
      this.#surroundings.board.join(
        id,
        members.map(({ status }) => status),
      );
    }
    this.#connectStages();
    return {
      receivers: [...receivers.values()],
      stages: this.#stages.toReversed(),
      exporters: [...this.#exporters.values()].map(({ node }) => node),
    };
  }

  #introduce(place: Place & { readonly signal: Signal }) {
    const { status, common } = introduce(place, this.#surroundings);
    const settings: ComponentSettings = {
      ...common,
      signal: place.signal,
      shared: this.#shared,
      host: this.#host,
    };
    return { status, settings };
  }

  #exporter(id: string, signal: Signal): void {
    const own = this.#config.exporters.get(id);
    if (own === undefined || this.#exporters.has(`${signal} ${id}`)) return;
    const place = { kind: "exporter", id, signal } as const;
    const { status, settings } = this.#introduce(place);
    const component = created(place, () => own.factory.create(settings, own.config));
    const consumer = traced(this.#surroundings.tracing !== undefined, place, component);
    const branch = { consumer, mutatesData: component.capabilities.mutatesData };
    this.#exporters.set(`${signal} ${id}`, { node: { ...place, status, component }, branch });
  }

  #connector(id: string, { from, to }: SignalPair): Built<NewStage> {
    const key = `${from} ${to} ${id}`;
    const known = this.#connectors.get(key);
    if (known !== undefined) return known;
    const next = this.#begunBy(id, to);
    const place = { kind: "connector", id, signal: from, outputSignal: to } as const;
    const { factory, config } = this.#config.connectors.get(id)!;
    const { status, settings } = this.#introduce(place);
    const component = created(place, () => factory.create({ ...settings, outputSignal: to }, config, next.consumer));
    // What becomes another signal is another buffer.
    const mutatesData = component.capabilities.mutatesData || (from === to && next.mutatesData);
    const node: NewStage = { ...place, status, component, after: [] };
    const consumer = traced(this.#surroundings.tracing !== undefined, place, component);
    const built = { node, branch: { consumer, mutatesData } };
    this.#connectors.set(key, built);
    this.#stages.push(node);
    return built;
  }

  /** The instances that a pipeline of a signal ends with, by the id in its list: one exporter, or a connector for each signal that it makes of it. */
  #ending(id: string, signal: Signal): readonly Built<Node>[] {
    const exporter = this.#exporters.get(`${signal} ${id}`);
    return exporter === undefined
      ? this.#pairs(id, ({ from }) => from === signal).map((pair) => this.#connector(id, pair))
      : [exporter];
  }

  #pairs(id: string, wanted: (pair: SignalPair) => boolean): readonly SignalPair[] {
    const connector = this.#config.connectors.get(id);
    return connector === undefined
      ? []
      : pairsInUse(id, connector.factory, this.#config.pipelines).filter((pair) => wanted(pair));
  }

  /** What a receiver or a connector gives a signal to. */
  #begunBy(id: string, signal: Signal): Branch {
    const begun = this.#config.pipelines.filter((each) => each.signal === signal && each.receivers.includes(id));
    return fanOut(begun.map((pipeline) => this.#head(pipeline)));
  }

  /** What the receivers of a pipeline feed. */
  #head(pipeline: PipelineConfig): Branch {
    const known = this.#heads.get(pipeline.id);
    if (known !== undefined) return known;
    const { signal } = pipeline;
    let head = fanOut(pipeline.exporters.flatMap((id) => this.#ending(id, signal)).map(({ branch }) => branch));
    const chain: NewStage[] = [];
    for (const id of pipeline.processors.toReversed()) {
      const next = head;
      const place = { kind: "processor", id, signal, pipeline: pipeline.id } as const;
      const { factory, config } = this.#config.processors.get(id)!;
      const { status, settings } = this.#introduce(place);
      const { measuring, tracing } = this.#surroundings;
      const counted = countOutgoing(measuring, place, next.consumer);
      const component = created(place, () => factory.create(settings, config, counted));
      const consumer = countIncoming(measuring, place, traced(tracing !== undefined, place, component));
      // One that hands on the buffer that it was given exposes it to all that come after.
      head = { consumer, mutatesData: component.capabilities.mutatesData || next.mutatesData };
      chain.unshift({ ...place, status, component, after: [] });
    }
    this.#stages.push(...chain.toReversed());
    this.#chains.set(pipeline.id, chain);
    this.#heads.set(pipeline.id, head);
    return head;
  }

  /** The connectors that a pipeline gets data from. */
  #feeding({ receivers, signal }: PipelineConfig): readonly NewStage[] {
    return receivers.flatMap((id) =>
      this.#pairs(id, ({ to }) => to === signal).map((pair) => this.#connector(id, pair).node),
    );
  }

  #connectStages(): void {
    /** What a pipeline ends with, its exporters aside. */
    const tailOf = (pipeline: PipelineConfig): readonly Stage[] => {
      const last = this.#chains.get(pipeline.id)!.at(-1);
      return last === undefined ? this.#feeding(pipeline) : [last];
    };
    for (const pipeline of this.#config.pipelines) {
      let before: readonly Stage[] = this.#feeding(pipeline);
      for (const processor of this.#chains.get(pipeline.id)!) {
        processor.after = before;
        before = [processor];
      }
    }
    for (const { node } of this.#connectors.values()) {
      node.after = this.#config.pipelines
        .filter(({ signal, exporters }) => signal === node.signal && exporters.includes(node.id))
        .flatMap(tailOf);
    }
  }
}

/** What every instance gets, whatever its kind. */
function introduce(place: Place, { logger, meter, measuring, tracing, board }: Surroundings) {
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
  const reportStatus: ComponentSettings["reportStatus"] = (report) => status.report(report);
  return { status, common: { id, logger: own, meter, measuring, tracing, attributes, reportStatus } };
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
    const { kind, id, signal, outputSignal, pipeline } = place;
    const signals = outputSignal === undefined ? signal : `${signal} to ${outputSignal}`;
    const where = pipeline === undefined ? signals : `pipeline ${pipeline}`;
    const what = `${kind} "${id}"${where === undefined ? "" : ` (${where})`}`;
    super(`${what} ${doing}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.kind = kind;
    this.id = id;
    this.signal = signal;
  }
}

function created<T>(place: Place, create: () => T): T {
  try {
    return create();
  } catch (error) {
    throw new ComponentError(place, "cannot be created", error);
  }
}
