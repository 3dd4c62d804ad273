// Randomness and thresholds as OpenTelemetry defines them: 56 bits each; an item is kept when its randomness is not below the threshold.
// https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/

const BITS: u64 = 56;
/** One more than the largest randomness: the threshold that nothing reaches. */
export const NEVER: u64 = 1 << BITS;
/** No randomness or no threshold. */
export const NONE: u64 = u64.MAX_VALUE;
/** Hexadecimal digits of 56 bits. */
export const DIGITS: i32 = 14;
/** The randomness that the Collector takes from a hash decides with this many bits. */
const HASH_BITS: u64 = 14;
const BUCKETS: u32 = 1 << 14;

/**
 * @param percentage from 0 to 100
 * @param precision how many hexadecimal digits count, leading ones that do not distinguish anything excepted
 */
export function thresholdOf(percentage: f64, precision: i32): u64 {
  if (percentage == 0) return NEVER;
  const smallest = 1.0 / <f64>NEVER;
  const ratio = max(percentage / 100, smallest);
  if (ratio == 1) return 0;
  const digits = min(DIGITS, precision + max(leadingDigits(ratio), leadingDigits(1 - ratio)));
  const threshold = NEVER - <u64>nearest(ratio * <f64>NEVER);
  const shift = <u64>(4 * (DIGITS - digits));
  return shift == 0 ? threshold : ((threshold + (<u64>1 << (shift - 1))) >> shift) << shift;
}

/** How many hexadecimal digits after the point are zero, or f's complement's are. */
function leadingDigits(ratio: f64): i32 {
  const exponent = <i32>((reinterpret<u64>(ratio) >> 52) & 0x7ff) - 1022;
  return -exponent >> 2;
}

/** The threshold for randomness that {@link hashRandomness} answers. 0.006 % is the smallest part that 14 bits can tell from nothing. */
export function hashThresholdOf(percentage: f64): u64 {
  // In 32 bits and rounded down, as the Collector does: the same decision for the same seed.
  const accepted = <u32>(<f32>percentage * <f32>163.84);
  return <u64>(BUCKETS - accepted) << (BITS - HASH_BITS);
}

/** The Collector's hash (FNV-1a over seed and bytes) as randomness. */
export function hashRandomness(start: usize, size: usize, seed: u32): u64 {
  let hash: u32 = 0x811c9dc5;
  for (let i: u32 = 0; i < 32; i += 8) hash = (hash ^ ((seed >> i) & 0xff)) * 0x01000193;
  for (let i: usize = 0; i < size; ++i) hash = (hash ^ load<u8>(start + i)) * 0x01000193;
  const bucket = <u64>(hash & (BUCKETS - 1));
  const unused = <u64>(hash >> 18);
  return ((BUCKETS - 1 - bucket) << 42) | ((unused ^ (unused << 10)) << 14) | bucket;
}

/** @returns the last 56 bits of a trace id; {@link NONE} if it is not one */
export function traceRandomness(start: usize, size: usize): u64 {
  if (size != 16 || (load<u64>(start) | load<u64>(start, 8)) == 0) return NONE;
  return bswap<u64>(load<u64>(start, 8)) & (NEVER - 1);
}

/** @returns exactly 14 lower-case hexadecimal digits as a number; {@link NONE} if they are something else */
export function parseRandomness(start: usize, end: usize): u64 {
  return end - start == DIGITS ? parseThreshold(start, end) : NONE;
}

/** @returns up to 14 lower-case hexadecimal digits, trailing zeros left out, as a threshold; {@link NONE} if they are something else */
export function parseThreshold(start: usize, end: usize): u64 {
  const size = <i32>(end - start);
  if (size < 1 || size > DIGITS) return NONE;
  let value: u64 = 0;
  for (let p = start; p < end; ++p) {
    const c = <u64>load<u8>(p);
    if (c - 0x30 < 10) value = (value << 4) | (c - 0x30);
    else if (c - 0x61 < 6) value = (value << 4) | (c - 0x57);
    else return NONE;
  }
  return value << (4 * <u64>(DIGITS - size));
}

/** Writes 14 digits. @returns the position after them */
export function writeRandomness(to: usize, value: u64): usize {
  for (let shift: i64 = 52; shift >= 0; shift -= 4) {
    const digit = <u8>((value >> shift) & 15);
    store<u8>(to++, digit < 10 ? 0x30 + digit : 0x57 + digit);
  }
  return to;
}

/** As {@link writeRandomness}, without trailing zeros. */
export function writeThreshold(to: usize, value: u64): usize {
  let end = writeRandomness(to, value);
  while (end > to + 1 && load<u8>(end - 1) == 0x30) --end;
  return end;
}
