// Most code points behave alike for a given pattern. The alphabet numbers the groups that do not.
import { CharClass, MAX_RUNE } from "./charclass";
import { isWord } from "./syntax";

/** What a character means to assertions; bits. */
export const NEWLINE: u8 = 1;
export const WORD: u8 = 2;

export class Alphabet {
  /** How many groups ("letters") there are. */
  size: i32;
  /** Letter of each ASCII character. */
  ascii: StaticArray<u16> = new StaticArray<u16>(128);
  /** Where ranges start, ascending from 0, and the letter of each. */
  private starts: StaticArray<u32>;
  private letters: StaticArray<u16>;
  /** For each letter, {@link NEWLINE} and {@link WORD}; 0 where no assertion asks. */
  kinds: StaticArray<u8>;
  /** A bit for each set and letter. */
  private bits: StaticArray<u32>;
  private words: i32;

  constructor(sets: Array<CharClass>, lines: bool, words: bool) {
    const all = new Array<CharClass>();
    for (let i = 0; i < sets.length; ++i) all.push(sets[i]);
    if (lines) {
      const newline = new CharClass();
      newline.add(0x0a, 0x0a);
      all.push(newline);
    }
    if (words) {
      const word = new CharClass();
      word.add(0x30, 0x39);
      word.add(0x41, 0x5a);
      word.add(0x5f, 0x5f);
      word.add(0x61, 0x7a);
      all.push(word);
    }

    const cuts: Array<u32> = [0];
    for (let i = 0; i < all.length; ++i) {
      const ranges = all[i].ranges;
      for (let j = 0; j < ranges.length; j += 2) {
        cuts.push(ranges[j]);
        if (ranges[j + 1] < MAX_RUNE) cuts.push(ranges[j + 1] + 1);
      }
    }
    cuts.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    let count = 1;
    for (let i = 1; i < cuts.length; ++i) if (cuts[i] != cuts[count - 1]) cuts[count++] = cuts[i];

    // Refine: at first all are alike, then each set splits those of which it holds only some.
    const letters = new StaticArray<u16>(count);
    const starts = new StaticArray<u32>(count);
    for (let i = 0; i < count; ++i) starts[i] = cuts[i];
    let size = 1;
    for (let s = 0; s < all.length; ++s) {
      const renamed = new StaticArray<u16>(size * 2);
      let next: u16 = 0;
      const ranges = all[s].ranges;
      let r = 0;
      for (let i = 0; i < count; ++i) {
        while (r < ranges.length && ranges[r + 1] < starts[i]) r += 2;
        const inside = r < ranges.length && ranges[r] <= starts[i];
        const old = <i32>letters[i] * 2 + (inside ? 1 : 0);
        if (renamed[old] == 0) renamed[old] = ++next;
        letters[i] = renamed[old] - 1;
      }
      size = next;
    }
    this.size = size;
    this.starts = starts;
    this.letters = letters;

    const wordsPerSet = (size + 31) >> 5;
    const bits = new StaticArray<u32>(wordsPerSet * max(sets.length, 1));
    const kinds = new StaticArray<u8>(size);
    this.words = wordsPerSet;
    this.bits = bits;
    this.kinds = kinds;
    for (let i = 0; i < count; ++i) {
      const letter = letters[i];
      if (lines && starts[i] == 0x0a) kinds[letter] |= NEWLINE;
      if (words && isWord(starts[i])) kinds[letter] |= WORD;
    }
    for (let s = 0; s < sets.length; ++s) {
      const ranges = sets[s].ranges;
      let r = 0;
      for (let i = 0; i < count; ++i) {
        while (r < ranges.length && ranges[r + 1] < starts[i]) r += 2;
        if (r < ranges.length && ranges[r] <= starts[i]) bits[s * wordsPerSet + (letters[i] >> 5)] |= 1 << (letters[i] & 31);
      }
    }
    for (let c = 0; c < 128; ++c) this.ascii[c] = <u16>this.letterOf(c);
  }

  letterOf(c: u32): i32 {
    let lo = 0;
    let hi = this.starts.length - 1;
    while (lo < hi) {
      const middle = (lo + hi + 1) >> 1;
      if (this.starts[middle] <= c) lo = middle;
      else hi = middle - 1;
    }
    return this.letters[lo];
  }

  /** @returns whether the set has the letter */
  has(set: i32, letter: i32): bool {
    return (unchecked(this.bits[set * this.words + (letter >> 5)]) & (1 << (letter & 31))) != 0;
  }
}
