import * as z from "zod";
import { duration, word } from "../config/values.ts";
import { isOutputPath } from "./log-output.ts";
import type { LogSampling } from "./log-sampler.ts";
import { type ProcessorSettings, processorsSchema } from "./telemetry/processors.ts";

/** `service::telemetry::logs` */
export interface LogSettings {
  /** The Collector's logger has three levels above `error`, at which nothing is said here. */
  readonly level: "debug" | "info" | "warn" | "error" | "fatal";
  readonly encoding: "console" | "json";
  /** `stdout`, `stderr`, paths, `file:` URLs. */
  readonly outputPaths: readonly string[];
  /** Where the logger says what it could not write. */
  readonly errorOutputPaths: readonly string[];
  /** Undefined: every line is written. */
  readonly sampling: LogSampling | undefined;
  /** In every line. */
  readonly initialFields: Readonly<Record<string, unknown>>;
  /** From which level on the stacks of errors are written beside their messages; undefined: only where the level is debug, `never`: not even there. */
  readonly stacks: "warn" | "never" | undefined;
  /** Whether the attributes of `service::telemetry::resource` are in every line. */
  readonly withResource: boolean;
  /** Where it goes beside the outputs. */
  readonly processors: readonly ProcessorSettings[];
}

const LEVELS = ["debug", "info", "warn", "error", "dpanic", "panic", "fatal"] as const;

const path = z.string().refine(isOutputPath, {
  error: 'must be "stdout", "stderr", a path, or a file:// URL with an absolute one',
});

const sampling = z.strictObject({
  enabled: z.boolean().default(true),
  tick: duration().default(10_000),
  initial: z.int().min(0).default(10),
  thereafter: z.int().min(0).default(100),
});

/** Of the Collector, with its defaults; only `disable_zap_resource` is true where nothing is said. */
export const logsSchema: z.ZodType<LogSettings> = z
  .strictObject({
    level: word(LEVELS).default("info"),
    encoding: z.enum(["console", "json"]).default("console"),
    development: z.boolean().default(false),
    // Lines do not have it: the place in a program that is compiled from another says little.
    disable_caller: z.boolean().optional(),
    disable_stacktrace: z.boolean().default(false),
    sampling: sampling.prefault({}),
    output_paths: z.array(path).default(["stderr"]),
    error_output_paths: z.array(path).default(["stderr"]),
    initial_fields: z.record(z.string(), z.unknown()).default({}),
    disable_zap_resource: z.boolean().default(true),
    processors: processorsSchema("logs").default([]),
  })
  .transform((given): LogSettings => {
    const { enabled, ...rest } = given.sampling;
    return {
      level: given.level === "dpanic" || given.level === "panic" ? "fatal" : given.level,
      encoding: given.encoding,
      outputPaths: given.output_paths,
      errorOutputPaths: given.error_output_paths,
      sampling: enabled ? rest : undefined,
      initialFields: given.initial_fields,
      stacks: given.disable_stacktrace ? "never" : given.development ? "warn" : undefined,
      withResource: !given.disable_zap_resource,
      processors: given.processors,
    };
  });

export const DEFAULT_LOGS: LogSettings = {
  level: "info",
  encoding: "console",
  outputPaths: ["stderr"],
  errorOutputPaths: ["stderr"],
  sampling: { tick: 10_000, initial: 10, thereafter: 100 },
  initialFields: {},
  stacks: undefined,
  withResource: false,
  processors: [],
};
