import type { Capabilities, Exporter } from "../component/component.ts";
import { ConfigError, ConsumerError } from "../component/errors.ts";
import type { ComponentSettings } from "../component/factory.ts";
import { Throttle } from "../component/throttle.ts";
import { formatDuration } from "../config/duration.ts";
import type { Batch } from "../telemetry/batch.ts";
import { itemsOf } from "../telemetry/count.ts";
import { Attempts, Delivery } from "./attempts.ts";
import { Batcher } from "./batcher.ts";
import type { DeliveryConfig, SendingQueueConfig } from "./config.ts";
import { MemoryQueue } from "./memory-queue.ts";
import { countExports, type ExporterCounts, measureQueue } from "./metrics.ts";
import { PersistentQueue } from "./persistent-queue.ts";
import { EnqueueError, type Queue, type QueueItem } from "./queue.ts";
import { type Clock, Schedule, systemClock } from "./schedule.ts";

/** Without a queue: how many batches may wait to be tried again; one more, and its sender is told of the failure at once. */
const MAX_WAITING = 1000;
/** How long a shutdown waits for what is on its way and in a memory queue. */
const DRAIN_MS = 10_000;
/** For the exporter itself to close, where it does not say. */
const CLOSE_MS = 2_000;

export interface DeliveryOptions {
  /** Milliseconds for an attempt, for an exporter that has no such limit of its own. An attempt that is given up may still come to its end: the data is then there twice. */
  readonly attemptTimeoutMs?: number | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

/**
 * An exporter with the Collector's `sending_queue` and `retry_on_failure` in front of it, and its metrics: what `exporterhelper` is there. Each call of the exporter's
 * `consume` is one attempt; whether another follows is what its `ConsumerError` says (`permanent`, `retryAfterMs`).
 *
 * For a factory of one's own: `create: (settings, config) => withDelivery(settings, config, createExporter(settings, config))`, with `deliveryKeys` in its schema.
 *
 * An exporter that takes buffers away (`mutatesData`) gets a copy for each attempt that another may follow, as that one needs the bytes again.
 *
 * @throws ConfigError if `sending_queue::storage` names no extension that can keep data
 */
export function withDelivery(
  settings: ComponentSettings,
  config: DeliveryConfig,
  exporter: Exporter,
  options: DeliveryOptions = {},
): Exporter {
  return new DeliveringExporter(settings, config, exporter, options);
}

class DeliveringExporter implements Exporter {
  readonly shutdownTimeoutMs: number;
  readonly capabilities: Capabilities;
  readonly #settings: ComponentSettings;
  readonly #exporter: Exporter;
  readonly #clock: Clock;
  readonly #schedule: Schedule;
  readonly #attempts: Attempts;
  readonly #consumers: number;
  readonly #queue: Queue | undefined;
  readonly #batcher: Batcher | undefined;
  readonly #poll: () => QueueItem | undefined;
  readonly #counts: ExporterCounts | undefined;
  readonly #log: Throttle;
  readonly #active: Set<Delivery> = new Set();
  /** What came of an item that is kept, dropped, or told to its sender. */
  readonly #undelivered: Queue["undelivered"];
  /** Set while a shutdown waits until nothing is on its way. */
  #idle: (() => void) | undefined;
  #stopping = false;
  #ended = false;
  /** A shutdown has given up what was not delivered. */
  #closed = false;
  /** What could not be delivered since it is to stop. */
  readonly #losses = { batches: 0, items: 0 };
  #endReading: () => void = () => {};

