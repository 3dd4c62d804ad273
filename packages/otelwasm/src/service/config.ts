import type { ComponentKind } from "../component/component.ts";
import { ConfigError } from "../component/errors.ts";
import type {
  ConnectorFactory,
  ExporterFactory,
  ExtensionFactory,
  ProcessorFactory,
  ReceiverFactory,
} from "../component/factory.ts";
import { isMap, type Tree, unwrap } from "../config/expanded.ts";
import { nearest, suggestion } from "../config/nearest.ts";
import { applySchema } from "../config/schema.ts";
import { checkConnectors } from "./connectors.ts";
import { type FactorySet, TYPE_PATTERN, typeOf } from "./factories.ts";
import { checkPipelines, type PipelineConfig } from "./pipelines.ts";
import { readService, type ServiceSettings } from "./settings.ts";

/** A component of a configuration: checked, with its defaults. */
interface Configured<F> {
  /** As in the configuration: `type` or `type/name`. */
  readonly id: string;
  readonly factory: F;
  /** What the factory's schema gave back. */
  readonly config: unknown;
  /** What it was read from. */
  readonly raw: unknown;
}

/** A whole configuration that can be run. */
export interface ServiceConfig {
  readonly receivers: ReadonlyMap<string, Configured<ReceiverFactory>>;
  readonly processors: ReadonlyMap<string, Configured<ProcessorFactory>>;
  readonly exporters: ReadonlyMap<string, Configured<ExporterFactory>>;
  readonly connectors: ReadonlyMap<string, Configured<ConnectorFactory>>;
  readonly extensions: ReadonlyMap<string, Configured<ExtensionFactory>>;
  readonly pipelines: readonly PipelineConfig[];
  /** The ids of the extensions that are used, in the order in which they are to start. */
  readonly serviceExtensions: readonly string[];
  readonly logs: ServiceSettings["logs"];
  readonly metrics: ServiceSettings["metrics"];
  readonly resource: ServiceSettings["resource"];
  /** What `service::telemetry` was read from, the log aside. */
  readonly telemetry: Tree;
  readonly traces: ServiceSettings["traces"];
  /** Configured, and not used: one sentence for each. */
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
  const connectors = readComponents("connector", raw, factories, issues);
  const extensions = readComponents("extension", raw, factories, issues);

  const service = readService(raw.service, issues);
  const known = {
    receiver: receivers.known,
    processor: processors.known,
    exporter: exporters.known,
    connector: connectors.known,
  };
  const serviceExtensions = [...new Set(service.extensions)];
  for (const id of serviceExtensions) {
    if (!extensions.known.has(id)) {
      issues.push(`service::extensions: references extension "${id}" which is not configured`);
    }
  }
  const pipelines = checkPipelines(service.pipelines, known, issues);
  checkConnectors(pipelines, known, issues);
  if (issues.length > 0) throw new ConfigError(issues);

  // That an id is in two sections which one list of a pipeline may refer to was refused.
  const used = {
    receiver: new Set(pipelines.flatMap((pipeline) => pipeline.receivers)),
    processor: new Set(pipelines.flatMap((pipeline) => pipeline.processors)),
    exporter: new Set(pipelines.flatMap((pipeline) => pipeline.exporters)),
    connector: new Set(pipelines.flatMap((pipeline) => [...pipeline.receivers, ...pipeline.exporters])),
  };
  const unused = (kind: keyof typeof used, ids: Iterable<string>): string[] =>
    [...ids].filter((id) => !used[kind].has(id)).map((id) => `${kind} "${id}" is configured, but in no pipeline`);
  return {
    receivers: receivers.components,
    processors: processors.components,
    exporters: exporters.components,
    connectors: connectors.components,
    extensions: extensions.components,
    pipelines,
    serviceExtensions,
    logs: service.logs,
    metrics: service.metrics,
    resource: service.resource,
    telemetry: telemetryOf(raw),
    traces: service.traces,
    unused: [
      ...unused("receiver", receivers.components.keys()),
      ...unused("processor", processors.components.keys()),
      ...unused("exporter", exporters.components.keys()),
      ...unused("connector", connectors.components.keys()),
      ...[...extensions.components.keys()]
        .filter((id) => !serviceExtensions.includes(id))
        .map((id) => `extension "${id}" is configured, but not in service::extensions`),
    ],
  };
}

function telemetryOf(raw: Tree): Tree {
  const service = unwrap(raw.service);
  const telemetry = isMap(service) ? unwrap(service.telemetry) : undefined;
  const { logs: _, ...rest } = isMap(telemetry) ? telemetry : {};
  return rest;
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
  const known = new Map<string, Factory | undefined>();
  const entries = Object.entries(sectionOf(raw, section, issues));
  for (const [id, value] of entries) {
    const factory = factoryOf(kind, id, factories, issues);
    known.set(id, factory);
    if (factory === undefined) continue;
    const checked = applySchema(factory.schema, value, [section, id]);
    if (checked.ok) components.set(id, { id, factory, config: checked.value, raw: value });
    else issues.push(...checked.issues);
  }
  return { components, known };
}

function factoryOf<K extends ComponentKind>(kind: K, id: string, factories: FactorySet, issues: string[]) {
  const at = `${kind}s::${id}`;
  const slash = id.indexOf("/");
  const type = typeOf(id);
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
