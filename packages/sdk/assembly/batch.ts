// Batches that a plugin makes, of which the arena has to know: it is reset when the last one has been emitted.
import { Message, newMessage } from "./wire/message";

/** The batches that have not been emitted yet: roots, linked by `_next`, which a root does not need otherwise. */
let opened: Message | null = null;

/**
 * Whether a receiver's method runs. Only then may objects be collected during a call: the build command has the compiler
 * keep a list of what is on the stack in modules that have a receiver.
 */
export let receiving: bool = false;

export function setReceiving(value: bool): void {
  receiving = value;
}

/** `new Logs()` and its like. */
export function newBatch(): Message {
  const batch = newMessage(null, 0, 0, 0, 0);
  batch._next = opened;
  opened = batch;
  return batch;
}

/** @returns whether the batch was open: made, and not emitted yet */
export function closeBatch(batch: Message): bool {
  let before: Message | null = null;
  let each = opened;
  while (each !== null) {
    const next = changetype<Message | null>(changetype<usize>(each._next));
    if (each === batch) {
      if (before === null) opened = next;
      else before._next = next;
      return true;
    }
    before = each;
    each = next;
  }
  return false;
}

export function hasOpenBatches(): bool {
  return opened !== null;
}

/** At the end of a call: the arena that they live in is reset. */
export function forgetBatches(): void {
  opened = null;
}