  constructor(settings: ComponentSettings, config: DeliveryConfig, exporter: Exporter, options: DeliveryOptions) {
    const { sending_queue, retry_on_failure } = config;
    const { attemptTimeoutMs, clock = systemClock } = options;
    this.#settings = settings;
    this.#exporter = exporter;
    this.#clock = clock;
    this.#schedule = new Schedule(clock);
    this.#log = new Throttle(undefined, () => clock.now());
    this.#queue = sending_queue.enabled ? createQueue(settings, sending_queue) : undefined;
    this.#undelivered = this.#queue?.undelivered ?? "rejected";
    this.#consumers = sending_queue.num_consumers;
    this.#attempts = new Attempts({
      next: exporter,
      retry: retry_on_failure,
      kept: this.#undelivered === "kept",
      timeoutMs: attemptTimeoutMs,
      maxWaiting: this.#queue === undefined ? MAX_WAITING : sending_queue.num_consumers,
      clock,
      schedule: this.#schedule,
      onRetry: (error, delayMs) => this.#retried(error, delayMs),
    });
    this.#poll = () => this.#queue?.poll();
    if (this.#queue !== undefined && sending_queue.batch !== undefined)
      this.#batcher = new Batcher(sending_queue.batch, this.#schedule, () => this.#pump());
    this.#counts = countExports(settings, this.#queue !== undefined);
    this.capabilities = { mutatesData: exporter.capabilities.mutatesData && !this.#attempts.copies };
    this.shutdownTimeoutMs = DRAIN_MS + (exporter.shutdownTimeoutMs ?? CLOSE_MS);
  }

  async start(): Promise<void> {
    await this.#exporter.start();
    if (this.#queue === undefined) return;
    await this.#queue.start(() => this.#pump());
    this.#endReading = measureQueue(this.#settings, this.#queue);
    this.#pump();
  }

  consume(batch: Batch): Promise<void> {
    if (this.#ended)
      return Promise.reject(ConsumerError.retryable("the exporter is closed: the collector was shut down"));
    if (this.#queue !== undefined)
      return this.#queue.offer(batch).catch((error: unknown) => {
        if (error instanceof EnqueueError) this.#notQueued(batch, error);
        throw error;
      });
    return new Promise((resolve, reject) => {
      this.#deliver(batch, (error) => {
        this.#count(batch, error);
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }

  stopping(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#exporter.stopping?.();
    this.#attempts.hurry();
    this.#pump();
  }

  async shutdown(): Promise<void> {
    this.#ended = true;
    this.stopping();
    this.#queue?.stop();
    this.#pump();
    await this.#drained();
    this.#giveUp();
    this.#tellOfLosses();
    this.#schedule.close();
    try {
      await this.#exporter.shutdown();
    } finally {
      this.#endReading();
      await this.#queue?.shutdown();
    }
  }

  /** Takes from the queue what can be sent now. */
  #pump(): void {
    while (!this.#closed && this.#active.size < this.#consumers) {
      // What stays in a store is for the next life: here nothing would wait between its attempts.
      if (this.#stopping && this.#undelivered === "kept") return;
      const item = this.#next();
      if (item === undefined) return;
      this.#deliver(item.batch, (error) => {
        if (error !== undefined && this.#batcher?.takeApart(item, error)) this.#tookApart(error);
        else {
          this.#count(item.batch, error);
          item.done(error);
        }
        this.#pump();
      });
    }
  }

  #next(): QueueItem | undefined {
    return this.#batcher === undefined ? this.#queue?.poll() : this.#batcher.next(this.#poll, this.#stopping);
  }

  #deliver(batch: Batch, end: (error: ConsumerError | undefined) => void): void {
    const counts = this.#counts;
    if (counts !== undefined) {
      // Before it is handed on: the buffer may be gone after that.
      const items = itemsOf(batch);
      counts.batchSize?.record(items);
      counts.batchBytes?.record(batch.bytes.length);
    }
    const delivery = new Delivery(this.#attempts, batch, (error, ended) => {
      this.#active.delete(ended);
      end(error);
      if (this.#active.size === 0) this.#idle?.();
    });
    this.#active.add(delivery);
    delivery.start();
  }

  /** Resolves when nothing is on its way any more, or it has taken too long. */
  async #drained(): Promise<void> {
    if (this.#active.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle = resolve;
    const cancel = this.#clock.after(DRAIN_MS, resolve);
    await promise;
    cancel();
    this.#idle = undefined;
  }

  /** Nothing waits for what is still on its way: senders that do are told, and have their data. */
  #giveUp(): void {
    const error = ConsumerError.retryable(
      "not delivered: the collector was shut down before the destination had answered",
    );
    this.#closed = true;
    for (const delivery of [...this.#active]) delivery.abandon(error);
    for (let item = this.#next(); item !== undefined; item = this.#next()) {
      this.#failed(item.batch, error);
      item.done(error);
    }
  }

  #retried(error: ConsumerError, delayMs: number): void {
    const attempts = this.#log.count("retry");
    if (attempts === 0) return;
    this.#settings.logger.info("Exporting failed. Will retry the request after interval.", {
      error: error.message,
      interval: formatDuration(Math.round(delayMs)),
      ...times(attempts),
    });
  }

  #tookApart(error: ConsumerError): void {
    const batches = this.#log.count("apart");
    if (batches === 0) return;
    this.#settings.logger.warn("The destination refused a merged batch. Its halves are sent one after the other.", {
      error: error.message,
      ...times(batches),
    });
  }

  #count(batch: Batch, error: ConsumerError | undefined): void {
    if (error !== undefined) this.#failed(batch, error);
    else if (this.#counts !== undefined) this.#counts.sent.value += itemsOf(batch);
  }

  #failed(batch: Batch, error: ConsumerError): void {
    if (this.#counts !== undefined) this.#counts.sendFailed.value += itemsOf(batch);
    const kept = this.#undelivered === "kept" && !error.permanent;
    const what = kept ? "kept" : this.#undelivered === "rejected" ? "rejected" : "dropped";
    // A buffer that was taken away cannot be counted any more.
    const items = batch.items ?? (batch.bytes.length > 0 ? itemsOf(batch) : undefined);
    if (this.#stopping && !kept) {
      this.#losses.batches++;
      this.#losses.items += items ?? 0;
    }
    const failures = this.#log.count(what);
    if (failures === 0) return;
    const { logger } = this.#settings;
    const attributes = {
      error: error.message,
      ...(items === undefined ? {} : { [`${what}_items`]: items }),
      ...times(failures),
    };
    if (kept) logger.warn("Exporting failed. The data stays in the sending queue.", attributes);
    else if (what === "rejected") logger.error("Exporting failed. Rejecting data.", attributes);
    else logger.error("Exporting failed. Dropping data.", attributes);
  }

  /** At the end, in one line. What a store keeps is told by its queue. */
  #tellOfLosses(): void {
    const { batches, items } = this.#losses;
    if (batches === 0) return;
    const { logger } = this.#settings;
    if (this.#undelivered === "rejected")
      logger.warn("Not all data was delivered before the shutdown; its senders were told.", { batches, items });
    else logger.error("Not all data was delivered before the shutdown; it is lost.", { batches, items });
  }

  #notQueued(batch: Batch, error: EnqueueError): void {
    const items = itemsOf(batch);
    if (this.#counts !== undefined) this.#counts.enqueueFailed.value += items;
    const failures = this.#log.count("enqueue");
    if (failures === 0) return;
    this.#settings.logger.error("Exporting failed. Rejecting data.", {
      error: error.message,
      rejected_items: items,
      ...times(failures),
    });
  }
}

/** Of lines that were kept back, how many. */
function times(count: number): { readonly times?: number } {
  return count === 1 ? {} : { times: count };
}

function createQueue(settings: ComponentSettings, config: SendingQueueConfig): Queue {
  const { host, id } = settings;
  const { sizer, queue_size: capacity, block_on_overflow: blocks, wait_for_result: waits, storage } = config;
  if (storage === undefined) return new MemoryQueue({ sizer, capacity, blocks, waits });
  const path = `exporters::${id}::sending_queue::storage`;
  const extension = host.extension(storage);
  if (extension === undefined)
    throw new ConfigError([
      `${path}: the extension "${storage}" is not there; configure it, and name it in service::extensions`,
    ]);
  if (extension.storage === undefined)
    throw new ConfigError([`${path}: the extension "${storage}" cannot keep data; file_storage can`]);
  return new PersistentQueue(settings, extension.storage, { sizer, capacity, blocks });
}
