import type { Consumer } from "../component/component.ts";
import { ConsumerError, StatusCode } from "../component/errors.ts";
import type { Batch } from "../telemetry/batch.ts";
import { Backoff } from "./backoff.ts";
import type { RetryConfig } from "./config.ts";
import type { Clock, Schedule, Timed } from "./schedule.ts";

export interface AttemptsOptions {
  readonly next: Consumer;
  readonly retry: RetryConfig;
  /** Whether what could not be delivered stays with the queue, which gives it again: then nothing is given up for good. */
  readonly kept: boolean;
  /** Milliseconds for an attempt; `undefined`: `next` sees to that. */
  readonly timeoutMs: number | undefined;
  /** How many may wait to be tried again at the same time. */
  readonly maxWaiting: number;
  readonly clock: Clock;
  readonly schedule: Schedule;
  /** Told of each attempt that is followed by another. @param delayMs until then */
  onRetry(error: ConsumerError, delayMs: number): void;
}

/**
 * Gives batches to a consumer until it has taken them, or has refused them for good, or their time is up.
 *
 * A consumer that takes buffers away (`mutatesData`) gets a copy of them for each attempt where another may follow.
 */
export class Attempts {
  readonly options: AttemptsOptions;
  /** Whether each attempt works on a copy. */
  readonly copies: boolean;
  readonly #waiting: Set<Delivery> = new Set();
  #last = false;

  constructor(options: AttemptsOptions) {
    this.options = options;
    this.copies = options.next.capabilities.mutatesData && (options.retry.enabled || options.kept);
  }

  /** From now on each batch has one attempt, those that wait for another have it now. */
  hurry(): void {
    this.#last = true;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const delivery of waiting) if (this.options.schedule.remove(delivery)) delivery.onDue();
  }

  /** Whether there is no attempt after a failed one. */
  get last(): boolean {
    return this.#last;
  }

  /** @returns whether it may wait */
  wait(delivery: Delivery, milliseconds: number): boolean {
    if (this.#waiting.size >= this.options.maxWaiting) return false;
    this.#waiting.add(delivery);
    this.options.schedule.add(delivery, milliseconds);
    return true;
  }

  woken(delivery: Delivery): void {
    this.#waiting.delete(delivery);
  }
}

/** What a delivery waits for. `end`: for its time to go back to a queue that keeps it, and may give it again at once. */
type Waits = "answer" | "attempt" | "end" | "nothing";

/** One batch on its way to the consumer. Its `start` is to be called once. */
export class Delivery implements Timed {
  dueAt: number = 0;
  place: number = -1;
  readonly batch: Batch;
  readonly #attempts: Attempts;
  readonly #end: (error: ConsumerError | undefined, delivery: Delivery) => void;
  #waits: Waits = "nothing";
  /** Counted, so that what an attempt answers that nobody waits for any more is known. */
  #attempt = 0;
  #startedAt = 0;
  #backoff: Backoff | undefined;
  #error: ConsumerError | undefined;

  /** @param end told once how it ended */
  constructor(attempts: Attempts, batch: Batch, end: (error: ConsumerError | undefined, delivery: Delivery) => void) {
    this.#attempts = attempts;
    this.batch = batch;
    this.#end = end;
  }

  start(): void {
    const { retry, clock } = this.#attempts.options;
    if (retry.enabled && retry.max_elapsed_time > 0) this.#startedAt = clock.now();
    this.#try();
  }

  /** Ends it, whatever comes of an attempt that runs. Does nothing if it has ended. */
  abandon(error: ConsumerError): void {
    if (this.#attempt < 0) return;
    this.#attempts.options.schedule.remove(this);
    this.#finish(error);
  }

  onDue(): void {
    const waited = this.#waits;
    this.#waits = "nothing";
    this.#attempts.woken(this);
    if (waited === "attempt") this.#try();
    else if (waited === "end") this.#finish(this.#error);
    else if (waited === "answer")
      this.#failed(
        ConsumerError.retryable(`no answer within ${this.#attempts.options.timeoutMs} ms`, {
          code: StatusCode.DEADLINE_EXCEEDED,
        }),
      );
  }

  #try(): void {
    const attempt = ++this.#attempt;
    const { next, timeoutMs, schedule } = this.#attempts.options;
    if (timeoutMs !== undefined) {
      this.#waits = "answer";
      schedule.add(this, timeoutMs);
    }
    let answer: Promise<void>;
    try {
      answer = next.consume(this.#attempts.copies ? copyOf(this.batch) : this.batch);
    } catch (error) {
      answer = Promise.reject(error);
    }
    answer.then(
      () => {
        if (!this.#answered(attempt)) return;
        this.#finish(undefined);
      },
      (error: unknown) => {
        if (!this.#answered(attempt)) return;
        this.#failed(ConsumerError.from(error));
      },
    );
  }

  /** @returns whether somebody still waits for this attempt */
  #answered(attempt: number): boolean {
    if (attempt !== this.#attempt) return false;
    if (this.#waits === "answer") {
      this.#waits = "nothing";
      this.#attempts.options.schedule.remove(this);
    }
    return true;
  }

  #failed(error: ConsumerError): void {
    // An attempt that comes too late with its answer is not the one that is waited for any more.
    this.#attempt++;
    const { retry, kept, clock, onRetry } = this.#attempts.options;
    const wish = error.retryAfterMs ?? 0;
    if (error.permanent || this.#attempts.last) this.#finish(error);
    else if (retry.enabled) {
      this.#backoff ??= new Backoff(retry);
      const delay = Math.max(this.#backoff.next(), wish);
      const endsAt = retry.max_elapsed_time > 0 ? this.#startedAt + retry.max_elapsed_time : Number.POSITIVE_INFINITY;
      if (clock.now() + delay <= endsAt) {
        if (this.#rest("attempt", error, delay)) onRetry(error, delay);
      } else if (kept) this.#rest("end", exhausted(error), delay);
      else this.#finish(exhausted(error));
    } else if (kept) this.#rest("end", error, Math.max(retry.initial_interval, wish));
    else this.#finish(error);
  }

  #rest(waits: "attempt" | "end", error: ConsumerError, milliseconds: number): boolean {
    this.#waits = waits;
    this.#error = error;
    if (this.#attempts.wait(this, milliseconds)) return true;
    this.#finish(error);
    return false;
  }

  #finish(error: ConsumerError | undefined): void {
    this.#attempt = -1;
    this.#waits = "nothing";
    this.#attempts.woken(this);
    this.#end(error, this);
  }
}

/** The count stays with what is counted. */
function copyOf({ signal, bytes, items }: Batch): Batch {
  const copy = { signal, bytes: new Uint8Array(bytes) };
  return items === undefined ? copy : { ...copy, items };
}

function exhausted(error: ConsumerError): ConsumerError {
  const { code, retryAfterMs, cause = error } = error;
  return ConsumerError.retryable(`no more retries left: ${error.message}`, {
    code,
    cause,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
