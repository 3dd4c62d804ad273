import * as z from "zod";
import { ConfigError } from "../component/errors.ts";
import { isMap, unwrap } from "../config/expanded.ts";
import { applySchema } from "../config/schema.ts";
import { importEngineModule } from "../runtime/engine-modules.ts";
import { DEFAULT_LOGS, type LogSettings, logsSchema } from "./log-settings.ts";
import { DEFAULT_METRICS, type MetricsSettings, metricsSchema } from "./metrics/settings.ts";
import { type ResourceSettings, resourceSchema } from "./telemetry/resource.ts";
import { NO_TRACES, type TracesSettings, tracesSchema } from "./traces/settings.ts";

export interface PipelineSettings {
  readonly receivers: readonly string[];
  readonly processors: readonly string[];
  readonly exporters: readonly string[];
}

export interface ServiceSettings {
  readonly logs: LogSettings;
  readonly metrics: MetricsSettings;
  readonly traces: TracesSettings;
  readonly resource: ResourceSettings;
  /** As in the configuration. */
  readonly extensions: readonly string[];
  /** `undefined` where the section is so wrong that nothing can be said about its pipelines. */
  readonly pipelines: Readonly<Record<string, PipelineSettings>> | undefined;
}

const ids = z.array(z.string()).default([]);

const schema = z.strictObject({
  // Imported before anything is checked, by `importEngines`.
  engines: z.array(z.string().min(1)).default([]),
  extensions: ids,
  pipelines: z.record(z.string(), z.strictObject({ receivers: ids, processors: ids, exporters: ids })).default({}),
  telemetry: z
    .strictObject({
      logs: logsSchema.prefault({}),
      metrics: metricsSchema.prefault({}),
      traces: tracesSchema.prefault({}),
      resource: resourceSchema.default({}),
    })
    .prefault({}),
});

/** `service` */
export const serviceSchema: z.ZodType = schema;

/**
 * Imports the modules that `service::engines` names, so that what they register can be named by components.
 *
 * @throws ConfigError
 */
export async function importEngines(service: unknown): Promise<void> {
  const section = unwrap(service);
  const read = isMap(section) ? applySchema(schema.shape.engines, section.engines, []) : undefined;
  // A value of another form is `readService`'s to refuse.
  const issues: string[] = [];
  for (const [index, specifier] of (read?.ok ? read.value : []).entries())
    await importEngineModule(specifier).catch((error: unknown) => {
      const message = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
      issues.push(`service::engines::${index}: cannot use the module ${specifier}: ${message}`);
    });
  if (issues.length > 0) throw new ConfigError(issues);
}

/** Reads `service`, and adds what is wrong to the issues. */
export function readService(value: unknown, issues: string[]): ServiceSettings {
  const checked = applySchema(schema, value, ["service"]);
  if (checked.ok) {
    const { telemetry, extensions, pipelines } = checked.value;
    return { ...telemetry, extensions, pipelines };
  }
  issues.push(...checked.issues);
  // A mistake in the telemetry must not hide those in the pipelines.
  const section = unwrap(value);
  const of = <T>(part: z.ZodType<T>, name: string): T | undefined => {
    const read = isMap(section) ? applySchema(part, section[name], []) : undefined;
    return read?.ok ? read.value : undefined;
  };
  return {
    logs: DEFAULT_LOGS,
    metrics: DEFAULT_METRICS,
    traces: NO_TRACES,
    resource: {},
    extensions: of(schema.shape.extensions, "extensions") ?? [],
    pipelines: of(schema.shape.pipelines, "pipelines"),
  };
}
