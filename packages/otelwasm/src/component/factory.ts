import type { ZodType } from "zod";
import type { Signal } from "../telemetry/batch.ts";
import type { Consumer, Exporter, Processor, Receiver } from "./component.ts";
import type { Logger } from "./logger.ts";

/** What a component is told about itself. */
export interface ComponentSettings {
  /** `type` or `type/name`, as in the configuration. */
  readonly id: string;
  readonly signal: Signal;
  /** Names the component (and, for processors, its pipeline) in each line. */
  readonly logger: Logger;
  /**
   * One map for all the components of a service. A receiver that serves several signals behind one port keeps its server
   * here, keyed by its id: receivers and exporters are created once per (signal, id), processors once per (pipeline, id).
   */
  readonly shared: Map<string, unknown>;
}

interface FactoryBase<C> {
  /** `^[a-zA-Z][0-9a-zA-Z_]{0,62}$` */
  readonly type: string;
  /** Other names that configurations may use for the type. */
  readonly aliases?: readonly string[];
  readonly signals: readonly Signal[];
  /** One line for `otelwasm components`. */
  readonly description: string;
  /** Strict, with the defaults: what it gives back is what `create` gets. An absent configuration is parsed as `{}`. */
  readonly schema: ZodType<C>;
}

export interface ReceiverFactory<C = unknown> extends FactoryBase<C> {
  readonly kind: "receiver";
  create(settings: ComponentSettings, config: C, next: Consumer): Receiver;
}

export interface ProcessorFactory<C = unknown> extends FactoryBase<C> {
  readonly kind: "processor";
  create(settings: ComponentSettings, config: C, next: Consumer): Processor;
}

export interface ExporterFactory<C = unknown> extends FactoryBase<C> {
  readonly kind: "exporter";
  create(settings: ComponentSettings, config: C): Exporter;
}

export type ComponentFactory = ReceiverFactory | ProcessorFactory | ExporterFactory;

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
