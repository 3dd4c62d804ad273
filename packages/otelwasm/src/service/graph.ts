import type { Meter } from "@opentelemetry/api";
import type { Component, ComponentKind, Endpoint, Extension, Receiver, Signal } from "../component/component.ts";
import type { ComponentSettings, ExtensionHost, Host } from "../component/factory.ts";
import type { Logger } from "../component/logger.ts";
import type { Measuring } from "../component/measuring.ts";
import type { ServiceConfig } from "./config.ts";
import { countIncoming, countOutgoing } from "./counting.ts";
import { type Branch, fanOut } from "./fanout.ts";
import type { InstanceStatus, Place, StatusBoard } from "./status.ts";

/** A component that runs: receivers and exporters are there once for each (signal, id), processors for each (pipeline, id), extensions once. */
export interface Node extends Place {
  readonly component: Component;
  readonly status: InstanceStatus;
}

/** The components of a configuration, connected. */
export interface Graph {
  /** In the order of `service::extensions`. */
  readonly extensions: readonly (Node & { readonly component: Extension })[];
  /** As they stand in the configuration. */
  readonly receivers: readonly (Node & { readonly component: Receiver })[];
  /** One list for each pipeline, in the order that data takes. */
  readonly processors: readonly (readonly Node[])[];
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
  readonly board: StatusBoard;
}

/**
 * Creates the components and connects them; nothing is started.
 *
 * @throws ComponentError that names the component whose factory failed
 */
export function buildGraph(config: ServiceConfig, surroundings: Surroundings): Graph {
  const { board, measuring } = surroundings;
  const shared = new Map<string, unknown>();
  const settingsOf = (place: Place & { readonly signal: Signal }) => {
    const { status, common } = introduce(place, surroundings);
    const settings: ComponentSettings = { ...common, signal: place.signal, shared, host };
    return { status, settings };
  };

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

  const exporters = new Map<string, { node: Node; branch: Branch }>();
  for (const { signal, exporters: ids } of config.pipelines) {
    for (const id of ids) {
      const key = `${signal} ${id}`;
      if (exporters.has(key)) continue;
      const place = { kind: "exporter", id, signal } as const;
      const { status, settings } = settingsOf(place);
      const { factory, config: own } = config.exporters.get(id)!;
      const component = created(place, () => factory.create(settings, own));
      const branch = { consumer: component, mutatesData: component.capabilities.mutatesData };
      exporters.set(key, { node: { ...place, status, component }, branch });
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
      const { status, settings } = settingsOf(place);
      const component = created(place, () =>
        factory.create(settings, own, countOutgoing(measuring, place, next.consumer)),
      );
      const consumer = countIncoming(measuring, place, component);
      // One that hands on the buffer that it was given exposes it to all that come after.
      head = { consumer, mutatesData: component.capabilities.mutatesData || next.mutatesData };
      chain.unshift({ ...place, status, component });
    }
    processors.push(chain);
    for (const id of pipeline.receivers) {
      const key = `${signal} ${id}`;
      const fed = fedBy.get(key);
      if (fed === undefined) fedBy.set(key, { id, signal, heads: [head] });
      else fed.heads.push(head);
    }
  }

  const receivers = new Map<string, Node & { readonly component: Receiver }>();
  for (const [key, { id, signal, heads }] of fedBy) {
    const place = { kind: "receiver", id, signal } as const;
    const { factory, config: own } = config.receivers.get(id)!;
    const { status, settings } = settingsOf(place);
    const next = fanOut(heads).consumer;
    receivers.set(key, { ...place, status, component: created(place, () => factory.create(settings, own, next)) });
  }

  for (const [index, { id, signal, receivers: sources, exporters: targets }] of config.pipelines.entries()) {
    const members = [
      ...sources.map((source) => receivers.get(`${signal} ${source}`)!),
      ...processors[index]!,
      ...targets.map((target) => exporters.get(`${signal} ${target}`)!.node),
    ];
    board.join(
      id,
      members.map(({ status }) => status),
    );
  }
  return {
    extensions,
    receivers: [...receivers.values()],
    processors,
    exporters: [...exporters.values()].map(({ node }) => node),
  };
}

/** What every instance gets, whatever its kind. */
function introduce(place: Place, { logger, meter, measuring, board }: Surroundings) {
  const { kind, id, signal, pipeline } = place;
  const attributes = {
    "otelcol.component.id": id,
    "otelcol.component.kind": kind,
    ...(signal === undefined ? {} : { "otelcol.signal": signal }),
    ...(pipeline === undefined ? {} : { "otelcol.pipeline.id": pipeline }),
  };
  const own = logger.child(attributes);
  const status = board.add(place, own);
  const reportStatus: ComponentSettings["reportStatus"] = (report) => status.report(report);
  return { status, common: { id, logger: own, meter, measuring, attributes, reportStatus } };
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
    const { kind, id, signal, pipeline } = place;
    const where = pipeline === undefined ? signal : `pipeline ${pipeline}`;
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
