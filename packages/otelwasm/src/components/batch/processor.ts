import type { Consumer, Processor } from "../../component/component.ts";
import { ConsumerError } from "../../component/errors.ts";
import type { ComponentSettings } from "../../component/factory.ts";
import type { Count } from "../../component/measuring.ts";
import { errorOfParts, isOfTheData } from "../../exporterhelper/batcher.ts";
import type { Batch } from "../../telemetry/batch.ts";
import { itemsOf } from "../../telemetry/count.ts";
import { mergeBatches, splitBatch } from "../../telemetry/split.ts";
import type { BatchConfig } from "./config.ts";
import { type BatchMetrics, measureBatches } from "./metrics.ts";

/** What waits is sent before it becomes more, whatever the items are: one payload must stay one that can be handled. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** Somebody whose batch is here, and who waits for its delivery. */
interface Sender {
  readonly resolve: () => void;
  readonly reject: (error: ConsumerError) => void;
  /** Pieces of its batch that are not delivered, nor refused. */
  pieces: number;
  readonly errors: ConsumerError[];
}

/** A sender's batch, or a part of it. */
interface Piece {
  readonly batch: Batch;
  readonly sender: Sender;
}

export function createProcessor(settings: ComponentSettings, config: BatchConfig, next: Consumer): Processor {
  return new BatchProcessor(config, next, measureBatches(settings));
}

/**
 * Merges what comes within `timeout`, up to `send_batch_size` items, and answers each sender when all its items are delivered. What is held is what senders wait for, and while it is on its
 * way the merged copy: there is no queue here, and nobody who has been answered has anything left in it.
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
  /** What waits. */
  #pieces: Piece[] = [];
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
    this.#pieces.push({ batch, sender: { resolve, reject, pieces: 0, errors: [] } });
    this.#items += items;
    this.#bytes += batch.bytes.length;
    const here = this.#pieces.length + this.#onTheirWay;
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
    this.#expected = this.#pieces.length + this.#onTheirWay;
    this.#send(this.#metrics?.timeoutTriggers);
  }

  #send(trigger: Count | undefined): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pieces.length === 0) return;
    const waiting = this.#pieces;
    this.#pieces = [];
    this.#items = 0;
    this.#bytes = 0;
    this.#onTheirWay += waiting.length;
    for (const part of partsOf(waiting, this.#config.send_batch_max_size)) {
      if (trigger !== undefined) trigger.value++;
      this.#deliver(part);
    }
  }

  #deliver(pieces: readonly Piece[]): void {
    const batch = mergeBatches(pieces.map((piece) => piece.batch));
    this.#metrics?.sizes.record(itemsOf(batch));
    this.#metrics?.sizesInBytes?.record(batch.bytes.length);
    let delivery: Promise<void>;
    try {
      delivery = this.#next.consume(batch);
    } catch (error) {
      delivery = Promise.reject(error);
    }
    delivery.then(
      () => this.#settle(pieces),
      (reason: unknown) => {
        const error = ConsumerError.from(reason);
        if (pieces.length === 1 || !isOfTheData(error)) {
          this.#settle(pieces, error);
          return;
        }
        // It may be the fault of one of them: the others are not to suffer for it.
        const middle = pieces.length >>> 1;
        this.#deliver(pieces.slice(0, middle));
        this.#deliver(pieces.slice(middle));
      },
    );
  }

  #settle(pieces: readonly Piece[], error?: ConsumerError): void {
    for (const { sender } of pieces) {
      if (error !== undefined) sender.errors.push(error);
      if (--sender.pieces > 0) continue;
      this.#onTheirWay--;
      const failed = errorOfParts(sender.errors);
      if (failed === undefined) sender.resolve();
      else sender.reject(failed);
    }
    if (this.#onTheirWay === 0) this.#drained?.();
  }
}

/**
 * What is to be merged into each payload, at most `max` items in each, in order; senders know then how many pieces there are of theirs.
 *
 * @param max 0: no limit
 */
function partsOf(whole: readonly Piece[], max: number): readonly (readonly Piece[])[] {
  const parts: Piece[][] = [];
  let part: Piece[] = [];
  let size = 0;
  for (const { batch, sender } of whole) {
    const fits = max === 0 || size + itemsOf(batch) <= max;
    const batches = fits ? [batch] : splitBatch(batch, { sizer: "items", max, first: max - size || max });
    for (const piece of batches) {
      const items = itemsOf(piece);
      if (max > 0 && size > 0 && size + items > max) {
        parts.push(part);
        part = [];
        size = 0;
      }
      part.push({ batch: piece, sender });
      sender.pieces++;
      size += items;
    }
  }
  parts.push(part);
  return parts;
}
