import * as z from "zod";
import { type HostPort, word } from "../../config/values.ts";

/** How much is measured. `basic`, `normal` and `detailed` are the same in this version: what there is costs nothing until it is read. */
const METRICS_LEVELS = ["none", "basic", "normal", "detailed"] as const;
type MetricsLevel = (typeof METRICS_LEVELS)[number];

/** Own metrics in Prometheus' text format, for whoever comes and reads them. */
export interface PrometheusReader {
  readonly address: HostPort;
  /** Without the labels `otel_scope_name` and `otel_scope_version`. */
  readonly withoutScopeInfo: boolean;
  /** Counters without `_total` at the end of their name. */
  readonly withoutTypeSuffix: boolean;
  /** Names without the unit, such as `_seconds`, at their end. */
  readonly withoutUnits: boolean;
  /** The attributes of the resource, such as `service_instance_id`, as labels of each series. */
  readonly resourceLabels: boolean;
}

/** `service::telemetry::metrics` */
export interface MetricsSettings {
  readonly level: MetricsLevel;
  /** `undefined` where the configuration does not say. */
  readonly readers: readonly PrometheusReader[] | undefined;
}

export const DEFAULT_METRICS: MetricsSettings = { level: "normal", readers: undefined };

/** The reader of a Collector whose configuration has none: names as they are in its documentation, the resource in each series. */
export function defaultReader(address: HostPort): PrometheusReader {
  return { address, withoutScopeInfo: true, withoutTypeSuffix: true, withoutUnits: true, resourceLabels: true };
}

const prometheus = z
  .strictObject({
    host: z.string().min(1),
    port: z.int().min(0).max(65_535),
    without_scope_info: z.boolean().default(false),
    without_type_suffix: z.boolean().default(false),
    without_units: z.boolean().default(false),
    with_resource_constant_labels: unsupported("choosing the resource's labels"),
  })
  .transform(
    (given): PrometheusReader => ({
      address: { host: given.host, port: given.port },
      withoutScopeInfo: given.without_scope_info,
      withoutTypeSuffix: given.without_type_suffix,
      withoutUnits: given.without_units,
      resourceLabels: false,
    }),
  );

const reader = z
  .strictObject({
    pull: z
      .strictObject({ exporter: z.strictObject({ prometheus }) })
      .transform(({ exporter }) => exporter.prometheus)
      .optional(),
    periodic: unsupported("pushing own metrics"),
  })
  .transform(({ pull }, context) => {
    if (pull !== undefined) return pull;
    context.addIssue({ code: "custom", message: "must have pull" });
    return z.NEVER;
  });

/** Reads the section; an absent one is `DEFAULT_METRICS`. */
export const metricsSchema: z.ZodType<MetricsSettings> = z
  .strictObject({
    level: word(METRICS_LEVELS).default(DEFAULT_METRICS.level),
    readers: z.array(reader).optional(),
    address: z.never({ error: "the Collector has it no more; use readers" }).optional(),
    views: unsupported("changing own metrics by views"),
  })
  .transform(({ level, readers }, context) => {
    if (level !== "none" && readers?.length === 0) {
      const message = "must have at least one reader, or level: none beside it";
      context.addIssue({ code: "custom", path: ["readers"], message });
      return z.NEVER;
    }
    return { level, readers };
  });

/** A setting of the Collector that this version does not have. */
export function unsupported(what: string): z.ZodOptional<z.ZodNever> {
  return z.never({ error: `${what} is not supported in this version; remove it` }).optional();
}
