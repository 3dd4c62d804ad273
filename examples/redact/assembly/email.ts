// E-mail addresses, from their `@`.
import { isAlphanumeric, isLetter } from "./classes";
import { addRange } from "./ranges";

const LONGEST_LOCAL_PART: i32 = 64;

/**
 * @param from where the last address ended
 * @param at of the `@`
 * @returns where the address ends; `from` if it is none
 */
export function findEmail(from: usize, at: usize, end: usize): usize {
  let start = at;
  for (let count = 0; start > from && count < LONGEST_LOCAL_PART; ++count) {
    let p = start - 1;
    while (p > from && (load<u8>(p) & 0xc0) == 0x80) --p;
    if (!isLocal(load<u8>(p))) break;
    start = p;
  }
  if (start == at) return from;
  const until = domainEnd(at + 1, end);
  if (until == 0) return from;
  addRange(start, until);
  return until;
}

function isLocal(c: u32): bool {
  if (isAlphanumeric(c) || c >= 0x80) return true;
  // . _ % + ' -
  return c == 0x2e || c == 0x5f || c == 0x25 || c == 0x2b || c == 0x27 || c == 0x2d;
}

function isLabel(c: u32): bool {
  return isAlphanumeric(c) || c == 0x2d;
}

/** @returns where the longest domain from `p` ends, whose last label has two letters at least; 0 if there is none */
function domainEnd(p: usize, end: usize): usize {
  let found: usize = 0;
  while (p < end && isLabel(load<u8>(p))) {
    while (p < end && isLabel(load<u8>(p))) ++p;
    if (p >= end || load<u8>(p) != 0x2e) break;
    ++p;
    let letters = p;
    while (letters < end && isLetter(load<u8>(letters))) ++letters;
    if (letters >= p + 2) found = letters;
  }
  return found;
}
