// Sets of code points: the meaning of `[a-z]`, `\d`, `.` and of a single literal.
import { foldRanges } from "./casefold";

export const MAX_RUNE: u32 = 0x10ffff;

/** A set of code points as ranges `lo, hi, lo, hi, ...` (inclusive). Sorted and disjoint after {@link normalise}. */
export class CharClass {
  ranges: Array<u32> = [];

  add(lo: u32, hi: u32): void {
    this.ranges.push(lo);
    this.ranges.push(hi);
  }

  addAll(other: CharClass): void {
    for (let i = 0; i < other.ranges.length; ++i) this.ranges.push(other.ranges[i]);
  }

  /** Sorts, joins what overlaps or touches. */
  normalise(): void {
    const count = this.ranges.length >> 1;
    if (count < 2) return;
    const keys = new Array<u64>(count);
    for (let i = 0; i < count; ++i) keys[i] = (<u64>this.ranges[2 * i] << 32) | this.ranges[2 * i + 1];
    keys.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    const joined: Array<u32> = [];
    let lo = <u32>(keys[0] >> 32);
    let hi = <u32>keys[0];
    for (let i = 1; i < count; ++i) {
      const nextLo = <u32>(keys[i] >> 32);
      const nextHi = <u32>keys[i];
      if (nextLo <= hi + 1) {
        hi = max(hi, nextHi);
      } else {
        joined.push(lo);
        joined.push(hi);
        lo = nextLo;
        hi = nextHi;
      }
    }
    joined.push(lo);
    joined.push(hi);
    this.ranges = joined;
  }

  /** Everything else. The class must be normalised, and is again afterwards. */
  negate(): void {
    const result: Array<u32> = [];
    let next: u32 = 0;
    for (let i = 0; i < this.ranges.length; i += 2) {
      if (this.ranges[i] > next) {
        result.push(next);
        result.push(this.ranges[i] - 1);
      }
      next = this.ranges[i + 1] + 1;
    }
    if (next <= MAX_RUNE) {
      result.push(next);
      result.push(MAX_RUNE);
    }
    this.ranges = result;
  }

  /** @returns whether the class, which must be normalised, has the code point */
  has(c: u32): bool {
    let lo = 0;
    let hi = this.ranges.length >> 1;
    while (lo < hi) {
      const middle = (lo + hi) >> 1;
      if (unchecked(this.ranges[2 * middle + 1]) < c) lo = middle + 1;
      else hi = middle;
    }
    return lo < this.ranges.length >> 1 && unchecked(this.ranges[2 * lo]) <= c;
  }

  /** Adds what differs only in case: the flag `i`. */
  fold(): void {
    this.normalise();
    foldRanges(this);
    this.normalise();
  }

  /** @returns the only code point of the class, -1 if it has none or several */
  single(): i32 {
    return this.ranges.length == 2 && this.ranges[0] == this.ranges[1] ? <i32>this.ranges[0] : -1;
  }

  equals(other: CharClass): bool {
    if (this.ranges.length != other.ranges.length) return false;
    for (let i = 0; i < this.ranges.length; ++i) if (this.ranges[i] != other.ranges[i]) return false;
    return true;
  }
}

/** `\d`, `\s`, `\w` and their negations; ASCII only, as in RE2. @returns null for another letter */
export function perlClass(letter: u32, fold: bool): CharClass | null {
  const c = new CharClass();
  switch (letter | 0x20) {
    case 0x64: // d
      c.add(0x30, 0x39);
      break;
    case 0x73: // s
      c.add(0x09, 0x0a);
      c.add(0x0c, 0x0d);
      c.add(0x20, 0x20);
      break;
    case 0x77: // w
      c.add(0x30, 0x39);
      c.add(0x41, 0x5a);
      c.add(0x5f, 0x5f);
      c.add(0x61, 0x7a);
      break;
    default:
      return null;
  }
  if (fold) c.fold();
  if (letter < 0x60) c.negate();
  return c;
}

/** The classes that are written `[:name:]` within brackets. @returns null when there is none of that name */
export function posixClass(name: string): CharClass | null {
  const c = new CharClass();
  const is = name;
  if (is == "alnum" || is == "alpha" || is == "word") {
    if (is != "alpha") c.add(0x30, 0x39);
    c.add(0x41, 0x5a);
    if (is == "word") c.add(0x5f, 0x5f);
    c.add(0x61, 0x7a);
  } else if (is == "ascii") c.add(0, 0x7f);
  else if (is == "blank") {
    c.add(0x09, 0x09);
    c.add(0x20, 0x20);
  } else if (is == "cntrl") {
    c.add(0, 0x1f);
    c.add(0x7f, 0x7f);
  } else if (is == "digit") c.add(0x30, 0x39);
  else if (is == "graph") c.add(0x21, 0x7e);
  else if (is == "lower") c.add(0x61, 0x7a);
  else if (is == "print") c.add(0x20, 0x7e);
  else if (is == "punct") {
    c.add(0x21, 0x2f);
    c.add(0x3a, 0x40);
    c.add(0x5b, 0x60);
    c.add(0x7b, 0x7e);
  } else if (is == "space") {
    c.add(0x09, 0x0d);
    c.add(0x20, 0x20);
  } else if (is == "upper") c.add(0x41, 0x5a);
  else if (is == "xdigit") {
    c.add(0x30, 0x39);
    c.add(0x41, 0x46);
    c.add(0x61, 0x66);
  } else return null;
  return c;
}
