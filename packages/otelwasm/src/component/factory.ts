import type { Meter } from "@opentelemetry/api";
import type { ZodType } from "zod";
import type { Signal } from "../telemetry/batch.ts";
import type { Connector, Consumer, Exporter, Extension, Processor, Receiver } from "./component.ts";
import type { Health, StatusReport } from "./health.ts";
import type { Logger } from "./logger.ts";
import type { Measuring } from "./measuring.ts";
import type { Ports } from "./ports.ts";
import type { Tracing } from "./tracing.ts";

/** What a component of any kind is told about itself. */
interface CommonSettings {
  /** `type` or `type/name`, as in the configuration. */
  readonly id: string;
  /** Names the component (and, for processors, its pipeline) in each line. */
  readonly logger: Logger;
  /** Makes instruments for the collector's own metrics; one for all components, so each gives its `attributes` to what it measures. */
  readonly meter: Meter;
  /** For what is counted where data passes. Undefined: own metrics are off, so there is nothing to count for. */
  readonly measuring?: Measuring | undefined;
  /** For what begins with a batch. Undefined: there are no own traces. */
  readonly tracing?: Tracing | undefined;
  /** What tells this instance from all others in own telemetry: `otelcol.component.id` and the like. The logger has them already. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Tells the service how the component is, between the end of `start` and `shutdown`: only of changes, and it never throws. */
  readonly reportStatus: (report: StatusReport) => void;
  /** For whoever listens. Undefined: nobody hands a port over. */
  readonly ports?: Ports | undefined;
}

/** What a component of a pipeline is told about itself. */
export interface ComponentSettings extends CommonSettings {
  readonly signal: Signal;
  /**
   * One map for all the components of a service. A receiver that serves several signals behind one port keeps its server
   * here, keyed by its id: receivers and exporters are created once per (signal, id), processors once per (pipeline, id).
   */
  readonly shared: Map<string, unknown>;
  readonly host: Host;
}

/** What a connector is told about itself: `signal` is what it takes. */
export interface ConnectorSettings extends ComponentSettings {
  /** What it gives to the pipelines that it begins. */
  readonly outputSignal: Signal;
}

/** What a component can ask of the collector that it belongs to. */
export interface Host {
  /** An extension of `service::extensions` by its id; they are all created before the first component of a pipeline, and started before it is. */
  extension(id: string): Extension | undefined;
}

/** What an extension can ask of the collector that it belongs to. */
export interface ExtensionHost extends Host {
  /** How the collector is now. */
  health(): Health;
}

/** What an extension is told about itself. */
export interface ExtensionSettings extends CommonSettings {
  readonly host: ExtensionHost;
}

interface FactoryBase<C> {
  /** `^[a-zA-Z][0-9a-zA-Z_]{0,62}$` */
  readonly type: string;
  /** Other names that configurations may use for the type. */
  readonly aliases?: readonly string[];
  /** One line for `otelwasm components`. */
  readonly description: string;
  /** Strict, with the defaults: what it gives back is what `create` gets. An absent configuration is parsed as `{}`. */
  readonly schema: ZodType<C>;
  /**
   * What a component is made of besides its configuration, as a text that tells one from another: when a configuration is reloaded, a component whose text has changed is replaced.
   * Default: nothing.
   */
  fingerprint?(config: C): Promise<string>;
}

interface PipelineFactoryBase<C> extends FactoryBase<C> {
  readonly signals: readonly Signal[];
}

export interface ReceiverFactory<C = unknown> extends PipelineFactoryBase<C> {
  readonly kind: "receiver";
  create(settings: ComponentSettings, config: C, next: Consumer): Receiver;
}

export interface ProcessorFactory<C = unknown> extends PipelineFactoryBase<C> {
  readonly kind: "processor";
  create(settings: ComponentSettings, config: C, next: Consumer): Processor;
}

export interface ExporterFactory<C = unknown> extends PipelineFactoryBase<C> {
  readonly kind: "exporter";
  create(settings: ComponentSettings, config: C): Exporter;
}

/** What a connector can take, and give for it. */
export interface SignalPair {
  readonly from: Signal;
  readonly to: Signal;
}

export interface ConnectorFactory<C = unknown> extends FactoryBase<C> {
  readonly kind: "connector";
  readonly pairs: readonly SignalPair[];
  /** @param next gives a batch to all pipelines of the output signal that have the connector as a receiver */
  create(settings: ConnectorSettings, config: C, next: Consumer): Connector;
}

export interface ExtensionFactory<C = unknown> extends FactoryBase<C> {
  readonly kind: "extension";
  create(settings: ExtensionSettings, config: C): Extension;
}

export type ComponentFactory =
  | ReceiverFactory
  | ProcessorFactory
  | ExporterFactory
  | ConnectorFactory
  | ExtensionFactory;

/** Loses the configuration's type, which only the factory itself needs: the schema has produced what `create` takes. */
export function defineReceiver<C>(factory: ReceiverFactory<C>): ReceiverFactory {
  return factory as ReceiverFactory;
}

export function defineProcessor<C>(factory: ProcessorFactory<C>): ProcessorFactory {
  return factory as ProcessorFactory;
}

export function defineExporter<C>(factory: ExporterFactory<C>): ExporterFactory {
  return factory as ExporterFactory;
}

export function defineConnector<C>(factory: ConnectorFactory<C>): ConnectorFactory {
  return factory as ConnectorFactory;
}

export function defineExtension<C>(factory: ExtensionFactory<C>): ExtensionFactory {
  return factory as ExtensionFactory;
}
