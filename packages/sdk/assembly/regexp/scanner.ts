// Reads a pattern character by character, and remembers the first error.

// What the flags of `(?imsU)` ask for.
export const FOLD: u32 = 1;
export const MULTI_LINE: u32 = 2;
export const DOT_NEWLINE: u32 = 4;
export const UNGREEDY: u32 = 8;

/** What {@link Scanner.peek} answers at the end. */
export const END: u32 = 0xffffffff;

export class Scanner {
  /** What is wrong with the pattern; null when nothing is. */
  error: string | null = null;
  /** Where, in characters from the start. */
  errorOffset: i32 = 0;

  protected runes: Array<u32> = [];
  protected at: i32 = 0;
  protected flags: u32 = 0;

  constructor(pattern: string) {
    for (let i = 0; i < pattern.length; ++i) {
      const c = <u32>pattern.codePointAt(i);
      if (c > 0xffff) ++i;
      this.runes.push(c);
    }
  }

  protected fail(what: string, at: i32): void {
    if (this.error !== null) return;
    this.error = what;
    this.errorOffset = at;
    this.at = this.runes.length;
  }

  protected peek(ahead: i32 = 0): u32 {
    const i = this.at + ahead;
    return i < this.runes.length ? this.runes[i] : END;
  }

  protected text(from: i32, to: i32): string {
    let text = "";
    for (let i = from; i < min(to, this.runes.length); ++i) text += String.fromCodePoint(this.runes[i]);
    return text;
  }
}
