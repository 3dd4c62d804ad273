// Decimal text as numbers, rounded correctly, with what Go's strconv accepts (but no hexadecimal floating-point numbers).
// AssemblyScript's own `parseFloat` is wrong for many long numbers.
import { bitLength, compare, multiply, multiplyByPowerOf10, place, set, shiftLeft, subtract } from "./big";

/** Whether the text that was parsed last is a number, and within range. */
export let parsed: bool = false;

/** More digits than this only matter by being there. */
const MOST_DIGITS: i32 = 800;

/** Reads a whole number in decimal, with or without a sign; nothing else may stand there. {@link parsed} is set. */
export function parseInteger(p: usize, end: usize): i64 {
  parsed = false;
  let negative = false;
  if (p < end && (load<u8>(p) == 0x2d || load<u8>(p) == 0x2b)) negative = load<u8>(p++) == 0x2d;
  if (p == end) return 0;
  const limit: u64 = negative ? 0x8000000000000000 : 0x7fffffffffffffff;
  let value: u64 = 0;
  for (; p < end; ++p) {
    const digit = <u64>load<u8>(p) - 0x30;
    if (digit > 9 || value > (limit - digit) / 10) return 0;
    value = value * 10 + digit;
  }
  parsed = true;
  return negative ? <i64>(0 - value) : <i64>value;
}

/** Reads a number, or `inf`, `infinity`, `nan` in any case; nothing else may stand there. {@link parsed} is set. */
export function parseDouble(p: usize, end: usize): f64 {
  parsed = false;
  if (isWord(p, end, "nan")) {
    parsed = true;
    return NaN;
  }
  let negative = false;
  if (p < end && (load<u8>(p) == 0x2d || load<u8>(p) == 0x2b)) negative = load<u8>(p++) == 0x2d;
  const magnitude = parseMagnitude(p, end);
  return negative ? -magnitude : magnitude;
}

function parseMagnitude(p: usize, end: usize): f64 {
  if (isWord(p, end, "inf") || isWord(p, end, "infinity")) {
    parsed = true;
    return Infinity;
  }
  const number = place(0);
  set(number, 0);
  let first: u64 = 0;
  let count = 0;
  let exponent = 0;
  let any = false;
  let pointSeen = false;
  for (; p < end; ++p) {
    const c = load<u8>(p);
    if (c == 0x2e && !pointSeen) {
      pointSeen = true;
      continue;
    }
    const digit = <u32>c - 0x30;
    if (digit > 9) break;
    any = true;
    if (pointSeen) --exponent;
    if (count == 0 && digit == 0) continue;
    if (count < MOST_DIGITS) {
      if (count < 19) first = first * 10 + digit;
      multiply(number, 10, digit);
      ++count;
    } else {
      ++exponent;
      // Rounding has to know that there was something; the last digit that counts is far behind where it matters.
      if (digit != 0 && count == MOST_DIGITS) {
        multiply(number, 10, 1);
        --exponent;
        ++count;
      }
    }
  }
  if (!any) return 0;
  if (p < end) {
    if ((load<u8>(p) | 0x20) != 0x65) return 0;
    ++p;
    let down = false;
    if (p < end && (load<u8>(p) == 0x2d || load<u8>(p) == 0x2b)) down = load<u8>(p++) == 0x2d;
    if (p == end) return 0;
    let written = 0;
    for (; p < end; ++p) {
      const digit = <u32>load<u8>(p) - 0x30;
      if (digit > 9) return 0;
      written = min(written * 10 + <i32>digit, 100000);
    }
    exponent += down ? -written : written;
  }
  parsed = true;
  if (count == 0) return 0;
  // Powers of ten up to 10^22 are exact doubles, so that one operation rounds once.
  if (count <= 19 && first < 1 << 53 && exponent >= -22 && exponent <= 22) {
    return exponent < 0 ? <f64>first / powerOf10(-exponent) : <f64>first * powerOf10(exponent);
  }
  if (count + exponent > 310) {
    parsed = false;
    return Infinity;
  }
  if (count + exponent < -330) return 0;
  const value = divide(number, exponent);
  if (value == Infinity) parsed = false;
  return value;
}

function powerOf10(exponent: i32): f64 {
  let power: f64 = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

/** number * 10^exponent, rounded to the nearest double, ties to even. */
function divide(number: usize, exponent: i32): f64 {
  const by = place(1);
  set(by, 1);
  if (exponent >= 0) multiplyByPowerOf10(number, exponent);
  else multiplyByPowerOf10(by, -exponent);
  // Brought to about the same size, the quotient lies between 1/2 and 2.
  const scale = bitLength(number) - bitLength(by);
  if (scale > 0) shiftLeft(by, scale);
  else shiftLeft(number, -scale);
  let quotient: u64 = 0;
  for (let i = 0; i < 64; ++i) {
    quotient <<= 1;
    if (compare(number, by) >= 0) {
      subtract(number, by);
      quotient |= 1;
    }
    shiftLeft(number, 1);
  }
  if (bitLength(number) != 0) quotient |= 1;
  // quotient * 2^(scale - 63); the lowest bit says whether anything was left, far below where it is rounded.
  let power = scale - 63;
  const spare = <i32>clz(quotient);
  quotient <<= spare;
  power -= spare;
  // 53 bits remain, fewer for subnormal numbers.
  const drop = max(11, -1074 - power);
  if (drop > 64) return 0;
  let kept = drop == 64 ? 0 : quotient >> drop;
  const half: u64 = 1 << (drop - 1);
  const rest = quotient & (half | (half - 1));
  if (rest > half || (rest == half && (kept & 1) != 0)) ++kept;
  power += drop;
  if (kept == 1 << 53) {
    kept >>= 1;
    ++power;
  }
  if (power > 971) return Infinity;
  const biased: u64 = kept < 1 << 52 ? 0 : <u64>(power + 1075);
  return reinterpret<f64>((kept & 0xfffffffffffff) | (biased << 52));
}

function isWord(p: usize, end: usize, word: string): bool {
  if (end - p != word.length) return false;
  for (let i = 0; i < word.length; ++i) if ((load<u8>(p + i) | 0x20) != word.charCodeAt(i)) return false;
  return true;
}
