// Decoding: malformed bytes are read one at a time as U+FFFD, as Go does.

/** How many bytes the character has that {@link decodeRune} read last. */
export let runeSize: usize = 0;

/** @returns the character at `p`, which must lie before `end` */
export function decodeRune(p: usize, end: usize): u32 {
  const first = <u32>load<u8>(p);
  runeSize = 1;
  if (first < 0x80) return first;
  if (first < 0xc2 || first > 0xf4) return 0xfffd;
  const size: usize = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (size > end - p) return 0xfffd;
  const second = <u32>load<u8>(p, 1);
  if (size == 2) {
    if ((second & 0xc0) != 0x80) return 0xfffd;
    runeSize = 2;
    return ((first & 0x1f) << 6) | (second & 0x3f);
  }
  // Neither overlong forms, nor surrogates, nor anything above U+10FFFF.
  const lowest: u32 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const highest: u32 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  const third = <u32>load<u8>(p, 2);
  if (second < lowest || second > highest || (third & 0xc0) != 0x80) return 0xfffd;
  if (size == 3) {
    runeSize = 3;
    return ((first & 0x0f) << 12) | ((second & 0x3f) << 6) | (third & 0x3f);
  }
  const fourth = <u32>load<u8>(p, 3);
  if ((fourth & 0xc0) != 0x80) return 0xfffd;
  runeSize = 4;
  return ((first & 7) << 18) | ((second & 0x3f) << 12) | ((third & 0x3f) << 6) | (fourth & 0x3f);
}
