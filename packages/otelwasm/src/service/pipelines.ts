import type { PipelineComponentKind } from "../component/component.ts";
import type { ConnectorFactory } from "../component/factory.ts";
import { suggestion } from "../config/nearest.ts";
import { SIGNALS, type Signal } from "../telemetry/batch.ts";
import type { PipelineSettings } from "./settings.ts";

export interface PipelineConfig extends PipelineSettings {
  /** `signal` or `signal/name` */
  readonly id: string;
  readonly signal: Signal;
}

/** What is configured, with the signals that it supports; `undefined` for an id of an unknown type. */
export type KnownComponents = Readonly<
  Record<PipelineComponentKind, ReadonlyMap<string, { readonly signals: readonly Signal[] } | undefined>>
> & { readonly connector: ReadonlyMap<string, Pick<ConnectorFactory, "pairs"> | undefined> };

/**
 * Checks `service::pipelines`, and adds what is wrong to the issues.
 *
 * @param pipelines `undefined` where they could not be read, which is an issue already
 */
export function checkPipelines(
  pipelines: Readonly<Record<string, PipelineSettings>> | undefined,
  known: KnownComponents,
  issues: string[],
): PipelineConfig[] {
  if (pipelines === undefined) return [];
  const entries = Object.entries(pipelines);
  if (entries.length === 0) issues.push("service::pipelines: must have at least one pipeline");
  const checked: PipelineConfig[] = [];
  for (const [id, pipeline] of entries) {
    const signal = signalOf(id, issues);
    checkReferences("receiver", pipeline.receivers, id, signal, known, issues);
    checkReferences("processor", pipeline.processors, id, signal, known, issues);
    checkReferences("exporter", pipeline.exporters, id, signal, known, issues);
    if (signal === undefined) continue;
    checked.push({
      id,
      signal,
      // Twice the same is once; only of processors would a second make a difference.
      receivers: [...new Set(pipeline.receivers)],
      processors: pipeline.processors,
      exporters: [...new Set(pipeline.exporters)],
    });
  }
  return checked;
}

function signalOf(id: string, issues: string[]): Signal | undefined {
  const [word, ...name] = id.split("/");
  const signal = SIGNALS.find((known) => known === word);
  if (signal === undefined) {
    issues.push(`service::pipelines::${id}: unknown signal ${JSON.stringify(word)}${suggestion(word!, SIGNALS)}`);
  } else if (name.length > 0 && name.join("/") === "") {
    issues.push(`service::pipelines::${id}: the name after the slash is missing`);
  }
  return signal;
}

function checkReferences(
  kind: PipelineComponentKind,
  ids: readonly string[],
  pipeline: string,
  signal: Signal | undefined,
  known: KnownComponents,
  issues: string[],
): void {
  const at = `service::pipelines::${pipeline}`;
  if (ids.length === 0 && kind !== "processor") issues.push(`${at}: must have at least one ${kind}`);
  for (const id of new Set(ids)) {
    // Which signals it can connect is a matter of several pipelines: `checkConnectors`.
    if (kind !== "processor" && !known[kind].has(id) && known.connector.has(id)) continue;
    if (!known[kind].has(id)) {
      issues.push(`${at}: references ${kind} "${id}" which is not configured`);
      continue;
    }
    if (kind === "processor" && ids.indexOf(id) !== ids.lastIndexOf(id)) {
      issues.push(`${at}: references processor "${id}" multiple times`);
    }
    const signals = known[kind].get(id)?.signals;
    if (signals !== undefined && signal !== undefined && !signals.includes(signal)) {
      issues.push(`${at}: ${kind} "${id}" does not support ${signal}; it supports ${signals.join(", ")}`);
    }
  }
}
