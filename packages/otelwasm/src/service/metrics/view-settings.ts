import * as z from "zod";
import { SCOPE } from "../telemetry/encode.ts";
import { type IncludeExclude, includeExclude, wildcard } from "./include-exclude.ts";

/** One of `service::telemetry::metrics::views`. */
export interface MetricView {
  readonly selector: {
    readonly names: RegExp;
    /** Undefined: any; so is `unit`. */
    readonly type: string | undefined;
    readonly unit: string | undefined;
  };
  readonly drop: boolean;
  /** Undefined: as it was. */
  readonly name: string | undefined;
  readonly description: string | undefined;
  /** Those that it keeps. */
  readonly attributes: IncludeExclude | undefined;
}

const nothing = z.strictObject({}).optional();
const buckets = z
  .never({ error: "choosing the buckets of own histograms is not supported in this version" })
  .optional();

const stream = z.strictObject({
  name: z.string().min(1).optional(),
  description: z.string().optional(),
  attribute_keys: includeExclude.optional(),
  aggregation: z
    .strictObject({
      drop: nothing,
      default: nothing,
      sum: z.never({ error: "own metrics have the aggregation that they have, or are dropped" }).optional(),
      last_value: z.never({ error: "own metrics have the aggregation that they have, or are dropped" }).optional(),
      explicit_bucket_histogram: buckets,
      base2_exponential_bucket_histogram: buckets,
    })
    .optional(),
});

const selector = z
  .strictObject({
    instrument_name: z.string().min(1).optional(),
    instrument_type: z
      .enum([
        "counter",
        "histogram",
        "observable_counter",
        "observable_gauge",
        "observable_up_down_counter",
        "up_down_counter",
      ])
      .optional(),
    unit: z.string().optional(),
    meter_name: z.string().optional(),
    meter_version: z.string().optional(),
    meter_schema_url: z.string().optional(),
  })
  .refine((given) => Object.values(given).some((value) => value !== undefined), {
    message: "must say which metrics, for example instrument_name",
  });

/** OpenTelemetry's declarative configuration, as the Collector has it. A view for another meter, such as the Collector's own, is for nothing here. */
export const viewsSchema: z.ZodType<readonly MetricView[]> = z.array(
  z
    .strictObject({ selector, stream: stream.prefault({}) })
    .superRefine(({ selector: { instrument_name }, stream: { name } }, context) => {
      if (name === undefined || (instrument_name !== undefined && !/[*?]/.test(instrument_name))) return;
      const message = "one name for several metrics: the selector must have an instrument_name without * and ?";
      context.addIssue({ code: "custom", path: ["stream", "name"], message });
    })
    .transform(({ selector: given, stream: { name, description, attribute_keys, aggregation } }): MetricView => {
      const { instrument_name, instrument_type, unit, meter_name, meter_version, meter_schema_url } = given;
      const elsewhere =
        (meter_name !== undefined && meter_name !== SCOPE) ||
        meter_version !== undefined ||
        meter_schema_url !== undefined;
      const pattern = instrument_name === undefined ? ".*" : wildcard(instrument_name);
      return {
        selector: { names: new RegExp(elsewhere ? "(?!)" : `^(?:${pattern})$`), type: instrument_type, unit },
        drop: aggregation?.drop !== undefined,
        name,
        description,
        attributes: attribute_keys,
      };
    }),
);
