import { ConsumerError, StatusCode } from "../component/errors.ts";
import type { Batch } from "../telemetry/batch.ts";
import { mergeBatches, splitBatch } from "../telemetry/split.ts";
import type { BatchConfig } from "./config.ts";
import { type QueueItem, sizeOf } from "./queue.ts";
import type { Schedule, Timed } from "./schedule.ts";

/** Makes larger batches of what a queue gives, and smaller ones of what is too large: `sending_queue::batch`. */
export class Batcher implements Timed {
  dueAt: number = 0;
  place: number = -1;
  readonly #config: BatchConfig;
  readonly #schedule: Schedule;
  readonly #due: () => void;
  /** What waits for more. */
  #parts: Part[] = [];
  #size = 0;
  /** What is complete. */
  #ready: QueueItem[] = [];
  #flushing = false;

  /** @param due called when what waits has waited for long enough: `next` gives it then */
  constructor(config: BatchConfig, schedule: Schedule, due: () => void) {
    this.#config = config;
    this.#schedule = schedule;
    this.#due = due;
  }

  /**
   * A batch that is complete.
   *
   * @param poll the next of the queue
   * @param hurried what there is is complete
   * @returns an item whose end is that of all that it is made of
   */
  next(poll: () => QueueItem | undefined, hurried: boolean): QueueItem | undefined {
    while (this.#ready.length === 0) {
      const item = poll();
      if (item === undefined) {
        if (this.#parts.length === 0 || !(hurried || this.#flushing)) return undefined;
        this.#complete();
        break;
      }
      this.#add(item);
    }
    return this.#ready.shift();
  }

  /**
   * After a merged batch was refused for good: if that may be the fault of one of those that are in it, the others are not to suffer for it. Its two halves then come
   * out of `next`.
   *
   * @returns whether that is so; the item is then not to be ended
   */
  takeApart(item: QueueItem, error: ConsumerError): boolean {
    if (!error.permanent || NOT_OF_THE_DATA.has(error.code)) return false;
    if (!(item instanceof MergedItem) || item.parts.length < 2) return false;
    const middle = item.parts.length >>> 1;
    this.#ready.push(new MergedItem(item.parts.slice(0, middle)), new MergedItem(item.parts.slice(middle)));
    return true;
  }

  onDue(): void {
    this.#flushing = true;
    this.#due();
  }

  #add(item: QueueItem): void {
    const { min_size, max_size, sizer } = this.#config;
    const { batch } = item;
    const size = sizeOf(batch, sizer);
    const fits = max_size === 0 || this.#size + size <= max_size;
    const pieces = fits ? [batch] : [...splitBatch(batch, { sizer, max: max_size, first: max_size - this.#size })];
    const share = new Share(item, pieces.length);
    for (const piece of pieces) {
      const pieceSize = pieces.length === 1 ? size : sizeOf(piece, sizer);
      if (max_size > 0 && this.#size > 0 && this.#size + pieceSize > max_size) this.#complete();
      this.#parts.push({ batch: piece, share });
      this.#size += pieceSize;
      if (max_size > 0 && this.#size >= max_size) this.#complete();
    }
    if (this.#parts.length === 0) return;
    if (this.#size >= min_size) this.#complete();
    else if (this.place < 0 && !this.#flushing) this.#schedule.add(this, this.#config.flush_timeout);
  }

  #complete(): void {
    this.#ready.push(new MergedItem(this.#parts));
    this.#parts = [];
    this.#size = 0;
    this.#flushing = false;
    this.#schedule.remove(this);
  }
}

/** What a destination says of who sends, or of itself. */
const NOT_OF_THE_DATA: ReadonlySet<StatusCode> = new Set([
  StatusCode.UNAUTHENTICATED,
  StatusCode.PERMISSION_DENIED,
  StatusCode.UNIMPLEMENTED,
]);

/**
 * What a sender is told of a batch that was taken apart. A part that may be taken later must not be lost with one that never will be: the whole is tried again, although some
 * of it may then be there twice.
 *
 * @param errors of those parts that failed
 */
export function errorOfParts(errors: readonly ConsumerError[]): ConsumerError | undefined {
  const passing = errors.filter(({ permanent }) => !permanent);
  const [first, ...others] = passing.length > 0 ? passing : errors;
  return first === undefined ? undefined : ConsumerError.join([first, ...others]);
}

interface Part {
  readonly batch: Batch;
  readonly share: Share;
}

/** An item of the queue, and how many of its parts are on their way. */
class Share {
  readonly #item: QueueItem;
  #open: number;
  readonly #errors: ConsumerError[] = [];

  constructor(item: QueueItem, parts: number) {
    this.#item = item;
    this.#open = parts;
  }

  done(error: ConsumerError | undefined): void {
    if (error !== undefined) this.#errors.push(error);
    if (--this.#open > 0) return;
    this.#item.done(errorOfParts(this.#errors));
  }
}

class MergedItem implements QueueItem {
  readonly batch: Batch;
  readonly parts: readonly Part[];

  constructor(parts: readonly Part[]) {
    this.batch = mergeBatches(parts.map(({ batch }) => batch));
    this.parts = parts;
  }

  done(error?: ConsumerError): void {
    for (const { share } of this.parts) share.done(error);
  }
}
