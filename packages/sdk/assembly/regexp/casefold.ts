// Simple case folding, as RE2's flag `i` does it: code points that differ only in case match one another.
import { casemap } from "util/casemap";
import { CharClass } from "./charclass";

/** Above it nothing has case. */
const LAST_CASED: u32 = 0x1e943;

/** @returns the code point that stands for all those which differ from `c` only in case */
function canonical(c: u32): u32 {
  // Dotted and dotless i have no simple folding: they are equal to themselves only.
  if (c == 0x130 || c == 0x131) return c;
  // Pairs that the compiler's table does not know: circled letters, Glagolitic, Latin Extended-D, Vithkuqi.
  if (c - 0x24d0 <= 0x24e9 - 0x24d0) return c - 0x1a;
  if (c == 0x2c5f) return 0x2c2f;
  if (c == 0xa7c1 || c == 0xa7d1 || c == 0xa7d7 || c == 0xa7d9) return c - 1;
  if (c - 0x10597 <= 0x105bc - 0x10597) return c - 0x27;
  return <u32>casemap(<u32>casemap(c, 1), 0);
}

/** Code points that are not canonical, each followed by the one that is; made when first needed. */
let pairs: StaticArray<u32> = [];

function casePairs(): StaticArray<u32> {
  if (pairs.length == 0) {
    const found: Array<u32> = [];
    for (let c: u32 = 0x41; c <= LAST_CASED; ++c) {
      const to = canonical(c);
      if (to == c) continue;
      found.push(c);
      found.push(to);
    }
    pairs = StaticArray.fromArray(found);
  }
  return pairs;
}

/** Adds to `c`, which must be normalised, what differs only in case from its members. */
export function foldRanges(c: CharClass): void {
  const count = c.ranges.length;
  let ascii = true;
  for (let i = 0; i < count; i += 2) {
    if (c.ranges[i + 1] > 0x7f) ascii = false;
  }
  if (ascii) {
    for (let i = 0; i < count; i += 2) foldAscii(c, c.ranges[i], c.ranges[i + 1]);
    return;
  }
  const table = casePairs();
  const marked = heap.alloc(LAST_CASED + 1);
  memory.fill(marked, 0, LAST_CASED + 1);
  for (let i = 0; i < table.length; i += 2) {
    if (c.has(table[i]) || c.has(table[i + 1])) store<bool>(marked + table[i + 1], true);
  }
  for (let i = 0; i < table.length; i += 2) {
    if (!load<bool>(marked + table[i + 1])) continue;
    c.add(table[i], table[i]);
    c.add(table[i + 1], table[i + 1]);
  }
  heap.free(marked);
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
