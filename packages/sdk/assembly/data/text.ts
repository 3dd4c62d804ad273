// Strings are UTF-16 in AssemblyScript and UTF-8 in OTLP. A plugin uses the same few keys for every record, so what
// was encoded once in a batch is found again by the string's address. Strings do not move, do not change, and are not
// freed during a call, so the address is the string.
import { arenaAllocate } from "../memory/arena";

const SLOTS: usize = 64;
const SLOT: usize = 16;
const table: usize = memory.data(1024, 4);

/** Grows with every batch: what was remembered in an earlier one lived in its arena. */
export let textGeneration: u32 = 1;

/** End of what {@link encodeText} answered. */
export let textEnd: usize = 0;

/** @returns the address of the text's UTF-8 bytes, which end at {@link textEnd} and live as long as the batch */
export function encodeText(text: string): usize {
  const key = changetype<usize>(text);
  const slot = table + ((key >> 4) & (SLOTS - 1)) * SLOT;
  if (load<usize>(slot) == key && load<u32>(slot, 12) == textGeneration) {
    textEnd = load<usize>(slot, 8);
    return load<usize>(slot, 4);
  }
  // A UTF-16 unit takes three bytes at most.
  const start = arenaAllocate(text.length * 3);
  const size = String.UTF8.encodeUnsafe(key, text.length, start, false, String.UTF8.ErrorMode.REPLACE);
  store<usize>(slot, key);
  store<usize>(slot, start, 4);
  store<usize>(slot, start + size, 8);
  store<u32>(slot, textGeneration, 12);
  textEnd = start + size;
  return start;
}

/** Forgets everything: when the arena is reset, or strings may have been freed. */
export function forgetTexts(): void {
  ++textGeneration;
}
