// The keys that every exporter has, with the names, defaults and rules of the Collector's `exporterhelper`.
import * as z from "zod";
import { duration } from "../config/values.ts";
import { SIZERS, type Sizer } from "./queue.ts";

/** `retry_on_failure`. Durations are milliseconds. */
export interface RetryConfig {
  readonly enabled: boolean;
  /** Between the first attempt and the second; it grows by `multiplier` up to `max_interval`. */
  readonly initial_interval: number;
  /** Of an interval, how much it may be shorter or longer: 0 to 1. */
  readonly randomization_factor: number;
  readonly multiplier: number;
  readonly max_interval: number;
  /** Since the first attempt; 0: no end. */
  readonly max_elapsed_time: number;
}

/** `sending_queue::batch` */
export interface BatchConfig {
  /** In milliseconds: how long a batch waits for more. */
  readonly flush_timeout: number;
  /** In units of `sizer`: a batch of this size does not wait. */
  readonly min_size: number;
  /** 0: no limit. */
  readonly max_size: number;
  readonly sizer: "items" | "bytes";
}

/** `sending_queue` */
export interface SendingQueueConfig {
  readonly enabled: boolean;
  /** How many batches are being sent, or wait to be sent again, at the same time. */
  readonly num_consumers: number;
  /** In units of `sizer`; what is being sent is part of it. */
  readonly queue_size: number;
  readonly sizer: Sizer;
  readonly block_on_overflow: boolean;
  /** Whether a sender is answered when its batch was delivered, or when it is in the queue. */
  readonly wait_for_result: boolean;
  /** The id of the extension that keeps the queue. */
  readonly storage?: string | undefined;
  readonly batch?: BatchConfig | undefined;
}

/** What an exporter's configuration says about delivery. */
export interface DeliveryConfig {
  readonly retry_on_failure: RetryConfig;
  readonly sending_queue: SendingQueueConfig;
}

const retry = z
  .strictObject({
    enabled: z.boolean().default(true),
    initial_interval: duration().default(5_000),
    randomization_factor: z.number().default(0.5),
    multiplier: z.number().default(1.5),
    max_interval: duration().default(30_000),
    max_elapsed_time: duration().default(300_000),
  })
  .superRefine((config, context) => {
    if (!config.enabled) return;
    const refuse = (key: keyof RetryConfig, message: string): void =>
      context.addIssue({ code: "custom", path: [key], message });
    const { initial_interval, randomization_factor, multiplier, max_interval, max_elapsed_time } = config;
    if (randomization_factor < 0 || randomization_factor > 1) refuse("randomization_factor", "must be within [0, 1]");
    if (multiplier < 0) refuse("multiplier", "must be non-negative");
    if (max_elapsed_time === 0) return;
    if (max_elapsed_time < initial_interval) refuse("max_elapsed_time", "must not be less than initial_interval");
    if (max_elapsed_time < max_interval) refuse("max_elapsed_time", "must not be less than max_interval");
  });

/** Of an exporter that has no such key. */
export const NO_RETRY: RetryConfig = retry.parse({ enabled: false });

const batch = z.strictObject({
  enabled: z.boolean().default(true),
  flush_timeout: duration().default(200),
  min_size: z.int().default(8192),
  max_size: z.int().default(0),
  sizer: z.enum(SIZERS).optional(),
  partition: z
    .strictObject({
      metadata_keys: z
        .array(z.string())
        .max(0, "is not supported: what a client sends beside its data is not kept; leave it out")
        .optional(),
    })
    .optional(),
});

const queueKeys = z.strictObject({
  enabled: z.boolean().default(true),
  num_consumers: z.int().default(10),
  queue_size: z.int().default(1000),
  sizer: z.enum(SIZERS).optional(),
  block_on_overflow: z.boolean().default(false),
  wait_for_result: z.boolean().optional(),
  storage: z.string().min(1).optional(),
  // As in the Collector, the key alone is not a batch.
  batch: batch.nullish(),
});

/** Where the Collector has a queue's settings checked: only when they count. */
function checkQueue(
  config: z.output<typeof queueKeys>,
  refuse: (path: readonly string[], message: string) => void,
): void {
  if (!config.enabled) return;
  const { num_consumers, queue_size, storage, wait_for_result, batch } = config;
  if (num_consumers <= 0) refuse(["num_consumers"], "must be positive");
  if (queue_size <= 0) refuse(["queue_size"], "must be positive");
  if (storage !== undefined && wait_for_result === true)
    refuse(["wait_for_result"], "is not supported with a persistent queue configured with storage");
  if (batch === undefined || batch === null || !batch.enabled) return;
  const { flush_timeout, min_size, max_size } = batch;
  const sizer = batchSizer(config);
  if (sizer === "requests")
    refuse(
      ["batch", "sizer"],
      'supports only "items" or "bytes", and is what sending_queue::sizer says if it is absent',
    );
  if (flush_timeout <= 0) refuse(["batch", "flush_timeout"], "must be positive");
  if (min_size < 0) refuse(["batch", "min_size"], "must be non-negative");
  if (max_size < 0) refuse(["batch", "max_size"], "must be non-negative");
  if (max_size > 0 && max_size < min_size)
    refuse(["batch", "max_size"], `(${max_size}) must be greater or equal to min_size (${min_size})`);
  // A batch could not fill in a queue that holds less.
  if (sizer === (config.sizer ?? "requests") && min_size > queue_size)
    refuse(["batch", "min_size"], "must be less than or equal to queue_size");
}

/** What is not said is as the queue says it, if it says it. */
function batchSizer({ sizer, batch }: z.output<typeof queueKeys>): Sizer {
  return batch?.sizer ?? sizer ?? "items";
}

const queue = queueKeys
  .superRefine((config, context) =>
    checkQueue(config, (path, message) => context.addIssue({ code: "custom", path: [...path], message })),
  )
  .transform((config): SendingQueueConfig => {
    const { enabled, num_consumers, queue_size, sizer = "requests", block_on_overflow, storage, batch } = config;
    const batches = batchSizer(config);
    return {
      enabled,
      num_consumers,
      queue_size,
      sizer,
      block_on_overflow,
      // The Collector's default is false: a client is then told "delivered" of what is in memory only.
      wait_for_result: config.wait_for_result ?? storage === undefined,
      storage,
      batch:
        batch === undefined || batch === null || !batch.enabled || batches === "requests"
          ? undefined
          : {
              flush_timeout: batch.flush_timeout,
              min_size: batch.min_size,
              max_size: batch.max_size,
              sizer: batches,
            },
    };
  });

export interface DeliveryKeys {
  readonly retry_on_failure: z.ZodType<RetryConfig>;
  readonly sending_queue: z.ZodType<SendingQueueConfig>;
}

/** For the schema of an exporter whose factory uses `withDelivery`: `z.strictObject({ endpoint: ..., ...deliveryKeys })`. */
export const deliveryKeys: DeliveryKeys = { retry_on_failure: retry.prefault({}), sending_queue: queue.prefault({}) };

/** The same, of an exporter that neither queues nor retries unless its configuration says so. */
export const optionalDeliveryKeys: DeliveryKeys = {
  retry_on_failure: retry.prefault({ enabled: false }),
  sending_queue: queue.prefault({ enabled: false }),
};
