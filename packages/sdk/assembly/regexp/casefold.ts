// Simple case folding, as RE2's flag `i` does it: code points that differ only in case match one another.
import { casemap } from "util/casemap";
import { CharClass } from "./charclass";

/** Above it nothing has case. */
const LAST_CASED: u32 = 0x1e943;

/** @returns the code point that stands for all those which differ from `c` only in case */
function canonical(c: u32): u32 {
  // Dotted and dotless i have no simple folding: they are equal to themselves only.
  if (c == 0x130 || c == 0x131) return c;
  return <u32>casemap(<u32>casemap(c, 1), 0);
}

/** Adds to `c` what differs only in case from its members. */
export function foldRanges(c: CharClass): void {
  const ranges = c.ranges;
  const count = ranges.length;
  let ascii = true;
  for (let i = 0; i < count; i += 2) {
    if (ranges[i + 1] > 0x7f) ascii = false;
  }
  if (ascii) {
    for (let i = 0; i < count; i += 2) foldAscii(c, ranges[i], ranges[i + 1]);
    return;
  }
  const marked = new StaticArray<bool>(LAST_CASED + 1);
  for (let i = 0; i < count; i += 2) {
    const hi = min(ranges[i + 1], LAST_CASED);
    for (let r = ranges[i]; r <= hi; ++r) {
      const to = canonical(r);
      if (to <= LAST_CASED) marked[to] = true;
    }
  }
  for (let r: u32 = 0x41; r <= LAST_CASED; ++r) {
    const to = canonical(r);
    if (to <= LAST_CASED && marked[to]) c.add(r, r);
  }
}

function foldAscii(c: CharClass, lo: u32, hi: u32): void {
  addShifted(c, max(lo, 0x41), min(hi, 0x5a), 32);
  addShifted(c, max(lo, 0x61), min(hi, 0x7a), -32);
  // The Kelvin sign is a K, and the long s an s.
  if ((lo <= 0x4b && hi >= 0x4b) || (lo <= 0x6b && hi >= 0x6b)) c.add(0x212a, 0x212a);
  if ((lo <= 0x53 && hi >= 0x53) || (lo <= 0x73 && hi >= 0x73)) c.add(0x17f, 0x17f);
}

function addShifted(c: CharClass, lo: u32, hi: u32, by: i32): void {
  if (lo <= hi) c.add(lo + by, hi + by);
}
