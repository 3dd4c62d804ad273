import type { Consumer, Processor } from "../../component/component.ts";
import { ConsumerError, StatusCode } from "../../component/errors.ts";
import type { ComponentSettings } from "../../component/factory.ts";
import { errorOfParts } from "../../exporterhelper/batcher.ts";
import type { Batch } from "../../telemetry/batch.ts";
import { itemsOf } from "../../telemetry/count.ts";
import { mergeBatches, splitBatch } from "../../telemetry/split.ts";
import type { BatchConfig } from "./config.ts";
import { type BatchMetrics, measureBatches } from "./metrics.ts";

/** What waits is sent before it becomes more, whatever the items are: one payload must stay one that can be handled. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** Somebody whose batch is here, and who waits for its delivery. */
interface Sender {
  readonly items: number;
  readonly resolve: () => void;
  readonly reject: (error: ConsumerError) => void;
  /** Payloads on their way that have items of it. */
  parts: number;
  readonly errors: ConsumerError[];
}

export function createProcessor(settings: ComponentSettings, config: BatchConfig, next: Consumer): Processor {
  return new BatchProcessor(config, next, measureBatches(settings));
}

/**
 * Merges what comes within `timeout`, up to `send_batch_size` items, and answers each sender when all its items are delivered. What is held is what senders hold: there is no queue here, and
 * nobody who has been answered has anything left in it. What has been sent does not keep the senders' own buffers.
 *
 * Senders that wait for their answer send nothing meanwhile, so to wait for more of them may be to wait for nobody. The most that were ever here at once, waiting or on their
 * way, are `#expected`; when so many wait and nothing is on its way, nobody else is to come, and the batch goes at once. A `timeout` that passes sets it to how many there really were.
 */
class BatchProcessor implements Processor {
  /** What it is given goes on as it is, or is copied. */
  readonly capabilities = { mutatesData: false };
  readonly #config: BatchConfig;
  readonly #next: Consumer;
  readonly #metrics: BatchMetrics | undefined;
  /** Nothing waits for more. */
  #isImmediate: boolean;
  #senders: Sender[] = [];
  #batches: Batch[] = [];
  #items = 0;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined = undefined;
  /** Senders whose batches were sent, and are not answered. */
  #onTheirWay = 0;
  #expected = 1;
  #stopped = false;
  /** Called when nothing is on its way any more. */
  #drained: (() => void) | undefined = undefined;

  constructor(config: BatchConfig, next: Consumer, metrics: BatchMetrics | undefined) {
    this.#config = config;
    this.#next = next;
    this.#metrics = metrics;
    this.#isImmediate = config.timeout === 0 || config.send_batch_size === 0;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  consume(batch: Batch): Promise<void> {
    if (this.#stopped)
      return Promise.reject(ConsumerError.retryable("the batch processor was shut down: the collector is stopping"));
    const items = itemsOf(batch);
    // As in the Collector: nothing to deliver.
    if (items === 0) return Promise.resolve();
    if (this.#bytes + batch.bytes.length > MAX_WAITING_BYTES) this.#send(this.#metrics?.sizeTriggers);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#senders.push({ items, resolve, reject, parts: 0, errors: [] });
    this.#batches.push(batch);
    this.#items += items;
    this.#bytes += batch.bytes.length;
    const here = this.#senders.length + this.#onTheirWay;
    const isMore = here > this.#expected;
    if (isMore) this.#expected = here;
    if (this.#isImmediate || this.#items >= this.#config.send_batch_size) this.#send(this.#metrics?.sizeTriggers);
    else if (!isMore && this.#onTheirWay === 0 && here >= this.#expected) this.#send(this.#metrics?.timeoutTriggers);
    else this.#timer ??= setTimeout(() => this.#timeout(), this.#config.timeout);
    return promise;
  }

  /** Receivers wait for what is here. */
  stopping(): void {
    this.#isImmediate = true;
    this.#send(this.#metrics?.timeoutTriggers);
  }

  async shutdown(): Promise<void> {
    this.#stopped = true;
    this.stopping();
    if (this.#onTheirWay > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    this.#metrics?.end();
  }

  #timeout(): void {
    this.#expected = this.#senders.length + this.#onTheirWay;
    this.#send(this.#metrics?.timeoutTriggers);
  }

  #send(trigger: { value: number } | undefined): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#senders.length === 0) return;
    const [senders, batches, items] = [this.#senders, this.#batches, this.#items];
    this.#senders = [];
    this.#batches = [];
    this.#items = 0;
    this.#bytes = 0;
    this.#onTheirWay += senders.length;
    const merged = mergeBatches(batches);
    const max = this.#config.send_batch_max_size;
    if (max === 0 || items <= max) {
      this.#deliver(merged, senders, trigger);
      return;
    }
    // Items keep their order: whose are in a part is a matter of counting.
    let first = 0;
    let before = 0;
    let sent = 0;
    for (const part of splitBatch(merged, { sizer: "items", max })) {
      sent += itemsOf(part);
      const inPart: Sender[] = [];
      for (; first < senders.length && before < sent; first++) {
        const sender = senders[first]!;
        inPart.push(sender);
        // The rest of it is in the next part.
        if (before + sender.items > sent) break;
        before += sender.items;
      }
      this.#deliver(part, inPart, trigger);
    }
    // Only of what is not well-formed two counts may differ.
    const malformed = ConsumerError.permanent("the batch is not well-formed", { code: StatusCode.INVALID_ARGUMENT });
    for (const sender of senders) if (sender.parts === 0) this.#settle(sender, malformed);
  }

  #deliver(batch: Batch, senders: readonly Sender[], trigger: { value: number } | undefined): void {
    if (trigger !== undefined) trigger.value++;
    this.#metrics?.sizes.record(itemsOf(batch));
    this.#metrics?.sizesInBytes?.record(batch.bytes.length);
    for (const sender of senders) sender.parts++;
    const settle = (error?: ConsumerError): void => {
      for (const sender of senders) this.#settle(sender, error);
      if (this.#onTheirWay === 0) this.#drained?.();
    };
    let delivery: Promise<void>;
    try {
      delivery = this.#next.consume(batch);
    } catch (error) {
      delivery = Promise.reject(error);
    }
    delivery.then(
      () => settle(),
      (error: unknown) => settle(ConsumerError.from(error)),
    );
  }

  #settle(sender: Sender, error: ConsumerError | undefined): void {
    if (error !== undefined) sender.errors.push(error);
    if (--sender.parts > 0) return;
    this.#onTheirWay--;
    const failed = errorOfParts(sender.errors);
    if (failed === undefined) sender.resolve();
    else sender.reject(failed);
  }
}
