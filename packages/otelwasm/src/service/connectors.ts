import type { ConnectorFactory, SignalPair } from "../component/factory.ts";
import type { KnownComponents, PipelineConfig } from "./pipelines.ts";

type Pairs = Pick<ConnectorFactory, "pairs">;

/** The pipelines that a connector ends, and those that it begins. */
interface Uses {
  readonly ends: readonly PipelineConfig[];
  readonly begins: readonly PipelineConfig[];
}

function usesOf(id: string, pipelines: readonly PipelineConfig[]): Uses {
  return {
    ends: pipelines.filter(({ exporters }) => exporters.includes(id)),
    begins: pipelines.filter(({ receivers }) => receivers.includes(id)),
  };
}

/** From which signal to which a connector connects pipelines: an instance of it for each. */
export function pairsInUse(id: string, { pairs }: Pairs, pipelines: readonly PipelineConfig[]): readonly SignalPair[] {
  const { ends, begins } = usesOf(id, pipelines);
  return pairs.filter(
    ({ from, to }) => ends.some(({ signal }) => signal === from) && begins.some(({ signal }) => signal === to),
  );
}

/** Checks how the pipelines use connectors, and adds what is wrong to the issues: the Collector's rules, in its words. */
export function checkConnectors(pipelines: readonly PipelineConfig[], known: KnownComponents, issues: string[]): void {
  const connectors = new Map<string, Pairs>();
  for (const [id, factory] of known.connector) {
    const other = (["exporter", "receiver"] as const).find((kind) => known[kind].has(id));
    if (other !== undefined) {
      issues.push(
        `connectors::${id}: ambiguous ID: Found both "${id}" ${other} and "${id}" connector. Change one of the components' IDs to eliminate ambiguity (e.g. rename "${id}" connector to "${id}/connector")`,
      );
    } else if (factory !== undefined) {
      checkUses(id, factory, pipelines, issues);
      connectors.set(id, factory);
    }
  }
  const cycle = findCycle(pipelines, connectors);
  if (cycle !== undefined) issues.push(`service::pipelines: cycle detected: ${cycle.join(" -> ")}`);
}

function checkUses(id: string, factory: Pairs, pipelines: readonly PipelineConfig[], issues: string[]): void {
  const { ends, begins } = usesOf(id, pipelines);
  const used = pairsInUse(id, factory, pipelines);
  for (const signal of new Set(ends.map((pipeline) => pipeline.signal))) {
    if (used.some(({ from }) => from === signal)) continue;
    issues.push(
      `service::pipelines: connector "${id}" used as exporter in ${signal} pipeline but not used in any supported receiver pipeline`,
    );
  }
  for (const signal of new Set(begins.map((pipeline) => pipeline.signal))) {
    if (used.some(({ to }) => to === signal)) continue;
    issues.push(
      `service::pipelines: connector "${id}" used as receiver in ${signal} pipeline but not used in any supported exporter pipeline`,
    );
  }
}

/** The first way that leads back to its beginning, told from a connector on and with that one again at its end. */
function findCycle(
  pipelines: readonly PipelineConfig[],
  connectors: ReadonlyMap<string, Pairs>,
): readonly string[] | undefined {
  /** Instances of connectors that lead to no cycle. */
  const harmless = new Set<string>();
  /** The instances that lead to the one that is looked at, each with the processors behind it. */
  const way: { readonly name: string; processors: readonly string[] }[] = [];

  const visit = (id: string, pair: SignalPair): readonly string[] | undefined => {
    const name = `connector "${id}" (${pair.from} to ${pair.to})`;
    if (harmless.has(name)) return undefined;
    const first = way.findIndex((each) => each.name === name);
    if (first >= 0) return [...way.slice(first).flatMap((each) => [each.name, ...each.processors]), name];
    const here = { name, processors: [] as readonly string[] };
    way.push(here);
    for (const pipeline of pipelines) {
      if (pipeline.signal !== pair.to || !pipeline.receivers.includes(id)) continue;
      here.processors = pipeline.processors.map((each) => `processor "${each}" in pipeline "${pipeline.id}"`);
      for (const next of pipeline.exporters) {
        for (const taken of instancesFrom(next, pipeline, pipelines, connectors)) {
          const cycle = visit(next, taken);
          if (cycle !== undefined) return cycle;
        }
      }
    }
    way.pop();
    harmless.add(name);
    return undefined;
  };

  for (const [id, factory] of connectors) {
    for (const pair of pairsInUse(id, factory, pipelines)) {
      const cycle = visit(id, pair);
      if (cycle !== undefined) return cycle;
    }
  }
  return undefined;
}

/** The instances of what may be a connector that take what a pipeline ends with. */
function instancesFrom(
  id: string,
  { signal }: PipelineConfig,
  pipelines: readonly PipelineConfig[],
  connectors: ReadonlyMap<string, Pairs>,
): readonly SignalPair[] {
  const factory = connectors.get(id);
  return factory === undefined ? [] : pairsInUse(id, factory, pipelines).filter(({ from }) => from === signal);
}
