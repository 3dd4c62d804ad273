// SHA-256 (FIPS 180-4) of bytes in linear memory, written as lower-case hexadecimal.

/** Bytes that {@link sha256Hex} writes. */
export const SHA256_HEX_SIZE: usize = 64;

const K = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
  0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
  0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
  0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);

/** The message schedule, and the state: one digest is computed at a time. */
const W = memory.data(64 * 4, 16);
const STATE = memory.data(8 * 4, 16);
/** The last one or two blocks, padded. */
const TAIL = memory.data(128, 16);

/**
 * @param from address of the bytes
 * @param size how many
 * @param to where the {@link SHA256_HEX_SIZE} characters go; may overlap with what is hashed
 */
export function sha256Hex(from: usize, size: usize, to: usize): void {
  store<u32>(STATE, 0x6a09e667, 0);
  store<u32>(STATE, 0xbb67ae85, 4);
  store<u32>(STATE, 0x3c6ef372, 8);
  store<u32>(STATE, 0xa54ff53a, 12);
  store<u32>(STATE, 0x510e527f, 16);
  store<u32>(STATE, 0x9b05688c, 20);
  store<u32>(STATE, 0x1f83d9ab, 24);
  store<u32>(STATE, 0x5be0cd19, 28);

  let at = from;
  for (let left = size; left >= 64; left -= 64) {
    block(at);
    at += 64;
  }
  const rest = size & 63;
  const padded: usize = rest < 56 ? 64 : 128;
  memory.fill(TAIL, 0, 128);
  memory.copy(TAIL, at, rest);
  store<u8>(TAIL + rest, 0x80);
  store<u64>(TAIL + padded - 8, bswap<u64>(<u64>size << 3));
  block(TAIL);
  if (padded == 128) block(TAIL + 64);

  for (let i: usize = 0; i < 32; i += 4) {
    const word = load<u32>(STATE + i);
    store<u64>(to + i * 2, (<u64>hexOf(word & 0xffff) << 32) | hexOf(word >> 16));
  }
}

/** The four digits of a 16 bit number, the first one in the lowest byte. */
// @ts-ignore: decorator
@inline
function hexOf(value: u32): u32 {
  const digits = (value >> 12) | (value & 0x0f00) | ((value & 0x00f0) << 12) | ((value & 0x000f) << 24);
  // Digits above 9 become letters: 6 more carry into bit 4, and the letters begin 39 above where digits would go on.
  return digits + 0x30303030 + (((digits + 0x06060606) >> 4) & 0x01010101) * 39;
}

// @ts-ignore: decorator
@inline
function mix(e: u32, f: u32, g: u32): u32 {
  return (rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25)) + (((f ^ g) & e) ^ g);
}

// @ts-ignore: decorator
@inline
function majority(a: u32, b: u32, c: u32): u32 {
  return (rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22)) + ((a & b) | ((a | b) & c));
}

function block(at: usize): void {
  for (let i: usize = 0; i < 64; i += 4) store<u32>(W + i, bswap<u32>(load<u32>(at + i)));
  for (let i: usize = 64; i < 256; i += 4) {
    const x = load<u32>(W + i - 60);
    const y = load<u32>(W + i - 8);
    const s0 = rotr<u32>(x, 7) ^ rotr<u32>(x, 18) ^ (x >> 3);
    const s1 = rotr<u32>(y, 17) ^ rotr<u32>(y, 19) ^ (y >> 10);
    store<u32>(W + i, load<u32>(W + i - 64) + s0 + load<u32>(W + i - 28) + s1);
  }
  let a = load<u32>(STATE, 0);
  let b = load<u32>(STATE, 4);
  let c = load<u32>(STATE, 8);
  let d = load<u32>(STATE, 12);
  let e = load<u32>(STATE, 16);
  let f = load<u32>(STATE, 20);
  let g = load<u32>(STATE, 24);
  let h = load<u32>(STATE, 28);
  // Eight rounds at a time: the letters come round to where they were, and nothing has to move.
  for (let i: usize = 0; i < 256; i += 32) {
    h += mix(e, f, g) + load<u32>(K + i, 0) + load<u32>(W + i, 0);
    d += h;
    h += majority(a, b, c);
    g += mix(d, e, f) + load<u32>(K + i, 4) + load<u32>(W + i, 4);
    c += g;
    g += majority(h, a, b);
    f += mix(c, d, e) + load<u32>(K + i, 8) + load<u32>(W + i, 8);
    b += f;
    f += majority(g, h, a);
    e += mix(b, c, d) + load<u32>(K + i, 12) + load<u32>(W + i, 12);
    a += e;
    e += majority(f, g, h);
    d += mix(a, b, c) + load<u32>(K + i, 16) + load<u32>(W + i, 16);
    h += d;
    d += majority(e, f, g);
    c += mix(h, a, b) + load<u32>(K + i, 20) + load<u32>(W + i, 20);
    g += c;
    c += majority(d, e, f);
    b += mix(g, h, a) + load<u32>(K + i, 24) + load<u32>(W + i, 24);
    f += b;
    b += majority(c, d, e);
    a += mix(f, g, h) + load<u32>(K + i, 28) + load<u32>(W + i, 28);
    e += a;
    a += majority(b, c, d);
  }
  store<u32>(STATE, load<u32>(STATE, 0) + a, 0);
  store<u32>(STATE, load<u32>(STATE, 4) + b, 4);
  store<u32>(STATE, load<u32>(STATE, 8) + c, 8);
  store<u32>(STATE, load<u32>(STATE, 12) + d, 12);
  store<u32>(STATE, load<u32>(STATE, 16) + e, 16);
  store<u32>(STATE, load<u32>(STATE, 20) + f, 20);
  store<u32>(STATE, load<u32>(STATE, 24) + g, 24);
  store<u32>(STATE, load<u32>(STATE, 28) + h, 28);
}
