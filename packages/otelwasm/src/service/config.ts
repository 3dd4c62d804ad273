import type { ComponentKind, Signal } from "../component/component.ts";
import { ConfigError } from "../component/errors.ts";
import type { ExporterFactory, ProcessorFactory, ReceiverFactory } from "../component/factory.ts";
import { isMap, type Tree, unwrap } from "../config/expanded.ts";
import { nearest, suggestion } from "../config/nearest.ts";
import { applySchema } from "../config/schema.ts";
import { type FactorySet, TYPE_PATTERN } from "./factories.ts";
import { checkPipelines, type PipelineConfig } from "./pipelines.ts";
import { readService, type ServiceSettings } from "./settings.ts";

/** A component of a configuration: checked, with its defaults. */
interface Configured<F> {
  /** As in the configuration: `type` or `type/name`. */
  readonly id: string;
  readonly factory: F;
  /** What the factory's schema gave back. */
  readonly config: unknown;
}

/** A whole configuration that can be run. */
export interface ServiceConfig {
  readonly receivers: ReadonlyMap<string, Configured<ReceiverFactory>>;
  readonly processors: ReadonlyMap<string, Configured<ProcessorFactory>>;
  readonly exporters: ReadonlyMap<string, Configured<ExporterFactory>>;
  readonly pipelines: readonly PipelineConfig[];
  readonly logs: ServiceSettings["logs"];
  /** Configured, but in no pipeline: `receiver "otlp/2"`. */
  readonly unused: readonly string[];
}

const SECTIONS = ["receivers", "processors", "exporters", "connectors", "extensions", "service"] as const;
/** Any visible characters that are neither space nor symbol, as in the Collector. */
const NAME_PATTERN = /^[^\p{Z}\p{C}\p{S}]{1,1024}$/u;

/**
 * Checks a whole configuration against the component types that exist.
 *
 * @throws ConfigError that lists everything that is wrong, each with its path
 */
export function resolveConfig(raw: Tree, factories: FactorySet): ServiceConfig {
  const issues: string[] = [];
  for (const key of Object.keys(raw)) {
    if (!(SECTIONS as readonly string[]).includes(key)) issues.push(`${key}: unknown key${suggestion(key, SECTIONS)}`);
  }
  const receivers = readComponents("receiver", raw, factories, issues);
  const processors = readComponents("processor", raw, factories, issues);
  const exporters = readComponents("exporter", raw, factories, issues);
  refuseUnsupported("connectors", raw, issues);
  refuseUnsupported("extensions", raw, issues);

  const service = readService(raw.service, issues);
  const known: Record<ComponentKind, ReadonlyMap<string, readonly Signal[] | undefined>> = {
    receiver: receivers.signals,
    processor: processors.signals,
    exporter: exporters.signals,
  };
  const pipelines = checkPipelines(service.pipelines, known, issues);
  if (issues.length > 0) throw new ConfigError(issues);

  const used = new Set(
    pipelines.flatMap((pipeline) => [
      ...pipeline.receivers.map((id) => `receiver "${id}"`),
      ...pipeline.processors.map((id) => `processor "${id}"`),
      ...pipeline.exporters.map((id) => `exporter "${id}"`),
    ]),
  );
  const configured = [
    ...[...receivers.components.keys()].map((id) => `receiver "${id}"`),
    ...[...processors.components.keys()].map((id) => `processor "${id}"`),
    ...[...exporters.components.keys()].map((id) => `exporter "${id}"`),
  ];
  return {
    receivers: receivers.components,
    processors: processors.components,
    exporters: exporters.components,
    pipelines,
    logs: service.logs,
    unused: configured.filter((name) => !used.has(name)),
  };
}

function sectionOf(raw: Tree, section: string, issues: string[]): Tree {
  const value = unwrap(raw[section]);
  if (value === undefined || value === null) return {};
  if (isMap(value)) return value;
  issues.push(`${section}: must be a map, not ${Array.isArray(value) ? "a list" : `a ${typeof value}`}`);
  return {};
}

function readComponents<K extends ComponentKind>(kind: K, raw: Tree, factories: FactorySet, issues: string[]) {
  type Factory = NonNullable<ReturnType<typeof factories.get<K>>>;
  const section = `${kind}s`;
  const components = new Map<string, Configured<Factory>>();
  /** Of every id that stands there, also of one that is wrong: no second error about the same mistake. */
  const signals = new Map<string, readonly Signal[] | undefined>();
  const entries = Object.entries(sectionOf(raw, section, issues));
  for (const [id, value] of entries) {
    const factory = factoryOf(kind, id, factories, issues);
    signals.set(id, factory?.signals);
    if (factory === undefined) continue;
    const checked = applySchema(factory.schema, value, [section, id]);
    if (checked.ok) components.set(id, { id, factory, config: checked.value });
    else issues.push(...checked.issues);
  }
  return { components, signals };
}

function factoryOf<K extends ComponentKind>(kind: K, id: string, factories: FactorySet, issues: string[]) {
  const at = `${kind}s::${id}`;
  const slash = id.indexOf("/");
  const type = slash < 0 ? id : id.slice(0, slash);
  if (!TYPE_PATTERN.test(type)) {
    issues.push(`${at}: invalid type ${JSON.stringify(type)}: must match ${TYPE_PATTERN.source}`);
    return undefined;
  }
  if (slash >= 0 && !NAME_PATTERN.test(id.slice(slash + 1))) {
    const name = id.slice(slash + 1);
    issues.push(
      name === ""
        ? `${at}: the name after the slash is missing`
        : `${at}: the name after the slash has characters that are not allowed`,
    );
    return undefined;
  }
  const factory = factories.get(kind, type);
  if (factory === undefined) {
    const known = factories.list(kind).flatMap((each) => [each.type, ...(each.aliases ?? [])]);
    const near = nearest(type, known);
    const hint = near === undefined ? "" : `did you mean ${JSON.stringify(near)}? `;
    issues.push(`${at}: unknown ${kind} type "${type}"; ${hint}known types: ${known.sort().join(", ") || "none"}`);
  }
  return factory;
}

function refuseUnsupported(section: "connectors" | "extensions", raw: Tree, issues: string[]): void {
  for (const id of Object.keys(sectionOf(raw, section, issues))) {
    issues.push(`${section}::${id}: ${section} are not supported in this version; remove it`);
  }
}
