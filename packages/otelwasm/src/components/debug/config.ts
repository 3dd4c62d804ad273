import * as z from "zod";
import { word } from "../../config/values.ts";
import { type DeliveryConfig, optionalDeliveryKeys } from "../../exporterhelper/config.ts";

export interface DebugExporterConfig extends Pick<DeliveryConfig, "sending_queue"> {
  readonly verbosity: "basic" | "normal" | "detailed";
  /** Messages that are always written, of each second. */
  readonly sampling_initial: number;
  /** After these, every so-many-th; 1 is all of them, 0 none. */
  readonly sampling_thereafter: number;
  /** The collector's own log; otherwise `output_paths`. */
  readonly use_internal_logger: boolean;
  /** Files to append to, or `stdout` and `stderr`. Only without the internal logger; default `stdout`. */
  readonly output_paths?: readonly string[] | undefined;
}

/** `exporters::debug` as the Collector has it. */
export const schema: z.ZodType<DebugExporterConfig> = z
  .strictObject({
    // The Collector takes `Detailed` as well.
    verbosity: word(["basic", "normal", "detailed"]).default("basic"),
    sampling_initial: z.int().min(0).default(2),
    sampling_thereafter: z.int().min(0).default(1),
    use_internal_logger: z.boolean().default(true),
    output_paths: z.array(z.string().min(1)).min(1).optional(),
    sending_queue: optionalDeliveryKeys.sending_queue,
  })
  .refine((config) => !config.use_internal_logger || config.output_paths === undefined, {
    path: ["output_paths"],
    message: "needs use_internal_logger: false",
  });
