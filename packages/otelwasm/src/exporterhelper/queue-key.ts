/** Says of a batch in a store all that a queue needs to know before it reads it. */
export interface QueueKey {
  /** Counts the batches of one queue. */
  readonly number: number;
  readonly items: number;
}

/** Digits that hold every safe integer. */
const DIGITS = 11;
const KEY = /^([0-9a-z]{11})-([0-9a-z]{1,11})$/;

/** Sorts as the numbers do. */
export function formatKey({ number, items }: QueueKey): string {
  return `${number.toString(36).padStart(DIGITS, "0")}-${items.toString(36)}`;
}

/** @returns undefined: not one of these */
export function parseKey(key: string): QueueKey | undefined {
  const [, number, items] = KEY.exec(key) ?? [];
  if (number === undefined || items === undefined) return undefined;
  return { number: Number.parseInt(number, 36), items: Number.parseInt(items, 36) };
}
