// The exports of a plugin, as functions that the build command's transform calls from the module that it generates.
import { arenaReset, tryArenaAllocate } from "./memory/arena";
import { takeOwnership, takenSize } from "./memory/pins";
import { collectGarbage } from "./runtime/collector";
import { release } from "./runtime/heap";
import { forgetTexts } from "./data/text";
import { forgetBatches, hasOpenBatches, receiving, setReceiving } from "./batch";
import { clearMalformed, malformedReason } from "./wire/error";
import { contentSize, writeContent } from "./wire/encode";
import { DIRTY, forgetSpare, Message, newMessage } from "./wire/message";
import { setResultLogs, setResultMetrics, setResultTraces, setStatusReason } from "./host";
import { ERROR, INVALID_ARGUMENT, Status } from "./status";
import { configError, forgetConfig } from "./config/config";

export { allocatePinned as alloc } from "./memory/pins";

export const METRICS: i32 = 1;
export const LOGS: i32 = 2;
export const TRACES: i32 = 4;

let input: usize = 0;

/** Takes a batch. @returns null, with the reason set, if the pointer and size are not what `alloc` handed out */
export function takeBatch(pointer: usize, size: usize): Message | null {
  // A call that trapped may have left something behind.
  endBatch();
  if (size != 0) {
    if (!takeOwnership(pointer)) {
      fail("pointer " + pointer.toString() + " was not handed out by alloc, or has been consumed already");
      return null;
    }
    input = pointer;
    if (size > takenSize) {
      fail("size " + size.toString() + " is larger than the " + takenSize.toString() + " bytes that alloc handed out at pointer " + pointer.toString());
      endBatch();
      return null;
    }
  }
  clearMalformed(pointer, pointer + size);
  return newMessage(null, 0, 0, pointer, pointer + size);
}

/** Hands the result to the host, if anything has changed, and gives the batch's memory back. @returns the ABI's status */
export function answerBatch(batch: Message, status: Status, signal: i32): i32 {
  let code = answer(status);
  if (code == 0) {
    const reason = malformedReason();
    if (reason !== null) code = invalid(reason);
    else if (batch._flags & DIRTY && !sendResult(batch, signal))
      code = fail("out of memory: no room for a result of " + batch._size.toString() + " bytes");
  }
  return settle(code);
}

/** As {@link answerBatch}, for an exporter, which has no result. */
export function answerExport(status: Status): i32 {
  let code = answer(status);
  const reason = malformedReason();
  if (code == 0 && reason !== null) code = invalid(reason);
  return settle(code);
}

/** The end of every call: gives back what it needed. @returns `code` */
export function settle(code: i32): i32 {
  endBatch();
  collectGarbage();
  return code;
}

/** @returns false if memory does not suffice */
export function sendResult(batch: Message, signal: i32): bool {
  const size = contentSize(batch);
  const result = tryArenaAllocate(size);
  if (result == 0) return false;
  writeContent(batch, result);
  if (signal == LOGS) setResultLogs(result, size);
  else if (signal == METRICS) setResultMetrics(result, size);
  else setResultTraces(result, size);
  return true;
}

/** Before a receiver's method is called. */
export function beginReceiving(): void {
  endBatch();
  setReceiving(true);
}

/** When it has returned. */
export function endReceiving(): void {
  setReceiving(false);
  settle(0);
}

/** A receiver's call lasts as long as the collector: what a batch needed is given back when it has been handed on. */
export function afterEmit(): void {
  if (!receiving) return;
  if (!hasOpenBatches()) resetArena();
  // Strings may be freed, and what was remembered of them is found by their address.
  else forgetTexts();
  collectGarbage();
}

function resetArena(): void {
  forgetTexts();
  forgetSpare();
  arenaReset();
}

function endBatch(): void {
  if (input != 0) release(input);
  input = 0;
  setReceiving(false);
  forgetBatches();
  clearMalformed(0, 0);
  resetArena();
}

/** @returns the ABI's status of what a plugin's method answered */
export function answer(status: Status): i32 {
  return status.code == 0 ? 0 : withReason(status.reason, status.code);
}

/** Sets the reason. @returns the ABI's status of an error that may not be there at another attempt */
export function fail(reason: string): i32 {
  return withReason(reason, ERROR);
}

/** Sets the reason. @returns the ABI's status of a batch that is itself at fault: its sender need not try again */
function invalid(reason: string): i32 {
  return withReason(reason, INVALID_ARGUMENT);
}

function withReason(reason: string, code: i32): i32 {
  const bytes = String.UTF8.encode(reason, false, String.UTF8.ErrorMode.REPLACE);
  setStatusReason(changetype<usize>(bytes), bytes.byteLength);
  return code;
}

/** @returns the ABI's status of a start-up whose plugins have read their configuration */
export function answerConfig(): i32 {
  const reason = configError();
  forgetConfig();
  return reason === null ? 0 : fail(reason);
}
