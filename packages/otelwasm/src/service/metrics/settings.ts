import * as z from "zod";
import type { MetricsLevel } from "../../component/measuring.ts";
import { type HostPort, word } from "../../config/values.ts";
import { milliseconds, type OtlpTarget, otlpSchema } from "../telemetry/otlp.ts";
import { type IncludeExclude, includeExclude } from "./include-exclude.ts";
import { type MetricView, viewsSchema } from "./view-settings.ts";

const METRICS_LEVELS = ["none", "basic", "normal", "detailed"] as const satisfies readonly ("none" | MetricsLevel)[];

/** Own metrics in Prometheus' text format, for whoever comes and reads them. */
export interface PrometheusReader {
  readonly type: "prometheus";
  readonly address: HostPort;
  /** Without the labels `otel_scope_name` and `otel_scope_version`. */
  readonly withoutScopeInfo: boolean;
  /** Counters without `_total` at the end of their name. */
  readonly withoutTypeSuffix: boolean;
  /** Names without the unit, such as `_seconds`, at their end. */
  readonly withoutUnits: boolean;
  /** The attributes of the resource, such as `service_instance_id`, that are labels of each series; undefined: none. */
  readonly resourceLabels: IncludeExclude | undefined;
}

/** Own metrics by OTLP, again and again. */
export interface PeriodicReader {
  readonly type: "periodic";
  /** In milliseconds. */
  readonly interval: number;
  /** Of one export, in milliseconds. */
  readonly timeout: number;
  readonly target: OtlpTarget;
}

export type MetricsReader = PrometheusReader | PeriodicReader;

/** `service::telemetry::metrics` */
export interface MetricsSettings {
  readonly level: "none" | MetricsLevel;
  /** `undefined` where the configuration does not say. */
  readonly readers: readonly MetricsReader[] | undefined;
  readonly views: readonly MetricView[];
}

export const DEFAULT_METRICS: MetricsSettings = { level: "normal", readers: undefined, views: [] };

/** The reader of a Collector whose configuration has none: names as they are in its documentation, the resource in each series. */
export function defaultReader(address: HostPort): PrometheusReader {
  const all = { included: [], excluded: [] };
  return {
    type: "prometheus",
    address,
    withoutScopeInfo: true,
    withoutTypeSuffix: true,
    withoutUnits: true,
    resourceLabels: all,
  };
}

const prometheus = z
  .strictObject({
    host: z.string().min(1),
    port: z.int().min(0).max(65_535),
    without_scope_info: z.boolean().default(false),
    without_type_suffix: z.boolean().default(false),
    without_units: z.boolean().default(false),
    with_resource_constant_labels: includeExclude.optional(),
  })
  .transform(
    (given): PrometheusReader => ({
      type: "prometheus",
      address: { host: given.host, port: given.port },
      withoutScopeInfo: given.without_scope_info,
      withoutTypeSuffix: given.without_type_suffix,
      withoutUnits: given.without_units,
      resourceLabels: given.with_resource_constant_labels,
    }),
  );

const periodic = z
  .strictObject({
    interval: milliseconds().min(1).default(60_000),
    timeout: milliseconds().min(1).default(30_000),
    exporter: z.strictObject({
      otlp: otlpSchema("metrics"),
      console: unsupported("writing own metrics to standard output"),
    }),
  })
  .transform(
    ({ interval, timeout, exporter }): PeriodicReader => ({
      type: "periodic",
      interval,
      timeout,
      target: exporter.otlp,
    }),
  );

const reader = z
  .strictObject({
    pull: z
      .strictObject({ exporter: z.strictObject({ prometheus }) })
      .transform(({ exporter }) => exporter.prometheus)
      .optional(),
    periodic: periodic.optional(),
  })
  .transform(({ pull, periodic }, context): MetricsReader => {
    if (pull !== undefined && periodic === undefined) return pull;
    if (periodic !== undefined && pull === undefined) return periodic;
    context.addIssue({ code: "custom", message: "must have pull or periodic, one of them" });
    return z.NEVER;
  });

/** Reads the section; an absent one is `DEFAULT_METRICS`. */
export const metricsSchema: z.ZodType<MetricsSettings> = z
  .strictObject({
    level: word(METRICS_LEVELS).default(DEFAULT_METRICS.level),
    readers: z.array(reader).optional(),
    address: z.never({ error: "the Collector has it no more; use readers" }).optional(),
    views: viewsSchema.optional(),
  })
  .transform(({ level, readers, views = [] }, context) => {
    if (level !== "none" && readers?.length === 0) {
      const message = "must have at least one reader, or level: none beside it";
      context.addIssue({ code: "custom", path: ["readers"], message });
      return z.NEVER;
    }
    if (views.length > 0 && level !== "detailed") {
      context.addIssue({ code: "custom", path: ["views"], message: "needs level: detailed" });
      return z.NEVER;
    }
    return { level, readers, views };
  });

/** A setting of the Collector that this version does not have. */
function unsupported(what: string): z.ZodOptional<z.ZodNever> {
  return z.never({ error: `${what} is not supported in this version; remove it` }).optional();
}
