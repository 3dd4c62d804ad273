import type { Component, ComponentKind, Endpoint, Receiver, Signal } from "../component/component.ts";
import type { ComponentSettings } from "../component/factory.ts";
import type { Logger } from "../component/logger.ts";
import type { ServiceConfig } from "./config.ts";
import { type Branch, fanOut } from "./fanout.ts";

/** A component that runs: receivers and exporters are there once for each (signal, id), processors for each (pipeline, id). */
export interface Node {
  readonly kind: ComponentKind;
  readonly id: string;
  readonly signal: Signal;
  /** Of a processor. */
  readonly pipeline?: string;
  readonly component: Component;
}

/** The components of a configuration, connected. */
export interface Graph {
  /** As they stand in the configuration. */
  readonly receivers: readonly (Node & { readonly component: Receiver })[];
  /** One list for each pipeline, in the order that data takes. */
  readonly processors: readonly (readonly Node[])[];
  readonly exporters: readonly Node[];
}

/** Where a running collector can be reached. */
export interface BoundEndpoint extends Endpoint {
  /** The receiver's id. */
  readonly component: string;
}

/**
 * Creates the components and connects them; nothing is started.
 *
 * @throws ComponentError that names the component whose factory failed
 */
export function buildGraph(config: ServiceConfig, logger: Logger): Graph {
  const shared = new Map<string, unknown>();
  const settingsOf = (kind: ComponentKind, id: string, signal: Signal, pipeline?: string): ComponentSettings => ({
    id,
    signal,
    shared,
    logger: logger.child({
      "otelcol.component.id": id,
      "otelcol.component.kind": kind,
      "otelcol.signal": signal,
      ...(pipeline === undefined ? {} : { "otelcol.pipeline.id": pipeline }),
    }),
  });

  const exporters = new Map<string, { node: Node; branch: Branch }>();
  for (const pipeline of config.pipelines) {
    for (const id of pipeline.exporters) {
      const key = `${pipeline.signal} ${id}`;
      if (exporters.has(key)) continue;
      const place = { kind: "exporter", id, signal: pipeline.signal } as const;
      const { factory, config: own } = config.exporters.get(id)!;
      const component = created(place, () => factory.create(settingsOf("exporter", id, pipeline.signal), own));
      const branch = { consumer: component, mutatesData: component.capabilities.mutatesData };
      exporters.set(key, { node: { ...place, component }, branch });
    }
  }

  const processors: Node[][] = [];
  /** The heads of the pipelines that a receiver of a signal feeds. */
  const fedBy = new Map<string, { id: string; signal: Signal; heads: Branch[] }>();
  for (const pipeline of config.pipelines) {
    const { signal } = pipeline;
    let head = fanOut(pipeline.exporters.map((id) => exporters.get(`${signal} ${id}`)!.branch));
    const chain: Node[] = [];
    for (const id of pipeline.processors.toReversed()) {
      const next = head;
      const place = { kind: "processor", id, signal, pipeline: pipeline.id } as const;
      const { factory, config: own } = config.processors.get(id)!;
      const settings = settingsOf("processor", id, signal, pipeline.id);
      const component = created(place, () => factory.create(settings, own, next.consumer));
      // One that hands on the buffer that it was given exposes it to all that come after.
      head = { consumer: component, mutatesData: component.capabilities.mutatesData || next.mutatesData };
      chain.unshift({ ...place, component });
    }
    processors.push(chain);
    for (const id of pipeline.receivers) {
      const key = `${signal} ${id}`;
      const fed = fedBy.get(key);
      if (fed === undefined) fedBy.set(key, { id, signal, heads: [head] });
      else fed.heads.push(head);
    }
  }

  const receivers = [...fedBy.values()].map(({ id, signal, heads }) => {
    const place = { kind: "receiver", id, signal } as const;
    const { factory, config: own } = config.receivers.get(id)!;
    const next = fanOut(heads).consumer;
    return { ...place, component: created(place, () => factory.create(settingsOf("receiver", id, signal), own, next)) };
  });
  return { receivers, processors, exporters: [...exporters.values()].map(({ node }) => node) };
}

/** A component could not be created, started or stopped. */
export class ComponentError extends Error {
  override readonly name: string = "ComponentError";
  readonly kind: ComponentKind;
  readonly id: string;
  readonly signal: Signal;

  /** @param doing what failed: `cannot be started` */
  constructor(place: Omit<Node, "component">, doing: string, cause: unknown) {
    const { kind, id, signal, pipeline } = place;
    const where = pipeline === undefined ? signal : `pipeline ${pipeline}`;
    super(`${kind} "${id}" (${where}) ${doing}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.kind = kind;
    this.id = id;
    this.signal = signal;
  }
}

function created<T>(place: Omit<Node, "component">, create: () => T): T {
  try {
    return create();
  } catch (error) {
    throw new ComponentError(place, "cannot be created", error);
  }
}
