import type {
  Component,
  Connector,
  Consumer,
  Endpoint,
  Exporter,
  Extension,
  Processor,
  Receiver,
  Signal,
} from "../component/component.ts";
import type { ExtensionHost, SignalPair } from "../component/factory.ts";
import type { ServiceConfig } from "./config.ts";
import { pairsInUse } from "./connectors.ts";
import { countIncoming, countOutgoing } from "./counting.ts";
import { type Branch, fanOut } from "./fanout.ts";
import { type Assembly, Instances, type Node } from "./instances.ts";
import type { PipelineConfig } from "./pipelines.ts";
import type { Shown } from "./status.ts";
import { nowhere } from "./switch.ts";
import { traced } from "./traced.ts";

/** A processor or a connector. */
export interface Stage {
  readonly node: Node;
  /** The stages that it gets data from. */
  readonly after: readonly Stage[];
}

/** The components of a configuration, connected. */
export interface Graph {
  /** In the order of `service::extensions`. */
  readonly extensions: readonly Node<Extension>[];
  /** As they stand in the configuration. */
  readonly receivers: readonly Node<Receiver>[];
  readonly processors: readonly Node<Processor>[];
  readonly connectors: readonly Node<Connector>[];
  readonly exporters: readonly Node<Exporter>[];
  /** All processors and connectors, each before those that get data from it. */
  readonly stages: readonly Stage[];
  readonly shown: Shown;
}

/** Those of a graph that stay when another configuration takes its place. */
export type Staying = Pick<Graph, "extensions" | "receivers" | "processors" | "connectors" | "exporters">;

export const NOTHING_STAYS: Staying = { extensions: [], receivers: [], processors: [], connectors: [], exporters: [] };

/** Where a running collector can be reached. */
export interface BoundEndpoint extends Endpoint {
  /** The id of the receiver or extension; `service::telemetry::metrics` for own metrics. */
  readonly component: string;
}

/**
 * Creates the components, those aside that stay, and connects them; nothing is started.
 *
 * @throws ComponentError that names the component whose factory failed; what was created until then is in the assembly
 */
export function buildGraph(config: ServiceConfig, assembly: Assembly, staying: Staying): Graph {
  const { board } = assembly.surroundings;
  const instances = new Instances<Extension>(assembly, staying.extensions);
  const extensions = config.serviceExtensions.map((id) => {
    const { factory, config: own } = config.extensions.get(id)!;
    const node = instances.add({ kind: "extension", id }, nowhere, ({ shared: _, ...common }) => {
      const host: ExtensionHost = { extension: (each) => common.host.extension(each), health: () => board.health() };
      return factory.create({ ...common, host }, own);
    });
    assembly.extensions.set(id, node.component);
    return node;
  });
  const { pipelines, ...rest } = new PipelineBuilder(config, assembly, staying).build();
  return { ...rest, extensions, shown: { extensions: extensions.map(({ status }) => status), pipelines } };
}

/** What was created: the instance, and what data that is given to it goes through. */
interface Built<C extends Component> {
  readonly node: Node<C>;
  readonly branch: Branch;
}

interface NewStage {
  readonly node: Node;
  after: readonly Stage[];
}

/** Creates what pipelines are made of, from the exporters on against the way of the data. No way leads back to its beginning: that was checked. */
class PipelineBuilder {
  readonly #config: ServiceConfig;
  readonly #assembly: Assembly;
  readonly #receivers: Instances<Receiver>;
  readonly #processors: Instances<Processor>;
  readonly #connectors: Instances<Connector>;
  readonly #exporters: Instances<Exporter>;
  readonly #exporting = new Map<string, Built<Exporter>>();
  readonly #connecting = new Map<string, Built<Connector> & { readonly stage: NewStage }>();
  /** By the pipeline's id: what its receivers feed, and its processors in the order that data takes. */
  readonly #heads = new Map<string, Branch>();
  readonly #chains = new Map<string, readonly NewStage[]>();
  /** As they were created: each after those that it gives data to. */
  readonly #stages: NewStage[] = [];

  constructor(config: ServiceConfig, assembly: Assembly, staying: Staying) {
    this.#config = config;
    this.#assembly = assembly;
    this.#receivers = new Instances(assembly, staying.receivers);
    this.#processors = new Instances(assembly, staying.processors);
    this.#connectors = new Instances(assembly, staying.connectors);
    this.#exporters = new Instances(assembly, staying.exporters);
  }

