import { type ZodType, z } from "zod";
import { type RuntimeConfig, validate } from "../runtime/registry.ts";
import "../runtime/engines.ts";

/** What a component's configuration says about its plugin: the keys of the specification. */
export interface PluginConfig {
  /** The module's file. */
  readonly path: string;
  /** Handed to the guest as it stands, as JSON. */
  readonly plugin_config?: unknown;
  readonly runtime_config?: RuntimeConfig | undefined;
}

/** Engines check their own options, so that an engine that another package registers can have any; issues keep the whole path. */
const runtimeConfigSchema: ZodType<RuntimeConfig> = z
  .looseObject({ type: z.string().min(1).optional() })
  .superRefine((config, context) => {
    for (const issue of validate(config as RuntimeConfig)) {
      const colon = issue.indexOf(": ");
      context.addIssue({
        code: "custom",
        path: issue.slice(0, colon).split("::"),
        message: issue.slice(colon + 2),
      });
    }
  }) as ZodType<RuntimeConfig>;

export const pluginConfigSchema: ZodType<PluginConfig> = z.strictObject({
  path: z.string().min(1, "must name the plugin's file"),
  plugin_config: z.unknown().optional(),
  runtime_config: runtimeConfigSchema.optional(),
}) as ZodType<PluginConfig>;
