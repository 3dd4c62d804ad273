import { isDeepStrictEqual } from "node:util";
import type { ComponentKind } from "../component/component.ts";
import type { ServiceConfig } from "./config.ts";
import { type Graph, NOTHING_STAYS, type Staying } from "./graph.ts";
import type { Node } from "./instances.ts";

/** What components are made of besides their configuration, by kind and id: what `fingerprint` of their factories said. */
export type Fingerprints = ReadonlyMap<string, string>;

const SECTIONS = {
  receiver: "receivers",
  processor: "processors",
  exporter: "exporters",
  connector: "connectors",
  extension: "extensions",
} as const satisfies Readonly<Record<ComponentKind, keyof ServiceConfig>>;

/** Of all components that are used. What cannot be looked at has none: whoever starts the component says why. */
export async function fingerprintsOf(config: ServiceConfig): Promise<Fingerprints> {
  const used = new Set([
    ...config.serviceExtensions,
    ...config.pipelines.flatMap((pipeline) => [...pipeline.receivers, ...pipeline.processors, ...pipeline.exporters]),
  ]);
  const found = new Map<string, string>();
  for (const [kind, section] of Object.entries(SECTIONS)) {
    for (const { id, factory, config: own } of config[section].values()) {
      if (factory.fingerprint === undefined || !used.has(id)) continue;
      try {
        found.set(`${kind} ${id}`, await factory.fingerprint(own));
      } catch {
        // Missing is another than any.
      }
    }
  }
  return found;
}

/** A configuration that runs, or is to. */
export interface Side {
  readonly config: ServiceConfig;
  readonly fingerprints: Fingerprints;
}

/**
 * The instances that can stay when another configuration takes the place of the one that they were created for: all of an id, if nothing of what they are made of has changed,
 * nor an extension that one of them has asked for, and if none of them has failed for good. How pipelines are composed does not matter.
 */
export function stayingOf(graph: Graph, before: Side, after: Side): Staying {
  if (!sameTelemetry(before.config, after.config)) return NOTHING_STAYS;
  const unchanged = (kind: ComponentKind, id: string): boolean => {
    const old = before.config[SECTIONS[kind]].get(id);
    const next = after.config[SECTIONS[kind]].get(id);
    const key = `${kind} ${id}`;
    return (
      old !== undefined &&
      old.factory === next?.factory &&
      isDeepStrictEqual(old.raw, next.raw) &&
      before.fingerprints.get(key) === after.fingerprints.get(key)
    );
  };
  const groups = <N extends Node>(nodes: readonly N[], stays: (group: readonly N[]) => boolean): N[] =>
    [...Map.groupBy(nodes, ({ id }) => id).values()]
      .filter(
        (group) =>
          unchanged(group[0]!.kind, group[0]!.id) &&
          group.every(({ status }) => status.health.status === "OK" || status.health.status === "RecoverableError") &&
          stays(group),
      )
      .flat();

  let extensions = groups(graph.extensions, ([node]) => after.config.serviceExtensions.includes(node!.id));
  const seesTheSame = (node: Node): boolean =>
    [...node.extensions.asked].every((id) => {
      const seen = node.extensions.all.get(id);
      const stays = extensions.find((each) => each.id === id)?.component;
      return seen === undefined ? !after.config.serviceExtensions.includes(id) : seen === stays;
    });
  for (;;) {
    const rest = extensions.filter(seesTheSame);
    if (rest.length === extensions.length) break;
    extensions = rest;
  }
  const all = (group: readonly Node[]): boolean => group.every(seesTheSame);
  return {
    extensions,
    // One server for all of its signals: it does not forget one.
    receivers: groups(graph.receivers, (group) => all(group) && group.every((node) => feeds(node, after.config))),
    processors: groups(graph.processors, all),
    connectors: groups(graph.connectors, all),
    exporters: groups(graph.exporters, all),
  };
}

function feeds({ id, signal }: Node, { pipelines }: ServiceConfig): boolean {
  return pipelines.some((pipeline) => pipeline.signal === signal && pipeline.receivers.includes(id));
}

/** Whether what every component has a part of is as it was. The log is not such a thing: it is exchanged behind them. */
export function sameTelemetry(before: ServiceConfig, after: ServiceConfig): boolean {
  return isDeepStrictEqual(before.telemetry, after.telemetry);
}
