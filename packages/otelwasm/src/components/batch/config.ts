import * as z from "zod";
import { duration } from "../../config/values.ts";

export interface BatchConfig {
  /** Items: spans, log records, data points. 0: each batch goes on at once. */
  readonly send_batch_size: number;
  /** In milliseconds. 0: each batch goes on at once. */
  readonly timeout: number;
  /** Items. 0: no limit. */
  readonly send_batch_max_size: number;
}

const count = z
  .int()
  .min(0)
  .max(2 ** 32 - 1);

/** `processors::batch` as the Collector has it, without batches by the sender's metadata: what a sender's headers were is not known behind the receiver. */
export const schema: z.ZodType<BatchConfig> = z
  .strictObject({
    send_batch_size: count.default(8192),
    timeout: duration().default(200),
    send_batch_max_size: count.default(0),
    metadata_keys: z
      .array(z.string())
      .max(0, "batches by the sender's metadata are not supported in this version; remove it")
      .default([]),
    metadata_cardinality_limit: count.default(1000),
  })
  .refine((config) => config.send_batch_max_size === 0 || config.send_batch_max_size >= config.send_batch_size, {
    message: "send_batch_max_size must be greater or equal to send_batch_size",
  })
  .transform(({ send_batch_size, timeout, send_batch_max_size }) => ({
    send_batch_size,
    timeout,
    send_batch_max_size,
  }));
