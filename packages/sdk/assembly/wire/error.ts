// Malformed bytes found while a plugin looks into a batch. Accessors then answer defaults and loops end; the first
// finding becomes the reason of the status "invalid argument" that `consume_*` returns, so no plugin has to check for it.

let reason: string | null = null;
let position: usize = 0;
let batchStart: usize = 0;
let batchEnd: usize = 0;

/** Called with the batch's bounds when it is taken. */
export function clearMalformed(start: usize, end: usize): void {
  reason = null;
  batchStart = start;
  batchEnd = end;
}

/** Remembers the first finding. @returns 0, which no position is */
export function malformed(what: string, at: usize): usize {
  if (reason === null) {
    reason = what;
    position = at;
  }
  return 0;
}

/** @returns what is wrong with the batch, and where; null when nothing wrong has been seen */
export function malformedReason(): string | null {
  const what = reason;
  if (what === null) return null;
  const place = position >= batchStart && position <= batchEnd ? " at byte " + (position - batchStart).toString() : "";
  return "malformed OTLP" + place + ": " + what;
}
