// What receivers do beside building batches.
import { closeBatch, receiving } from "./batch";
import { monotonicNano, wait } from "./clock";
import { afterEmit, LOGS, METRICS, sendResult, TRACES } from "./entry";
import { Logs } from "./generated/logs";
import { Metrics } from "./generated/metrics";
import { Traces } from "./generated/trace";
import { forgetTexts } from "./data/text";
import { getShutdownRequested } from "./host";
import { collectGarbage } from "./runtime/collector";
import { malformedReason } from "./wire/error";
import { DIRTY, Message } from "./wire/message";

/** A sleeping receiver looks at the shutdown flag this often. */
const SLICE: u64 = 1_000_000_000;

/**
 * Hands a batch that was made with `new Logs()` (`Traces`, `Metrics`) to the pipeline, and waits while the pipeline
 * cannot take it. The batch, and every handle on something in it, is not valid any more. An empty one goes nowhere.
 * Every batch that is made must be emitted: its memory is given back then.
 */
export function emit<T extends Message>(batch: T): void {
  if (!closeBatch(batch)) abort("emit: this batch was not made with new, or has been emitted already");
  const reason = malformedReason();
  if (reason !== null) abort("emit: " + reason);
  if (batch._flags & DIRTY) {
    let signal = 0;
    if (batch instanceof Logs) signal = LOGS;
    else if (batch instanceof Metrics) signal = METRICS;
    else if (batch instanceof Traces) signal = TRACES;
    if (!sendResult(batch, signal)) abort("emit: out of memory: no room for the encoded batch");
  }
  afterEmit();
}

/** Whether the collector wants this receiver to return. */
export function shutdownRequested(): bool {
  return getShutdownRequested() != 0;
}

/**
 * Waits; the collector's other work goes on meanwhile.
 * @param milliseconds 0 and less returns at once
 * @returns false if shutdown has been requested, which also ends the wait: `while (sleep(1000)) { ... }`
 */
export function sleep(milliseconds: f64): bool {
  const start = monotonicNano();
  const wanted = milliseconds > 0 ? <u64>min(milliseconds * 1e6, 9e18) : 0;
  // What the loop around this has left behind, also if it emits nothing.
  if (receiving) {
    forgetTexts();
    collectGarbage();
  }
  while (!shutdownRequested()) {
    const passed = monotonicNano() - start;
    if (passed >= wanted) return true;
    wait(min(wanted - passed, SLICE));
  }
  return false;
}
