import { ConsumerError } from "../component/errors.ts";
import type { Batch } from "../telemetry/batch.ts";
import { splitBatch } from "../telemetry/split.ts";
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
    const [first, ...others] = this.#errors;
    this.#item.done(first === undefined ? undefined : ConsumerError.join([first, ...others]));
  }
}

class MergedItem implements QueueItem {
  readonly batch: Batch;
  readonly #shares: readonly Share[];

  constructor(parts: readonly Part[]) {
    this.batch = merged(parts.map(({ batch }) => batch));
    this.#shares = parts.map(({ share }) => share);
  }

  done(error?: ConsumerError): void {
    for (const share of this.#shares) share.done(error);
  }
}

/** Two payloads, one after the other, are one payload. */
function merged(batches: readonly Batch[]): Batch {
  const [first] = batches;
  if (first !== undefined && batches.length === 1) return first;
  // Not a `Buffer`: small ones share their memory, and a consumer may take it away.
  const bytes = new Uint8Array(batches.reduce((sum, batch) => sum + batch.bytes.length, 0));
  let end = 0;
  for (const batch of batches) {
    bytes.set(batch.bytes, end);
    end += batch.bytes.length;
  }
  const items = batches.reduce<number | undefined>(
    (sum, batch) => (sum === undefined || batch.items === undefined ? undefined : sum + batch.items),
    0,
  );
  return { signal: first!.signal, bytes, ...(items === undefined ? {} : { items }) };
}
