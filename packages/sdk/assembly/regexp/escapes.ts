// Escapes of one character.

const NONE: u32 = 0xffffffff;

/** @returns the value of a hexadecimal digit, 16 for anything else */
export function hexDigit(c: u32): u32 {
  if (c - 0x30 <= 9) return c - 0x30;
  const letter = (c | 0x20) - 0x61;
  return letter <= 5 && c < 0x80 ? letter + 10 : 16;
}

/** @returns what a backslash in front of `c` stands for, 0xffffffff for nothing */
export function escapedLetter(c: u32): u32 {
  switch (c) {
    case 0x61: // a
      return 0x07;
    case 0x66: // f
      return 0x0c;
    case 0x6e: // n
      return 0x0a;
    case 0x72: // r
      return 0x0d;
    case 0x74: // t
      return 0x09;
    case 0x76: // v
      return 0x0b;
  }
  // Punctuation always stands for itself.
  if (c >= 0x80 || c - 0x30 <= 9 || (c | 0x20) - 0x61 <= 25) return NONE;
  return c;
}
