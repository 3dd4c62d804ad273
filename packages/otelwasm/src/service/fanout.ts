import type { Consumer } from "../component/component.ts";
import { ConsumerError } from "../component/errors.ts";
import { ownCopy } from "../plugin/guest-memory.ts";
import type { Batch } from "../telemetry/batch.ts";

/** A consumer, and what becomes of the buffer in it and behind it. */
export interface Branch {
  readonly consumer: Consumer;
  /** Whether the consumer, or anything that it hands the same buffer to, may alter or detach it. */
  readonly mutatesData: boolean;
}

/**
 * One consumer for several. All get every batch at the same time; the answer waits for all of them, and their errors are joined.
 *
 * Those that only read share the buffer. Each that may alter it gets a copy; only if nobody just reads does the last of them get the original. A
 * single consumer is given back as it is: nothing stands between two stages of a pipeline.
 */
export function fanOut(branches: readonly Branch[]): Branch {
  if (branches.length === 1) return branches[0]!;
  const readers = branches.filter((branch) => !branch.mutatesData).map((branch) => branch.consumer);
  const writers = branches.filter((branch) => branch.mutatesData).map((branch) => branch.consumer);
  const originalFor = readers.length === 0 ? writers.pop() : undefined;
  const mutatesData = originalFor !== undefined;
  return {
    mutatesData,
    consumer: {
      capabilities: { mutatesData },
      async consume(batch: Batch): Promise<void> {
        const answers: Promise<void>[] = [];
        for (const writer of writers) answers.push(call(writer, { ...batch, bytes: ownCopy(batch.bytes) }));
        for (const reader of readers) answers.push(call(reader, batch));
        // Last: the buffer may be gone when this call returns.
        if (originalFor !== undefined) answers.push(call(originalFor, batch));
        const errors = (await Promise.allSettled(answers)).flatMap((answer) =>
          answer.status === "rejected" ? [ConsumerError.from(answer.reason)] : [],
        );
        const [first, ...others] = errors;
        if (first !== undefined) throw ConsumerError.join([first, ...others]);
      },
    },
  };
}

/** A consumer that throws before it has made its promise must not keep the batch from the others. */
function call(consumer: Consumer, batch: Batch): Promise<void> {
  try {
    return consumer.consume(batch);
  } catch (error) {
    return Promise.reject(error);
  }
}
