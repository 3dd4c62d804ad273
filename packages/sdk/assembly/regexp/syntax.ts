// What a pattern consists of, between parser and compiler.
import { CharClass } from "./charclass";

export const enum Op {
  EMPTY,
  /** One character out of a class. */
  CLASS,
  ASSERT,
  CAPTURE,
  /** One after the other. */
  CONCAT,
  /** The first one that matches. */
  ALTERNATE,
  /** `x{min,max}`, and so `*`, `+`, `?`; `max` is -1 for no limit. */
  REPEAT,
}

/** What an empty-width assertion asks for. */
export const enum Assertion {
  TEXT_START,
  TEXT_END,
  LINE_START,
  LINE_END,
  WORD_BOUNDARY,
  NO_WORD_BOUNDARY,
}

export class Node {
  charClass: CharClass | null = null;
  items: Array<Node> = [];
  assertion: Assertion = Assertion.TEXT_START;
  /** Of a capture: 1 is the first group. */
  index: i32 = 0;
  min: i32 = 0;
  max: i32 = 0;
  lazy: bool = false;
  /** How large repetitions make it, multiplied out. */
  repeats: i32 = 1;

  constructor(public op: Op) {}
}

export function isWord(c: u32): bool {
  return (c - 0x30 <= 9) || ((c | 0x20) - 0x61 <= 25) || c == 0x5f;
}
