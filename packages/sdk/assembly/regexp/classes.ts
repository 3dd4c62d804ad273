// The parts of a pattern that stand for characters: escapes and brackets.
import { CharClass, MAX_RUNE, perlClass, posixClass } from "./charclass";
import { escapedLetter, hexDigit } from "./escapes";
import { END, FOLD, Scanner } from "./scanner";

export class ClassScanner extends Scanner {
  constructor(pattern: string) {
    super(pattern);
  }

  /** `\d` and its like; null, and nothing read, when something else follows. */
  protected perlEscape(): CharClass | null {
    if (this.peek() != 0x5c) return null;
    const letter = this.peek(1);
    if (letter == 0x70 || letter == 0x50) {
      this.fail("Unicode classes are not supported: " + this.text(this.at, this.at + 2) + "; write ranges, like [\\x{400}-\\x{4ff}]", this.at);
      return null;
    }
    const result = letter < 0x80 ? perlClass(letter, (this.flags & FOLD) != 0) : null;
    if (result !== null) this.at += 2;
    return result;
  }

  /** `[...]` */
  protected brackets(): CharClass {
    const start = this.at;
    ++this.at;
    const negative = this.peek() == 0x5e;
    if (negative) ++this.at;
    const result = new CharClass();
    for (let first = true; this.peek() != 0x5d || first; first = false) {
      if (this.at >= this.runes.length) {
        this.fail("missing closing ]", start);
        break;
      }
      if (this.posix(result)) continue;
      const perl = this.perlEscape();
      if (this.error !== null) break;
      if (perl !== null) {
        result.addAll(perl);
        continue;
      }
      const from = this.at;
      const lo = this.member();
      let hi = lo;
      if (this.peek() == 0x2d && this.peek(1) != 0x5d && this.peek(1) != END) {
        ++this.at;
        hi = this.member();
        if (this.error === null && hi < lo) this.fail("invalid range in a character class: " + this.text(from, this.at), from);
      }
      if (this.error !== null) break;
      if (this.flags & FOLD) {
        const folded = new CharClass();
        folded.add(lo, hi);
        folded.fold();
        result.addAll(folded);
      } else {
        result.add(lo, hi);
      }
    }
    ++this.at;
    if (this.error === null) {
      result.normalise();
      if (negative) result.negate();
    }
    return result;
  }

  private member(): u32 {
    const c = this.peek();
    if (c == 0x5c) return this.escapedRune();
    ++this.at;
    return c;
  }

  /** `[:alpha:]`, `[:^alpha:]`. */
  private posix(into: CharClass): bool {
    if (this.peek() != 0x5b || this.peek(1) != 0x3a) return false;
    let end = this.at + 2;
    while (end + 1 < this.runes.length && !(this.runes[end] == 0x3a && this.runes[end + 1] == 0x5d)) ++end;
    if (end + 1 >= this.runes.length) return false;
    let name = this.text(this.at + 2, end);
    const negative = name.startsWith("^");
    if (negative) name = name.substring(1);
    const named = posixClass(name);
    if (named === null) {
      this.fail("invalid character class: " + this.text(this.at, end + 2), this.at);
      return true;
    }
    if (this.flags & FOLD) named.fold();
    if (negative) named.negate();
    into.addAll(named);
    this.at = end + 2;
    return true;
  }

  /** `\n`, `\x41`, `\x{1F600}`, `\012`, `\.` */
  protected escapedRune(): u32 {
    const start = this.at;
    const c = this.peek(1);
    this.at += 2;
    if (c == END) {
      this.fail("trailing backslash at the end of the pattern", start);
      return 0;
    }
    if (c - 0x30 <= 7 && (c == 0x30 || this.peek() - 0x30 <= 7)) {
      let value = c - 0x30;
      for (let i = 0; i < 2 && this.peek() - 0x30 <= 7; ++i) {
        value = value * 8 + this.peek() - 0x30;
        ++this.at;
      }
      return value;
    }
    if (c - 0x31 <= 8 || c == 0x6b) {
      this.fail("backreferences are not supported (RE2 syntax): " + this.text(start, start + 2), start);
      return 0;
    }
    if (c == 0x78) return this.hexEscape(start);
    const letter = escapedLetter(c);
    if (letter == END) this.fail("invalid escape sequence: " + this.text(start, start + 2), start);
    return letter;
  }

  private hexEscape(start: i32): u32 {
    let value: u32 = 0;
    let digits = 0;
    if (this.peek() == 0x7b) {
      ++this.at;
      while (hexDigit(this.peek()) < 16 && value <= MAX_RUNE) {
        value = value * 16 + hexDigit(this.peek());
        ++digits;
        ++this.at;
      }
      if (digits > 0 && value <= MAX_RUNE && this.peek() == 0x7d) {
        ++this.at;
        return value;
      }
    } else {
      const high = hexDigit(this.peek());
      const low = hexDigit(this.peek(1));
      if (high < 16 && low < 16) {
        this.at += 2;
        return high * 16 + low;
      }
    }
    this.fail("invalid escape sequence: " + this.text(start, this.at + 1), start);
    return 0;
  }
}
