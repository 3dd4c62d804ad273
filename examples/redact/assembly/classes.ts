// What a byte can mean, as a table: the first look at a text costs one load for each byte.

/** Nothing begins or ends here that a detector looks for. */
export const PLAIN: u8 = 0;
export const DIGIT: u8 = 1;
/** `@` */
export const AT: u8 = 2;
/** The last character of a token's prefix: `_` or `-`. */
export const PREFIX: u8 = 3;
/** `b`, `B`: of `Bearer` */
export const BEARER: u8 = 4;
/** The `J` of `eyJ`, with which every JSON Web Token begins. */
export const JWT: u8 = 5;
/** `A`: of AWS's and Google's keys. */
export const CLOUD: u8 = 6;

const table = memory.data(256);

export function setClass(byte: u8, value: u8): void {
  store<u8>(table + byte, value);
}

/** @returns what the byte at `p` means */
// @ts-ignore: decorator
@inline
export function classAt(p: usize): u8 {
  return load<u8>(table + load<u8>(p));
}

// @ts-ignore: decorator
@inline
export function isDigit(c: u32): bool {
  return c - 0x30 < 10;
}

// @ts-ignore: decorator
@inline
export function isLetter(c: u32): bool {
  return (c | 0x20) - 0x61 < 26;
}

// @ts-ignore: decorator
@inline
export function isAlphanumeric(c: u32): bool {
  return isDigit(c) || isLetter(c);
}

/** Of base64url: letters, digits, `_` and `-`. */
export function isToken(c: u32): bool {
  return isAlphanumeric(c) || c == 0x5f || c == 0x2d;
}
