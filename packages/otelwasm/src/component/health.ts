import type { ComponentKind, Signal } from "./component.ts";

/**
 * How a component is, in the words of the Collector's `componentstatus`. `None`: it has not been started.
 *
 * - `RecoverableError`: it does not work now, and tries to.
 * - `PermanentError`: it will not work again without a person; the other pipelines go on.
 * - `FatalError`: the whole collector cannot go on. Whoever runs it shuts it down; the command does.
 *
 * Source: https://github.com/open-telemetry/opentelemetry-collector/blob/main/docs/component-status.md
 */
export const COMPONENT_STATUSES = [
  "None",
  "Starting",
  "OK",
  "RecoverableError",
  "PermanentError",
  "FatalError",
  "Stopping",
  "Stopped",
] as const;
export type ComponentStatus = (typeof COMPONENT_STATUSES)[number];

/** What a component says of itself while it runs. `Starting`, `Stopping` and `Stopped` are the service's to say. */
export interface StatusReport {
  readonly status: "OK" | "RecoverableError" | "PermanentError" | "FatalError";
  /** Why, for a person. */
  readonly error?: string;
  /** The component has told the log itself: the service then does so only at debug level. */
  readonly logged?: boolean;
}

/**
 * How one instance is: receivers and exporters are there once for each (signal, id), connectors for each (signal, output signal, id), processors for each (pipeline,
 * id), extensions once.
 */
export interface ComponentHealth {
  readonly kind: ComponentKind;
  /** `type` or `type/name`, as in the configuration. */
  readonly id: string;
  /** Not of an extension. Of a connector: what it takes. */
  readonly signal?: Signal;
  /** Of a connector: what it gives. */
  readonly outputSignal?: Signal;
  /** Of a processor. */
  readonly pipeline?: string;
  readonly status: ComponentStatus;
  /** Why it does not work; absent while it does. */
  readonly error?: string;
  /** When this status was entered, or its error changed. */
  readonly since: Date;
}

export interface PipelineHealth {
  /** Of its components together: `aggregateStatus`. `OK`: it can take data. */
  readonly status: ComponentStatus;
  /** In the order that data takes. */
  readonly components: readonly ComponentHealth[];
}

/** How a collector is: a snapshot. */
export interface Health {
  /** Of all pipelines and extensions together. */
  readonly status: ComponentStatus;
  /** By id, as in the configuration. A component that several pipelines share is in each. */
  readonly pipelines: Readonly<Record<string, PipelineHealth>>;
  readonly extensions: readonly ComponentHealth[];
}

/** One status for several, by the Collector's rules (`componentstatus.AggregateStatus`). @param statuses none: `None` */
export function aggregateStatus(statuses: readonly ComponentStatus[]): ComponentStatus {
  const found = new Set(statuses);
  if (found.size <= 1) return statuses[0] ?? "None";
  for (const status of ["FatalError", "PermanentError", "Stopping"] as const) if (found.has(status)) return status;
  // Not all are: the others are about to.
  if (found.has("Stopped")) return "Stopping";
  if (found.has("RecoverableError")) return "RecoverableError";
  return "Starting";
}
