import * as z from "zod";
import { word } from "../../config/values.ts";
import { type ProcessorSettings, processorsSchema } from "../telemetry/processors.ts";

/** `service::telemetry::traces` */
export interface TracesSettings {
  /** None: there are no own traces. */
  readonly processors: readonly ProcessorSettings[];
  /** The part of the batches that are traced, 0 to 1. */
  readonly ratio: number;
}

export const NO_TRACES: TracesSettings = { processors: [], ratio: 1 };

const nothing = z.strictObject({});

interface SamplerConfig {
  readonly always_on?: object | undefined;
  readonly always_off?: object | undefined;
  readonly trace_id_ratio_based?: { readonly ratio: number } | undefined;
  readonly parent_based?: { readonly root?: SamplerConfig | undefined } | undefined;
}

const kinds = {
  always_on: nothing.optional(),
  always_off: nothing.optional(),
  trace_id_ratio_based: z.strictObject({ ratio: z.number().min(0).max(1).default(1) }).optional(),
};
const ONE = { error: "must have one of always_on, always_off, trace_id_ratio_based, parent_based" };

const root: z.ZodType<SamplerConfig> = z.strictObject(kinds).refine(hasOne, ONE);

/** A batch has no parent here, so that of `parent_based` only `root` is ever asked. */
const sampler: z.ZodType<SamplerConfig> = z
  .strictObject({
    ...kinds,
    parent_based: z
      .strictObject({
        root: root.optional(),
        remote_parent_sampled: root.optional(),
        remote_parent_not_sampled: root.optional(),
        local_parent_sampled: root.optional(),
        local_parent_not_sampled: root.optional(),
      })
      .optional(),
  })
  .refine(hasOne, ONE);

function hasOne(config: object): boolean {
  return Object.values(config).filter((value) => value !== undefined).length === 1;
}

function ratioOf({ always_off, trace_id_ratio_based, parent_based }: SamplerConfig): number {
  if (parent_based !== undefined) return parent_based.root === undefined ? 1 : ratioOf(parent_based.root);
  if (always_off !== undefined) return 0;
  return trace_id_ratio_based?.ratio ?? 1;
}

/** As in the Collector, there are traces where the section has processors, unless `level: none`. */
export const tracesSchema: z.ZodType<TracesSettings> = z
  .strictObject({
    level: word(["none", "basic", "normal", "detailed"]).default("normal"),
    processors: processorsSchema("traces").default([]),
    sampler: sampler.optional(),
    propagators: z
      .array(z.string())
      .max(0, { error: "taking a trace over from senders is not supported in this version; remove it" })
      .optional(),
  })
  .transform(({ level, processors, sampler }) => ({
    processors: level === "none" ? [] : processors,
    ratio: sampler === undefined ? 1 : ratioOf(sampler),
  }));
