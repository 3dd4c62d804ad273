// Regular expressions over UTF-8 in linear memory, with RE2's syntax and its promise: the time of a search grows linearly
// with the text, for every pattern. Syntax: https://github.com/google/re2/wiki/Syntax (without Unicode classes).
import { Alphabet } from "./alphabet";
import { Dfa } from "./dfa";
import { Literal, NOWHERE } from "./literal";
import { Parser } from "./parser";
import { Pike } from "./pike";
import { Program } from "./program";

export class Regexp {
  /** What is wrong with the pattern; null when nothing is. With an error, nothing matches. */
  error: string | null = null;
  /** Where the error is, in characters from the pattern's start. */
  errorOffset: i32 = 0;
  /** Names of the groups, "" for one without. Index 0 is the whole match. */
  groupNames: Array<string> = [];

  private program: Program | null = null;
  private alphabet: Alphabet | null = null;
  private literal: Literal | null = null;
  private dfa: Dfa | null = null;
  private pike: Pike | null = null;

  private constructor(public pattern: string) {}

  /** Compiles a pattern that is known to be right. Traps with the error's message otherwise. */
  static compile(pattern: string): Regexp {
    const regexp = Regexp.tryCompile(pattern);
    if (regexp.error !== null) abort(regexp.error!);
    return regexp;
  }

  /** Compiles a pattern that somebody else wrote: look at {@link error}. */
  static tryCompile(pattern: string): Regexp {
    const regexp = new Regexp(pattern);
    const parser = new Parser(pattern);
    const root = parser.parse();
    regexp.groupNames = parser.groupNames;
    if (parser.error !== null) {
      regexp.error = parser.error! + " (at offset " + parser.errorOffset.toString() + ")";
      regexp.errorOffset = parser.errorOffset;
      return regexp;
    }
    const program = new Program(root);
    if (program.tooLarge) {
      regexp.error = "the expression is too large";
      return regexp;
    }
    regexp.program = program;
    regexp.alphabet = program.alphabet();
    regexp.literal = new Literal(program);
    return regexp;
  }

  /** @returns whether the pattern matches anywhere in the UTF-8 bytes from `ptr` */
  matchUtf8(ptr: usize, size: usize): bool {
    const literal = this.literal;
    if (literal === null) return false;
    const end = ptr + size;
    if (literal.complete) return literal.matches(ptr, end);
    const from = literal.find(ptr, end);
    if (from == NOWHERE) return false;
    return this.machine(literal).matches(ptr, end, from);
  }

  /** As {@link matchUtf8}, for a string; the copy in UTF-8 is for the garbage collector. */
  match(text: string): bool {
    const bytes = String.UTF8.encode(text);
    return this.matchUtf8(changetype<usize>(bytes), <usize>bytes.byteLength);
  }

  /**
   * Finds the leftmost match; {@link start} and {@link end} then tell its groups, until the next call.
   * @returns whether there is one
   */
  exec(ptr: usize, size: usize): bool {
    return this.execFrom(ptr, size, 0);
  }

  /**
   * As {@link exec}, for the leftmost match that starts at least `from` bytes after `ptr`, to find one after the other. What stands before it
   * is still what `^` and `\b` see; groups are told in bytes from `ptr`.
   */
  execFrom(ptr: usize, size: usize, from: usize): bool {
    const literal = this.literal;
    if (literal === null || (from != 0 && literal.anchored)) return false;
    const end = ptr + size;
    const at = literal.find(ptr + from, end);
    // Without captures it is cheaper, and most texts do not match.
    if (at == NOWHERE || (!literal.complete && !this.machine(literal).matches(ptr, end, at))) return false;
    let pike = this.pike;
    if (pike === null) {
      pike = new Pike(this.program!, this.alphabet!, this.groupNames.length);
      this.pike = pike;
    }
    return pike.search(ptr, end, at, literal.anchored);
  }

  private machine(literal: Literal): Dfa {
    let dfa = this.dfa;
    if (dfa === null) {
      dfa = new Dfa(this.program!, this.alphabet!, literal.anchored);
      this.dfa = dfa;
    }
    return dfa;
  }

  /** @returns where a group of the last {@link exec} starts, in bytes from `ptr`; -1 if it took no part in the match */
  start(group: i32): i32 {
    return this.pike!.slots[group * 2];
  }

  /** @returns where a group of the last {@link exec} ends, in bytes from `ptr`; -1 if it took no part in the match */
  end(group: i32): i32 {
    return this.pike!.slots[group * 2 + 1];
  }

  /** How many instructions all searches have looked at so far: what the promise of linear time can be measured by. */
  get steps(): u64 {
    const dfa = this.dfa;
    const pike = this.pike;
    return (dfa === null ? 0 : dfa.steps) + (pike === null ? 0 : pike.steps);
  }
}
