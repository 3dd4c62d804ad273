// What of a text is to be replaced: stretches in ascending order that do not overlap.
import { Regexp } from "@otelwasm/sdk/regexp";

let starts = new StaticArray<usize>(64);
let ends = new StaticArray<usize>(64);
/** How many stretches there are. */
export let rangeCount: i32 = 0;

export function clearRanges(): void {
  rangeCount = 0;
}

export function rangeStart(i: i32): usize {
  return unchecked(starts[i]);
}

export function rangeEnd(i: i32): usize {
  return unchecked(ends[i]);
}

/** Adds a stretch that ends after all others; those that it overlaps become one with it. */
export function addRange(start: usize, end: usize): void {
  while (rangeCount > 0 && unchecked(ends[rangeCount - 1]) > start) {
    --rangeCount;
    start = min(start, unchecked(starts[rangeCount]));
    end = max(end, unchecked(ends[rangeCount]));
  }
  if (rangeCount == starts.length) {
    starts = larger(starts);
    ends = larger(ends);
  }
  unchecked((starts[rangeCount] = start));
  unchecked((ends[rangeCount] = end));
  ++rangeCount;
}

/** Adds everything that an expression finds in a text. */
export function addMatches(expression: Regexp, start: usize, end: usize): void {
  const size = end - start;
  if (!expression.matchUtf8(start, size)) return;
  // Merged with what is there: both are in order.
  const known = rangeCount;
  const knownStarts = starts.slice<StaticArray<usize>>(0, known);
  const knownEnds = ends.slice<StaticArray<usize>>(0, known);
  rangeCount = 0;
  let i = 0;
  let from: usize = 0;
  while (from <= size && expression.execFrom(start, size, from)) {
    const first = start + expression.start(0);
    const last = start + expression.end(0);
    for (; i < known && unchecked(knownStarts[i]) < first; ++i) addRange(unchecked(knownStarts[i]), unchecked(knownEnds[i]));
    if (last > first) addRange(first, last);
    from = last > first ? last - start : after(last, end) - start;
  }
  for (; i < known; ++i) addRange(unchecked(knownStarts[i]), unchecked(knownEnds[i]));
}

/** The next character: an empty match is followed by a search from there. */
function after(p: usize, end: usize): usize {
  ++p;
  while (p < end && (load<u8>(p) & 0xc0) == 0x80) ++p;
  return p;
}

function larger(array: StaticArray<usize>): StaticArray<usize> {
  const copy = new StaticArray<usize>(array.length * 2);
  memory.copy(changetype<usize>(copy), changetype<usize>(array), <usize>array.length * sizeof<usize>());
  return copy;
}
