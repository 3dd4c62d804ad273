// The Pike machine: all threads of the program advance together, one character at a time, in order of preference, each
// with its own captures. Work is bounded by (characters + 1) x instructions, whatever the pattern.
import { Alphabet, NEWLINE, WORD } from "./alphabet";
import { Inst, Program } from "./program";
import { Assertion } from "./syntax";
import { decodeRune, runeSize } from "./utf8";

/** No character: before the text's start, or at its end. */
export const NO_LETTER: i32 = -1;

/** @returns a letter that means to assertions what the character in front of `p` means; all above ASCII mean nothing */
export function letterBefore(alphabet: Alphabet, start: usize, p: usize): i32 {
  if (p == start) return NO_LETTER;
  const byte = <u32>load<u8>(p - 1);
  return byte < 0x80 ? <i32>alphabet.ascii[byte] : alphabet.letterOf(0xfffd);
}

/** @returns whether an assertion holds between two letters, of which either may be {@link NO_LETTER} */
export function holds(assertion: Assertion, alphabet: Alphabet, before: i32, after: i32): bool {
  switch (assertion) {
    case Assertion.TEXT_START:
      return before == NO_LETTER;
    case Assertion.TEXT_END:
      return after == NO_LETTER;
    case Assertion.LINE_START:
      return before == NO_LETTER || (alphabet.kinds[before] & NEWLINE) != 0;
    case Assertion.LINE_END:
      return after == NO_LETTER || (alphabet.kinds[after] & NEWLINE) != 0;
    default: {
      const was = before != NO_LETTER && (alphabet.kinds[before] & WORD) != 0;
      const is = after != NO_LETTER && (alphabet.kinds[after] & WORD) != 0;
      return (was != is) == (assertion == Assertion.WORD_BOUNDARY);
    }
  }
}

/** Threads in order of preference, each instruction at most once: a sparse set. */
class Threads {
  size: i32 = 0;
  dense: StaticArray<i32>;
  private sparse: StaticArray<i32>;
  /** The slots of each thread, by its instruction. */
  slots: StaticArray<i32>;

  constructor(instructions: i32, slots: i32) {
    this.dense = new StaticArray<i32>(instructions);
    this.sparse = new StaticArray<i32>(instructions);
    this.slots = new StaticArray<i32>(instructions * slots);
  }

  @inline
  has(pc: i32): bool {
    const i = unchecked(this.sparse[pc]);
    return <u32>i < <u32>this.size && unchecked(this.dense[i]) == pc;
  }

  @inline
  add(pc: i32): void {
    unchecked((this.sparse[pc] = this.size));
    unchecked((this.dense[this.size++] = pc));
  }
}

export class Pike {
  /** Positions of the last match: two for each group, -1 for a group that took no part. */
  slots: StaticArray<i32>;
  /** How many instructions have been looked at since the beginning. */
  steps: u64 = 0;

  private slotCount: i32;
  private now: Threads;
  private next: Threads;
  /** Slots of the thread that is being followed. */
  private own: StaticArray<i32>;
  /** What is left to follow: `pc`, or `-1 - slot` followed by the position to put back. */
  private stack: StaticArray<i32>;

  constructor(
    private program: Program,
    private alphabet: Alphabet,
    groups: i32,
  ) {
    const instructions = program.op.length;
    const slotCount = groups * 2;
    this.slotCount = slotCount;
    this.slots = new StaticArray<i32>(slotCount);
    this.own = new StaticArray<i32>(slotCount);
    this.now = new Threads(instructions, slotCount);
    this.next = new Threads(instructions, slotCount);
    this.stack = new StaticArray<i32>(instructions * 3 + 4);
  }

  /**
   * Finds the leftmost match, and among those the one that the pattern prefers.
   * @param from where to begin, at or after `start`: what lies between is known not to begin a match
   * @returns whether there is one; {@link slots} has it
   */
  search(start: usize, end: usize, from: usize, anchored: bool): bool {
    let found = false;
    this.now.size = 0;
    let p = from;
    let before = letterBefore(this.alphabet, start, p);
    let after = NO_LETTER;
    let size: usize = 0;
    if (p < end) {
      after = this.alphabet.letterOf(decodeRune(p, end));
      size = runeSize;
    }
    for (;;) {
      if (!found && (!anchored || p == start)) {
        for (let i = 0; i < this.slotCount; ++i) unchecked((this.own[i] = -1));
        unchecked((this.own[0] = <i32>(p - start)));
        this.follow(this.now, this.program.start, <i32>(p - start), before, after);
      }
      if (this.now.size == 0 && (found || anchored)) break;
      const here = p;
      p += size;
      const letter = after;
      let nextAfter = NO_LETTER;
      let nextSize: usize = 0;
      if (p < end && letter != NO_LETTER) {
        nextAfter = this.alphabet.letterOf(decodeRune(p, end));
        nextSize = runeSize;
      }
      this.next.size = 0;
      for (let i = 0; i < this.now.size; ++i) {
        const pc = unchecked(this.now.dense[i]);
        const op = unchecked(this.program.op[pc]);
        if (op == Inst.MATCH) {
          const at = pc * this.slotCount;
          for (let k = 0; k < this.slotCount; ++k) unchecked((this.slots[k] = this.now.slots[at + k]));
          unchecked((this.slots[1] = <i32>(here - start)));
          found = true;
          // Threads behind this one are less preferred.
          break;
        }
        if (op == Inst.SET && letter != NO_LETTER && this.alphabet.has(unchecked(this.program.arg[pc]), letter)) {
          const at = pc * this.slotCount;
          for (let k = 0; k < this.slotCount; ++k) unchecked((this.own[k] = this.now.slots[at + k]));
          this.follow(this.next, unchecked(this.program.out[pc]), <i32>(p - start), letter, nextAfter);
        }
      }
      const swap = this.now;
      this.now = this.next;
      this.next = swap;
      if (letter == NO_LETTER) break;
      before = letter;
      after = nextAfter;
      size = nextSize;
    }
    return found;
  }

  /** Adds the threads that `pc` leads to without consuming anything, in order of preference. */
  private follow(threads: Threads, pc: i32, position: i32, before: i32, after: i32): void {
    const stack = this.stack;
    const program = this.program;
    let top = 0;
    unchecked((stack[top++] = pc));
    while (top > 0) {
      let at = unchecked(stack[--top]);
      if (at < 0) {
        unchecked((this.own[-1 - at] = stack[--top]));
        continue;
      }
      for (;;) {
        if (threads.has(at)) break;
        threads.add(at);
        ++this.steps;
        const arg = unchecked(program.arg[at]);
        const op = unchecked(program.op[at]);
        if (op == Inst.ALT) {
          unchecked((stack[top++] = arg));
        } else if (op == Inst.CAPTURE) {
          unchecked((stack[top++] = this.own[arg]));
          unchecked((stack[top++] = -1 - arg));
          unchecked((this.own[arg] = position));
        } else if (op == Inst.ASSERT) {
          if (!holds(arg, this.alphabet, before, after)) break;
        } else if (op != Inst.NOP) {
          const to = at * this.slotCount;
          for (let k = 0; k < this.slotCount; ++k) unchecked((threads.slots[to + k] = this.own[k]));
          break;
        }
        at = unchecked(program.out[at]);
      }
    }
  }
}
