import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Exporter } from "../../component/component.ts";
import { ConsumerError } from "../../component/errors.ts";
import { silentLogger } from "../../component/logger.ts";
import type { Batch } from "../../telemetry/batch.ts";
import { itemsOf } from "../../telemetry/count.ts";
import { BatchExport, type BatchExportOptions } from "./batch-export.ts";

/** A destination that tells how many items each batch had, and takes its time if it is asked to. */
class Destination implements Exporter {
  readonly capabilities = { mutatesData: false };
  readonly batches: number[] = [];
  readonly lines: string[] = [];
  answer: () => Promise<void> = async () => {};
  #waiting: (() => void) | undefined;

  async start(): Promise<void> {}
  async shutdown(): Promise<void> {}

  consume(batch: Batch): Promise<void> {
    this.batches.push(itemsOf(batch));
    this.#waiting?.();
    return this.answer();
  }

  /** Resolves with the next batch. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  async open(more: Partial<BatchExportOptions> = {}): Promise<BatchExport> {
    const made = new BatchExport({
      signal: "logs",
      resource: {},
      exporter: this as Exporter,
      logger: { ...silentLogger, warn: (message, attributes) => this.lines.push(`${message} ${attributes?.items}`) },
      scheduleDelay: 1_000_000,
      exportTimeout: 10_000,
      maxQueueSize: 20,
      maxExportBatchSize: 5,
      ...more,
    });
    await made.start();
    return made;
  }
}

const record = { body: { stringValue: "a" } };

describe("own telemetry that is collected and sent", () => {
  test("as soon as there is enough of it, and at the end what is left", async () => {
    const destination = new Destination();
    const exporting = await destination.open();
    for (let i = 0; i < 4; i++) exporting.add(record);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(destination.batches, []);
    const sent = destination.next();
    for (let i = 0; i < 3; i++) exporting.add(record);
    await sent;
    assert.deepEqual(destination.batches, [5]);
    await exporting.shutdown();
    assert.deepEqual(destination.batches, [5, 2]);
    exporting.add(record);
    assert.deepEqual(destination.batches, [5, 2]);
  });

  test("after the delay", async () => {
    const destination = new Destination();
    const exporting = await destination.open({ scheduleDelay: 1 });
    const sent = destination.next();
    exporting.add(record);
    await sent;
    assert.deepEqual(destination.batches, [1]);
    await exporting.shutdown();
  });

  test("what is more than the queue has room for is lost, and so is what the destination does not take; one line says so", async () => {
    const destination = new Destination();
    destination.answer = () => Promise.reject(ConsumerError.retryable("down"));
    const exporting = await destination.open({ maxExportBatchSize: 512 });
    for (let i = 0; i < 25; i++) exporting.add(record);
    await exporting.shutdown();
    assert.deepEqual(destination.batches, [20]);
    assert.deepEqual(destination.lines, ["Own logs could not be exported 1"]);
  });

  test("one that hangs does not keep the end", async () => {
    const destination = new Destination();
    destination.answer = () => new Promise(() => {});
    const exporting = await destination.open({ exportTimeout: 5 });
    exporting.add(record);
    await exporting.shutdown();
    assert.deepEqual(destination.lines, ["Own logs could not be exported 1"]);
  });
});
