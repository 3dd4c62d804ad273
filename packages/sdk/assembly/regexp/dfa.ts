// Whether a text matches, without captures: the same machine, with sets of threads as states that are built when they
// are first needed. A known transition costs one load. When the table is full it is begun anew, so memory is bounded
// and the work stays linear.
import { Alphabet } from "./alphabet";
import { holds, letterBefore, NO_LETTER } from "./pike";
import { Inst, Program } from "./program";
import { decodeRune, runeSize } from "./utf8";

const UNKNOWN: i32 = 0;
/** No thread is left. */
const DEAD: i32 = 1;
/** A thread has matched. */
const FOUND: i32 = 2;
/** Rows of the table below this one are those above, not states. */
const FIRST: i32 = 3;

const TABLE_ENTRIES: i32 = 1 << 16;
const MOST_STATES: i32 = 1 << 10;

export class Dfa {
  /** How many instructions have been looked at since the beginning; known transitions cost none. */
  steps: u64 = 0;

  /** Letters, and one more for the text's end. */
  private stride: i32;
  private table: StaticArray<i32>;
  private count: i32 = FIRST;
  private capacity: i32;
  /** Threads of all states, one state behind the other, and where each begins. */
  private pool: StaticArray<i32>;
  private used: i32 = 0;
  private begins: StaticArray<i32>;
  private hashes: StaticArray<u32>;
  /** The letter read last, as far as assertions can see it. */
  private befores: StaticArray<i32>;
  private buckets: StaticArray<i32>;
  /** The state that a search begins in, by the letter before it (shifted by one, so that none is 0); 0 where it is not known yet. */
  private firsts: StaticArray<i32>;

  // The set of threads under construction.
  private size: i32 = 0;
  private dense: StaticArray<i32>;
  private sparse: StaticArray<i32>;
  // And the one that is being left.
  private leaving: StaticArray<i32>;
  private stack: StaticArray<i32>;

  constructor(
    private program: Program,
    private alphabet: Alphabet,
    private anchored: bool,
  ) {
    const instructions = program.op.length;
    const stride = alphabet.size + 1;
    const capacity = min(MOST_STATES, max(16, TABLE_ENTRIES / stride));
    this.stride = stride;
    this.firsts = new StaticArray<i32>(stride);
    this.capacity = capacity;
    this.table = new StaticArray<i32>(capacity * stride);
    this.begins = new StaticArray<i32>(capacity + 1);
    this.hashes = new StaticArray<u32>(capacity);
    this.befores = new StaticArray<i32>(capacity);
    this.buckets = new StaticArray<i32>(capacity * 2);
    this.pool = new StaticArray<i32>(max(instructions * 4, 4096));
    this.dense = new StaticArray<i32>(instructions);
    this.sparse = new StaticArray<i32>(instructions);
    this.leaving = new StaticArray<i32>(instructions);
    this.stack = new StaticArray<i32>(instructions + 1);
  }

  /**
   * @param from where to begin, at or after `start`: what lies between is known not to begin a match
   */
  matches(start: usize, end: usize, from: usize): bool {
    let state = this.begin(letterBefore(this.alphabet, start, from));
    const table = changetype<usize>(this.table);
    const ascii = changetype<usize>(this.alphabet.ascii);
    const stride = this.stride;
    let p = from;
    while (p < end) {
      const byte = <u32>load<u8>(p);
      let letter: i32;
      if (byte < 0x80) {
        letter = load<u16>(ascii + (byte << 1));
        ++p;
      } else {
        letter = this.alphabet.letterOf(decodeRune(p, end));
        p += runeSize;
      }
      let next = load<i32>(table + ((state * stride + letter) << 2));
      if (next < FIRST) {
        if (next == UNKNOWN) next = this.step(state, letter);
        if (next == DEAD) return false;
        if (next == FOUND) return true;
      }
      state = next;
    }
    let last = load<i32>(table + ((state * stride + stride - 1) << 2));
    if (last == UNKNOWN) last = this.step(state, NO_LETTER);
    return last == FOUND;
  }

  private begin(before: i32): i32 {
    const known = unchecked(this.firsts[before + 1]);
    if (known != 0) return known;
    this.size = 0;
    this.follow(this.program.start);
    const state = this.intern(this.visible(before));
    this.firsts[before + 1] = state;
    return state;
  }

  /** Letters that no assertion tells apart are one. */
  private visible(letter: i32): i32 {
    if (!this.program.hasAssertions) return 0;
    if (letter == NO_LETTER) return NO_LETTER;
    const kind = this.alphabet.kinds[letter];
    if (kind == 0) {
      // Any letter without a meaning will do: the first one.
      for (let i = 0; i < this.alphabet.size; ++i) if (this.alphabet.kinds[i] == 0) return i;
    }
    for (let i = 0; i < letter; ++i) if (this.alphabet.kinds[i] == kind) return i;
    return letter;
  }

