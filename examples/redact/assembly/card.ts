// Card numbers: 13 to 19 digits in groups with one space or hyphen between them, the first digit from 2 to 6, the last one Luhn's check digit.
import { isAlphanumeric, isDigit, isLetter } from "./classes";
import { addRange } from "./ranges";

const FEWEST: i32 = 13;
const MOST: i32 = 19;
/** So far around digits a word is looked at: the longest usual hash has as many characters. */
const LONGEST_HASH: usize = 128;

/**
 * Looks at a run of digits.
 * @param p its first digit
 * @returns where the run, groups of digits with single separators, ends
 */
export function findCards(start: usize, p: usize, end: usize): usize {
  let q = p;
  let digits = 0;
  for (;;) {
    while (q < end && isDigit(load<u8>(q))) {
      ++q;
      ++digits;
    }
    if (q + 1 >= end || !isSeparator(load<u8>(q)) || !isDigit(load<u8>(q, 1))) break;
    ++q;
  }
  if (digits >= FEWEST) findIn(start, p, q, end);
  return q;
}

// @ts-ignore: decorator
@inline
function isSeparator(c: u32): bool {
  return c == 0x20 || c == 0x2d;
}

function findIn(start: usize, p: usize, until: usize, end: usize): void {
  while (p < until) {
    const found = longest(start, p, until, end);
    if (found != 0) {
      addRange(p, found);
      p = found;
    } else while (p < until && isDigit(load<u8>(p))) ++p;
    // Past the separator.
    ++p;
  }
}

/** @returns where the longest card number that starts at the group at `p` ends; 0 if there is none */
function longest(start: usize, p: usize, until: usize, end: usize): usize {
  const first = load<u8>(p) - 0x30;
  if (first < 2 || first > 6 || isFraction(start, p)) return 0;
  let found: usize = 0;
  let digits = 0;
  // Luhn's sum, doubling the digits at even places and at odd ones: which of them counts depends on how many there are.
  let even: u32 = 0;
  let odd: u32 = 0;
  let groups = 0;
  for (let q = p; q < until; ++q) {
    const groupStart = q;
    while (q < until && isDigit(load<u8>(q)) && digits <= MOST) {
      const digit = <u32>load<u8>(q) - 0x30;
      const doubled = digit < 5 ? digit * 2 : digit * 2 - 9;
      even += digits & 1 ? digit : doubled;
      odd += digits & 1 ? doubled : digit;
      ++digits;
      ++q;
    }
    if (digits > MOST) break;
    ++groups;
    if (digits < FEWEST || (digits & 1 ? odd : even) % 10 != 0) continue;
    if (q == until && isPointAndDigit(q, end)) continue;
    if (groups == 1 && isHexadecimal(start, groupStart, q, end)) continue;
    found = q;
  }
  return found;
}

/** Whether what follows is behind a decimal point. */
function isFraction(start: usize, p: usize): bool {
  return p >= start + 2 && load<u8>(p - 1) == 0x2e && isDigit(load<u8>(p - 2));
}

function isPointAndDigit(p: usize, end: usize): bool {
  return p + 1 < end && load<u8>(p) == 0x2e && isDigit(load<u8>(p, 1));
}

/** Whether the digits are a part of a hash or an id: of a word that is hexadecimal and has a letter. */
function isHexadecimal(start: usize, from: usize, until: usize, end: usize): bool {
  let letters = false;
  const first = from - start > LONGEST_HASH ? from - LONGEST_HASH : start;
  const last = end - until > LONGEST_HASH ? until + LONGEST_HASH : end;
  for (let p = from; p > first && isAlphanumeric(load<u8>(p - 1)); --p) {
    const c = load<u8>(p - 1);
    if (isLetter(c)) {
      if ((c | 0x20) > 0x66) return false;
      letters = true;
    }
  }
  for (let p = until; p < last && isAlphanumeric(load<u8>(p)); ++p) {
    const c = load<u8>(p);
    if (isLetter(c)) {
      if ((c | 0x20) > 0x66) return false;
      letters = true;
    }
  }
  return letters;
}
