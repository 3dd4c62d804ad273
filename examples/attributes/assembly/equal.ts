// Whether two values are equal, whatever bytes they are written with.
import { after, BYTES, readLength, readTag, skipValue } from "@otelwasm/sdk/wire/read";
import { writeJson } from "./json";
import { contentEnd, contentStart, Kind, readValue, scalar } from "./value";

export function equalValues(startA: usize, endA: usize, startB: usize, endB: usize): bool {
  const kind = readValue(startA, endA);
  const scalarA = scalar;
  const contentA = contentStart;
  const sizeA = contentEnd - contentStart;
  if (readValue(startB, endB) != kind) return false;
  switch (kind) {
    case Kind.EMPTY:
      return true;
    case Kind.BOOL:
    case Kind.INT:
      return scalarA == scalar;
    case Kind.DOUBLE:
      return reinterpret<f64>(scalarA) == reinterpret<f64>(scalar);
    case Kind.STR:
    case Kind.BYTES:
      return contentEnd - contentStart == sizeA && memory.compare(contentA, contentStart, sizeA) == 0;
    case Kind.ARRAY:
      return equalArrays(contentA, contentA + sizeA, contentStart, contentEnd);
    default: {
      // Maps are equal whatever their order; JSON has their keys sorted. The few types that it does not tell apart
      // (1 and 1.0, text and bytes) do not come from a configuration as parts of the same map.
      const a = writeJson(startA, endA);
      const b = writeJson(startB, endB);
      return a.end - a.start == b.end - b.start && memory.compare(a.start, b.start, a.end - a.start) == 0;
    }
  }
}

let itemStart: usize = 0;
let itemEnd: usize = 0;

function nextItem(p: usize, end: usize): bool {
  while (p < end) {
    const tag = readTag(p, end);
    p = after;
    if (p == 0) return false;
    if (tag == ((1 << 3) | BYTES)) {
      const size = readLength(p, end);
      itemStart = after;
      itemEnd = itemStart + size;
      return itemStart != 0;
    }
    p = skipValue(p, end, tag);
    if (p == 0) return false;
  }
  return false;
}

function equalArrays(a: usize, endA: usize, b: usize, endB: usize): bool {
  let equal = true;
  let more = true;
  while (more && equal) {
    more = nextItem(a, endA);
    const startA = itemStart;
    const untilA = itemEnd;
    equal = nextItem(b, endB) == more;
    if (more && equal) {
      a = untilA;
      b = itemEnd;
      equal = equalValues(startA, untilA, itemStart, b);
    }
  }
  return equal;
}
