// Doubles as decimal text: the shortest digits that read back as the same number, and of those the closest ones, as Go and
// JavaScript write them. AssemblyScript's own `toString` does neither in every case.
// Method: R. Burger, R. K. Dybvig, "Printing floating-point numbers quickly and accurately" (1996), with exact integers.
import { add, compare, copy, multiply, multiplyByPowerOf10, place, set, shiftLeft, subtract } from "./big";

/** At least this many bytes must be free where text is written: the longest is that of the smallest double without exponent. */
export const DOUBLE_TEXT_SIZE: usize = 352;

const digits = memory.data(24);
let digitCount: i32 = 0;
/** The decimal point stands after so many digits. */
let point: i32 = 0;

/**
 * Writes a number as JavaScript does, and JSON, and the Collector: `0.1`, `100`, `1e+21`, `1e-7`, `NaN`, `Infinity`.
 * @param to room for {@link DOUBLE_TEXT_SIZE} bytes
 * @returns the position after it
 */
export function writeDouble(to: usize, value: f64): usize {
  const finite = writeSpecial(to, value);
  if (finite != 0) return finite;
  if (value < 0) store<u8>(to++, 0x2d);
  shortest(abs(value));
  return point > 21 || point < -5 ? writeExponent(to) : writePlain(to);
}

/** As {@link writeDouble}, but never with an exponent, and infinity as Go writes it: `+Inf`, `-Inf`. */
export function writeDoublePlain(to: usize, value: f64): usize {
  if (value - value != 0 && value == value) return writeAscii(to, value < 0 ? "-Inf" : "+Inf");
  const special = writeSpecial(to, value);
  if (special != 0) {
    if (value != 0 || reinterpret<u64>(value) == 0) return special;
    store<u16>(to, 0x302d);
    return to + 2;
  }
  if (value < 0) store<u8>(to++, 0x2d);
  shortest(abs(value));
  return writePlain(to);
}

/** @returns the position after the text; 0 for a number that has digits */
function writeSpecial(to: usize, value: f64): usize {
  if (value != value) return writeAscii(to, "NaN");
  if (value - value != 0) return writeAscii(to, value < 0 ? "-Infinity" : "Infinity");
  if (value == 0) {
    // As Go, and unlike JavaScript: minus zero keeps its sign.
    return writeAscii(to, reinterpret<u64>(value) == 0 ? "0" : "-0");
  }
  return 0;
}

export function writeAscii(to: usize, text: string): usize {
  for (let i = 0; i < text.length; ++i) store<u8>(to++, <u8>text.charCodeAt(i));
  return to;
}

/** Writes a whole number in decimal. @returns the position after it */
export function writeInteger(to: usize, value: i64): usize {
  let rest = <u64>value;
  if (value < 0) {
    store<u8>(to++, 0x2d);
    rest = 0 - rest;
  }
  let end = to + 1;
  for (let each = rest; each >= 10; each /= 10) ++end;
  let p = end;
  do {
    store<u8>(--p, 0x30 + <u8>(rest % 10));
    rest /= 10;
  } while (rest != 0);
  return end;
}

function writePlain(to: usize): usize {
  if (point <= 0) {
    store<u16>(to, 0x2e30);
    to += 2;
    for (let i = point; i < 0; ++i) store<u8>(to++, 0x30);
    memory.copy(to, digits, digitCount);
    return to + digitCount;
  }
  for (let i = 0; i < max(point, digitCount); ++i) {
    if (i == point) store<u8>(to++, 0x2e);
    store<u8>(to++, i < digitCount ? load<u8>(digits + i) : 0x30);
  }
  return to;
}

function writeExponent(to: usize): usize {
  store<u8>(to++, load<u8>(digits));
  if (digitCount > 1) {
    store<u8>(to++, 0x2e);
    memory.copy(to, digits + 1, digitCount - 1);
    to += digitCount - 1;
  }
  store<u8>(to++, 0x65);
  if (point > 0) store<u8>(to++, 0x2b);
  return writeInteger(to, point - 1);
}

/** Finds the digits of a positive number. */
function shortest(value: f64): void {
  if (fewDecimals(value)) return;
  const bits = reinterpret<u64>(value);
  let fraction = bits & 0xfffffffffffff;
  let exponent = <i32>(bits >> 52);
  const lowest = fraction == 0 && exponent > 1;
  if (exponent == 0) exponent = 1;
  else fraction |= 0x10000000000000;
  exponent -= 1075;
  const even = (fraction & 1) == 0;

  // value = r / s; what lies between (r - below) / s and (r + above) / s reads back as the value.
  const r = place(0);
  const s = place(1);
  const above = place(2);
  const below = place(3);
  const sum = place(4);
  set(r, fraction);
  set(s, 1);
  set(above, 1);
  set(below, 1);
  const extra = lowest ? 2 : 1;
  shiftLeft(r, extra + max(exponent, 0));
  shiftLeft(s, extra + max(-exponent, 0));
  shiftLeft(below, max(exponent, 0));
  shiftLeft(above, max(exponent, 0) + (lowest ? 1 : 0));

  let k = <i32>Math.ceil(Math.log10(value) - 1e-10);
  if (k >= 0) {
    multiplyByPowerOf10(s, k);
  } else {
    multiplyByPowerOf10(r, -k);
    multiplyByPowerOf10(above, -k);
    multiplyByPowerOf10(below, -k);
  }
  copy(sum, r);
  add(sum, above);
  const over = compare(sum, s);
  if (over > 0 || (even && over == 0)) {
    ++k;
  } else {
    multiply(r, 10, 0);
    multiply(above, 10, 0);
    multiply(below, 10, 0);
  }
  point = k;
  digitCount = 0;
  for (;;) {
    let digit: u8 = 0x30;
    while (compare(r, s) >= 0) {
      subtract(r, s);
      ++digit;
    }
    const low = compare(r, below);
    const roundDown = low < 0 || (even && low == 0);
    copy(sum, r);
    add(sum, above);
    const high = compare(sum, s);
    const roundUp = high > 0 || (even && high == 0);
    if (roundDown || roundUp) {
      if (roundUp) {
        shiftLeft(r, 1);
        const half = compare(r, s);
        if (!roundDown || half > 0 || (half == 0 && (digit & 1) != 0)) ++digit;
      }
      store<u8>(digits + digitCount++, digit);
      return;
    }
    store<u8>(digits + digitCount++, digit);
    multiply(r, 10, 0);
    multiply(above, 10, 0);
    multiply(below, 10, 0);
  }
}

/** The usual case, without large numbers: up to fifteen digits, at most seven of them behind the point. */
function fewDecimals(value: f64): bool {
  if (value >= 1e15) return false;
  let scale: f64 = 1;
  for (let places = 0; places < 8; ++places) {
    const scaled = value * scale;
    if (scaled >= 1e15) return false;
    if (scaled == Math.floor(scaled) && scaled / scale == value && scaled >= 1) {
      const end = writeInteger(digits, <i64>scaled);
      digitCount = <i32>(end - digits);
      point = digitCount - places;
      while (digitCount > 1 && load<u8>(digits + digitCount - 1) == 0x30) --digitCount;
      return true;
    }
    scale *= 10;
  }
  return false;
}