  build(): Omit<Graph, "extensions" | "shown"> & Pick<Shown, "pipelines"> {
    const { pipelines } = this.#config;
    for (const pipeline of pipelines) for (const id of pipeline.exporters) this.#exporter(id, pipeline.signal);
    for (const pipeline of pipelines) this.#head(pipeline);
    for (const { signal, receivers: ids } of pipelines) for (const id of ids) this.#receiver(id, signal);
    this.#connectStages();
    return {
      receivers: this.#receivers.all,
      processors: this.#processors.all,
      connectors: this.#connectors.all,
      exporters: this.#exporters.all,
      stages: this.#stages.toReversed(),
      pipelines: new Map(
        pipelines.map((pipeline) => [pipeline.id, this.#membersOf(pipeline).map(({ status }) => status)]),
      ),
    };
  }

  /** In the order that data takes. */
  #membersOf(pipeline: PipelineConfig): Node[] {
    const { id, signal, receivers, exporters } = pipeline;
    return [
      ...receivers.flatMap((source) => this.#receivers.get({ kind: "receiver", id: source, signal }) ?? []),
      ...this.#feeding(pipeline).map(({ node }) => node),
      ...this.#chains.get(id)!.map(({ node }) => node),
      ...exporters.flatMap((target) => this.#ending(target, signal)).map(({ node }) => node),
    ];
  }

  #receiver(id: string, signal: Signal): void {
    const own = this.#config.receivers.get(id);
    const place = { kind: "receiver", id, signal } as const;
    if (own === undefined || this.#receivers.get(place) !== undefined) return;
    this.#receivers.add(place, this.#begunBy(id, signal).consumer, (common, next) =>
      own.factory.create({ ...common, signal }, own.config, next),
    );
  }

  #exporter(id: string, signal: Signal): void {
    const own = this.#config.exporters.get(id);
    if (own === undefined || this.#exporting.has(`${signal} ${id}`)) return;
    const place = { kind: "exporter", id, signal } as const;
    const node = this.#exporters.add(place, nowhere, (common) => own.factory.create({ ...common, signal }, own.config));
    const { component } = node;
    const branch = { consumer: this.#traced(place, node), mutatesData: component.capabilities.mutatesData };
    this.#exporting.set(`${signal} ${id}`, { node, branch });
  }

  #connector(id: string, { from, to }: SignalPair): Built<Connector> & { readonly stage: NewStage } {
    const key = `${from} ${to} ${id}`;
    const known = this.#connecting.get(key);
    if (known !== undefined) return known;
    const behind = this.#begunBy(id, to);
    const place = { kind: "connector", id, signal: from, outputSignal: to } as const;
    const { factory, config } = this.#config.connectors.get(id)!;
    const node = this.#connectors.add(place, behind.consumer, (common, next) =>
      factory.create({ ...common, signal: from, outputSignal: to }, config, next),
    );
    const { component } = node;
    // What becomes another signal is another buffer.
    const mutatesData = component.capabilities.mutatesData || (from === to && behind.mutatesData);
    const stage: NewStage = { node, after: [] };
    const built = { node, stage, branch: { consumer: this.#traced(place, node), mutatesData } };
    this.#connecting.set(key, built);
    this.#stages.push(stage);
    return built;
  }

  #traced(place: Parameters<typeof traced>[1], { component }: Node<Processor | Connector | Exporter>): Consumer {
    return traced(this.#assembly.surroundings.tracing !== undefined, place, component);
  }

  /** The instances that a pipeline of a signal ends with, by the id in its list: one exporter, or a connector for each signal that it makes of it. */
  #ending(id: string, signal: Signal): readonly Built<Exporter | Connector>[] {
    const exporter = this.#exporting.get(`${signal} ${id}`);
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
      const behind = head;
      const place = { kind: "processor", id, signal, pipeline: pipeline.id } as const;
      const { factory, config } = this.#config.processors.get(id)!;
      const { measuring } = this.#assembly.surroundings;
      const counted = countOutgoing(measuring, place, behind.consumer);
      const node = this.#processors.add(place, counted, (common, next) =>
        factory.create({ ...common, signal }, config, next),
      );
      const { component } = node;
      const consumer = countIncoming(measuring, place, this.#traced(place, node));
      // One that hands on the buffer that it was given exposes it to all that come after.
      head = { consumer, mutatesData: component.capabilities.mutatesData || behind.mutatesData };
      chain.unshift({ node, after: [] });
    }
    this.#stages.push(...chain.toReversed());
    this.#chains.set(pipeline.id, chain);
    this.#heads.set(pipeline.id, head);
    return head;
  }

  /** The connectors that a pipeline gets data from. */
  #feeding({ receivers, signal }: PipelineConfig): readonly NewStage[] {
    return receivers.flatMap((id) =>
      this.#pairs(id, ({ to }) => to === signal).map((pair) => this.#connector(id, pair).stage),
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
    for (const { node, stage } of this.#connecting.values()) {
      stage.after = this.#config.pipelines
        .filter(({ signal, exporters }) => signal === node.signal && exporters.includes(node.id))
        .flatMap(tailOf);
    }
  }
}