  /** Computes a transition and remembers it. */
  private step(state: i32, letter: i32): i32 {
    const program = this.program;
    const before = this.befores[state];
    const index = letter == NO_LETTER ? this.stride - 1 : letter;
    // Assertions can be decided now that both neighbours are known.
    this.size = 0;
    for (let i = this.begins[state]; i < this.begins[state + 1]; ++i) this.put(unchecked(this.pool[i]));
    if (program.hasAssertions) {
      for (let i = 0; i < this.size; ++i) {
        const pc = unchecked(this.dense[i]);
        if (program.op[pc] == Inst.ASSERT && holds(program.arg[pc], this.alphabet, before, letter)) {
          this.follow(program.out[pc]);
        }
      }
    }
    const left = this.size;
    for (let i = 0; i < left; ++i) {
      const pc = unchecked(this.dense[i]);
      if (program.op[pc] == Inst.MATCH) {
        unchecked((this.table[state * this.stride + index] = FOUND));
        return FOUND;
      }
      unchecked((this.leaving[i] = pc));
    }
    if (letter == NO_LETTER) {
      unchecked((this.table[state * this.stride + index] = DEAD));
      return DEAD;
    }
    this.size = 0;
    for (let i = 0; i < left; ++i) {
      const pc = unchecked(this.leaving[i]);
      if (program.op[pc] == Inst.SET && this.alphabet.has(program.arg[pc], letter)) this.follow(program.out[pc]);
    }
    this.steps += left;
    if (!this.anchored) this.follow(program.start);
    if (this.size == 0) {
      unchecked((this.table[state * this.stride + index] = DEAD));
      return DEAD;
    }
    const known = this.count;
    const next = this.intern(this.visible(letter));
    // A table that was begun anew has no place for this transition.
    if (this.count >= known) unchecked((this.table[state * this.stride + index] = next));
    return next;
  }

  private put(pc: i32): bool {
    const i = unchecked(this.sparse[pc]);
    if (<u32>i < <u32>this.size && unchecked(this.dense[i]) == pc) return false;
    unchecked((this.sparse[pc] = this.size));
    unchecked((this.dense[this.size++] = pc));
    return true;
  }

  /** Adds what `pc` leads to, up to what consumes a character, asserts, or matches. */
  private follow(pc: i32): void {
    const program = this.program;
    const stack = this.stack;
    let top = 0;
    unchecked((stack[top++] = pc));
    while (top > 0) {
      let at = unchecked(stack[--top]);
      while (this.put(at)) {
        ++this.steps;
        const op = unchecked(program.op[at]);
        if (op == Inst.ALT) unchecked((stack[top++] = program.arg[at]));
        else if (op != Inst.CAPTURE && op != Inst.NOP) break;
        at = unchecked(program.out[at]);
      }
    }
  }

  /** @returns the state of the set of threads under construction */
  private intern(before: i32): i32 {
    // Only these matter from now on.
    const program = this.program;
    let size = 0;
    for (let i = 0; i < this.size; ++i) {
      const pc = unchecked(this.dense[i]);
      const op = unchecked(program.op[pc]);
      if (op == Inst.SET || op == Inst.ASSERT || op == Inst.MATCH) unchecked((this.dense[size++] = pc));
    }
    let hash: u32 = 0x811c9dc5 ^ (before + 2);
    for (let i = 0; i < size; ++i) hash = (hash ^ unchecked(this.dense[i])) * 0x01000193;
    hash ^= hash >> 15;
    const buckets = this.buckets;
    let bucket = <i32>(hash % <u32>buckets.length);
    for (;;) {
      const state = unchecked(buckets[bucket]);
      if (state == 0) break;
      if (unchecked(this.hashes[state]) == hash && this.befores[state] == before && this.same(state, size)) return state;
      if (++bucket == buckets.length) bucket = 0;
    }
    if (this.count == this.capacity || this.used + size > this.pool.length) {
      memory.fill(changetype<usize>(this.table), 0, this.table.length << 2);
      memory.fill(changetype<usize>(buckets), 0, buckets.length << 2);
      memory.fill(changetype<usize>(this.firsts), 0, this.firsts.length << 2);
      this.count = FIRST;
      this.used = 0;
      bucket = <i32>(hash % <u32>buckets.length);
    }
    const state = this.count++;
    unchecked((buckets[bucket] = state));
    this.hashes[state] = hash;
    this.befores[state] = before;
    this.begins[state] = this.used;
    for (let i = 0; i < size; ++i) unchecked((this.pool[this.used++] = this.dense[i]));
    this.begins[state + 1] = this.used;
    return state;
  }

  private same(state: i32, size: i32): bool {
    const begin = this.begins[state];
    if (this.begins[state + 1] - begin != size) return false;
    for (let i = 0; i < size; ++i) if (unchecked(this.pool[begin + i]) != unchecked(this.dense[i])) return false;
    return true;
  }
}
