import assert from "node:assert/strict";
// For tests of receivers and exporters: their settings, a consumer that a test drives, a log that it can read.
import type { Batch, Consumer } from "../../component/component.ts";
import { ConsumerError } from "../../component/errors.ts";
import type { ComponentSettings } from "../../component/factory.ts";
import { LineWriter, type LogAttributes } from "../../component/logger.ts";
import { settingsWith } from "../../component/testing/settings.ts";
import type { Signal } from "../../telemetry/batch.ts";

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly attributes: LogAttributes | undefined;
}

class Recorder extends LineWriter {
  readonly #lines: LogLine[];

  constructor(lines: LogLine[]) {
    super();
    this.#lines = lines;
  }

  override write(level: string, message: string, attributes: LogAttributes | undefined): void {
    this.#lines.push({ level, message, attributes });
  }
}

/** A log whose lines a test can wait for. */
export class WaitedLog extends LineWriter {
  readonly lines: string[] = [];
  readonly #waiting: { pattern: RegExp; resolve: (line: string) => void }[] = [];

  override write(_level: string, message: string): void {
    this.lines.push(message);
    for (const { pattern, resolve } of this.#waiting) if (pattern.test(message)) resolve(message);
  }

  /** The first line, from now on or before, that has the pattern. */
  line(pattern: RegExp): Promise<string> {
    const found = this.lines.find((line) => pattern.test(line));
    return found === undefined
      ? new Promise((resolve) => this.#waiting.push({ pattern, resolve }))
      : Promise.resolve(found);
  }
}

export function testSettings(
  id: string,
  signal: Signal,
  lines: LogLine[] = [],
  shared: Map<string, unknown> = new Map(),
): ComponentSettings {
  return settingsWith({ id, signal, logger: new Recorder(lines), shared });
}

/** The bytes' buffer can be given to a thread, and nothing but they is in it. */
export function assertTransferable(bytes: Uint8Array): void {
  const { buffer } = bytes;
  assert.ok(buffer instanceof ArrayBuffer);
  structuredClone(null, { transfer: [buffer] });
  assert.equal(bytes.byteLength, 0);
}

/** Why a batch was not delivered. */
export async function failure(promise: Promise<void>): Promise<ConsumerError> {
  const error: unknown = await promise.then(
    () => assert.fail("it was delivered"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ConsumerError, String(error));
  return error;
}

/** Keeps what it gets; `answer` decides how each batch ends. */
export class TestConsumer implements Consumer {
  readonly capabilities: { readonly mutatesData: boolean } = { mutatesData: true };
  readonly batches: Batch[] = [];
  answer: (batch: Batch) => Promise<void> = () => Promise.resolve();
  #awaited: { count: number; resolve: () => void } | undefined;

  consume(batch: Batch): Promise<void> {
    this.batches.push(batch);
    if (this.#awaited !== undefined && this.batches.length >= this.#awaited.count) this.#awaited.resolve();
    return this.answer(batch);
  }

  /** Resolves once so many batches have come in all. */
  async until(count: number): Promise<void> {
    if (this.batches.length >= count) return;
    await new Promise<void>((resolve) => {
      this.#awaited = { count, resolve };
    });
  }
}

/** A consumer that keeps every batch waiting until `open` is called. */
export class Gate extends TestConsumer {
  readonly #gate: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  override answer: (batch: Batch) => Promise<void> = () => this.#gate.promise;

  open(): void {
    this.#gate.resolve();
  }
}
