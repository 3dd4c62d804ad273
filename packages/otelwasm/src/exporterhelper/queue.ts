import { ConsumerError } from "../component/errors.ts";
import type { Batch } from "../telemetry/batch.ts";
import { itemsOf } from "../telemetry/count.ts";

/** A batch that was taken out of a queue's line and is not dealt with yet. */
export interface QueueItem {
  /** Its buffer belongs to whoever has read the item, until `done`: it may be read several times, and must be neither altered nor detached. */
  readonly batch: Batch;
  /**
   * Ends the item; to be called exactly once, and never throws. Nobody reads the batch after it.
   *
   * @param error none: it was delivered, and the queue forgets it (a persistent one deletes it now, not before). Permanent: it never will be; the same, and a sender
   *   that waits is told. Retryable: not delivered for now; what then becomes of it is `Queue.undelivered`. Whoever calls this has logged and counted it.
   */
  done(error?: ConsumerError): void;
}

/**
 * Keeps batches between their senders and an exporter's attempts.
 *
 * 1. Created; nothing is opened.
 * 2. `start`: what an earlier process left is there again. Called once.
 * 3. Working: `offer` by senders, `poll` by the one reader, `done` by it in any order.
 * 4. `stop`: offers are refused from now on (retryable), those that wait for room, too. What is in a memory queue can still be read; a persistent one gives nothing more.
 * 5. `shutdown`: called once, also without a `start`, when the reader has called `done` for all that it has read. The senders of what was never read are told a retryable error
 *    (memory), or it stays in the store (persistent). Resolves when nothing is open any more.
 */
export interface Queue {
  /** What is in it in units of its sizer, with what was read and is not done. */
  readonly size: number;
  readonly capacity: number;
  /**
   * What a retryable error given to `done` means: `rejected`: the sender is told, and has the data; `dropped`: lost, as nobody waits; `kept`: the queue gives the item again,
   * after all others that are in it.
   */
  readonly undelivered: "rejected" | "dropped" | "kept";
  /**
   * @param readable called, never from inside `poll`, when `poll` has something again after it had nothing
   * @throws StorageError
   */
  start(readable: () => void): Promise<void>;
  /**
   * Resolves when the queue has taken the responsibility: at once, when it is on disk, or (`wait_for_result`) when it is delivered. The buffer is the queue's from now on.
   *
   * @throws EnqueueError if it was not taken: there is no room, the store does not work, the queue was stopped; or what `done` was called with, if the sender waits for that
   */
  offer(batch: Batch): Promise<void>;
  /** The next in the line; `undefined` if none is at hand: `readable` then tells when there is one. Memory is bounded even if a store holds more. */
  poll(): QueueItem | undefined;
  stop(): void;
  shutdown(): Promise<void>;
}

/** A queue did not take a batch. Permanent only if it never could. */
export class EnqueueError extends ConsumerError {
  override readonly name: string = "EnqueueError";
}

export const SIZERS = ["requests", "items", "bytes"] as const;
/** What the size of a queue is measured in: batches, items (spans, log records, data points), or bytes of OTLP protobuf. */
export type Sizer = (typeof SIZERS)[number];

export function sizeOf(batch: Batch, sizer: Sizer): number {
  if (sizer === "requests") return 1;
  return sizer === "items" ? itemsOf(batch) : batch.bytes.length;
}
