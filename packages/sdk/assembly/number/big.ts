// Natural numbers of any size that a double's conversion needs: a count of 32 bit limbs, then the limbs, least first.
// They live in fixed places; nothing is allocated.

/** Enough for 10^1200, more than any conversion asks for. */
const LIMBS: usize = 140;
const SIZE: usize = (LIMBS + 1) * 4;
const places = memory.data(2820, 4);

/** One of five places for a number. */
// @ts-ignore: decorator
@inline
export function place(index: usize): usize {
  return places + index * SIZE;
}

// @ts-ignore: decorator
@inline
function size(a: usize): usize {
  return load<u32>(a);
}

export function set(a: usize, value: u64): void {
  store<u32>(a, value > 0xffffffff ? 2 : value != 0 ? 1 : 0);
  store<u64>(a, value, 4);
}

export function copy(to: usize, from: usize): void {
  memory.copy(to, from, (size(from) + 1) << 2);
}

/** a = a * by + plus */
export function multiply(a: usize, by: u32, plus: u32): void {
  const end = a + 4 + (size(a) << 2);
  let carry: u64 = plus;
  for (let p = a + 4; p < end; p += 4) {
    carry += <u64>load<u32>(p) * by;
    store<u32>(p, <u32>carry);
    carry >>= 32;
  }
  if (carry != 0) {
    store<u32>(end, <u32>carry);
    store<u32>(a, size(a) + 1);
  }
}

export function multiplyByPowerOf10(a: usize, exponent: i32): void {
  for (; exponent >= 9; exponent -= 9) multiply(a, 1000000000, 0);
  for (; exponent > 0; --exponent) multiply(a, 10, 0);
}

export function shiftLeft(a: usize, bits: i32): void {
  if (size(a) == 0) return;
  const limbs = <usize>(bits >> 5);
  if (limbs != 0) {
    memory.copy(a + 4 + (limbs << 2), a + 4, size(a) << 2);
    memory.fill(a + 4, 0, limbs << 2);
    store<u32>(a, size(a) + limbs);
  }
  bits &= 31;
  if (bits != 0) multiply(a, 1 << bits, 0);
}

export function bitLength(a: usize): i32 {
  const limbs = size(a);
  return limbs == 0 ? 0 : <i32>(limbs << 5) - <i32>clz<u32>(load<u32>(a + (limbs << 2)));
}

/** @returns a negative number, 0, or a positive one: a < b, a = b, a > b */
export function compare(a: usize, b: usize): i32 {
  if (size(a) != size(b)) return size(a) < size(b) ? -1 : 1;
  for (let i = size(a) << 2; i > 0; i -= 4) {
    const x = load<u32>(a + i);
    const y = load<u32>(b + i);
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

/** a = a + b */
export function add(a: usize, b: usize): void {
  const limbs = max(size(a), size(b));
  let carry: u64 = 0;
  for (let i: usize = 1; i <= limbs; ++i) {
    if (i <= size(a)) carry += load<u32>(a + (i << 2));
    if (i <= size(b)) carry += load<u32>(b + (i << 2));
    store<u32>(a + (i << 2), <u32>carry);
    carry >>= 32;
    if (i > size(a)) store<u32>(a, i);
  }
  if (carry != 0) {
    store<u32>(a + ((limbs + 1) << 2), <u32>carry);
    store<u32>(a, limbs + 1);
  }
}

/** a = a - b, which must not be larger */
export function subtract(a: usize, b: usize): void {
  let borrow: i64 = 0;
  let limbs = size(a);
  for (let i: usize = 1; i <= limbs; ++i) {
    borrow += <i64>load<u32>(a + (i << 2));
    if (i <= size(b)) borrow -= <i64>load<u32>(b + (i << 2));
    store<u32>(a + (i << 2), <u32>borrow);
    borrow >>= 32;
  }
  while (limbs > 0 && load<u32>(a + (limbs << 2)) == 0) --limbs;
  store<u32>(a, limbs);
}
