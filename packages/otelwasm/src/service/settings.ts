import * as z from "zod";
import { ConfigError } from "../component/errors.ts";
import { isMap, unwrap } from "../config/expanded.ts";
import { applySchema } from "../config/schema.ts";
import { word } from "../config/values.ts";
import { importEngineModule } from "../runtime/engine-modules.ts";
import { DEFAULT_METRICS, type MetricsSettings, metricsSchema, unsupported } from "./metrics/settings.ts";
import { type ResourceSettings, resourceSchema } from "./telemetry/resource.ts";

/** `service::telemetry::logs` */
export interface LogSettings {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly encoding: "console" | "json";
}

export interface PipelineSettings {
  readonly receivers: readonly string[];
  readonly processors: readonly string[];
  readonly exporters: readonly string[];
}

export interface ServiceSettings {
  readonly logs: LogSettings;
  readonly metrics: MetricsSettings;
  readonly resource: ResourceSettings;
  /** As in the configuration. */
  readonly extensions: readonly string[];
  /** `undefined` where the section is so wrong that nothing can be said about its pipelines. */
  readonly pipelines: Readonly<Record<string, PipelineSettings>> | undefined;
}

const DEFAULT_LOGS: LogSettings = { level: "info", encoding: "console" };

const ids = z.array(z.string()).default([]);

const schema = z.strictObject({
  // Imported before anything is checked, by `importEngines`.
  engines: z.array(z.string().min(1)).default([]),
  extensions: ids,
  pipelines: z.record(z.string(), z.strictObject({ receivers: ids, processors: ids, exporters: ids })).default({}),
  telemetry: z
    .strictObject({
      logs: z
        .strictObject({
          level: word(["debug", "info", "warn", "error"]).default(DEFAULT_LOGS.level),
          encoding: z.enum(["console", "json"]).default(DEFAULT_LOGS.encoding),
          development: unsupported("development mode of the logger"),
          disable_caller: unsupported("the caller's place in the log"),
          disable_stacktrace: unsupported("a stack trace in the log"),
          sampling: unsupported("sampling of the log"),
          output_paths: unsupported("writing the log elsewhere than to standard error"),
          error_output_paths: unsupported("writing the log elsewhere than to standard error"),
          initial_fields: unsupported("adding fields to each line of the log"),
          processors: unsupported("exporting the log"),
        })
        .prefault({}),
      metrics: metricsSchema.prefault({}),
      // They can be switched off, and are not there to be switched on.
      traces: z
        .strictObject({
          level: z.literal("none", { error: "own traces are not supported in this version; set level: none" }),
        })
        .optional(),
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
    resource: {},
    extensions: of(schema.shape.extensions, "extensions") ?? [],
    pipelines: of(schema.shape.pipelines, "pipelines"),
  };
}
