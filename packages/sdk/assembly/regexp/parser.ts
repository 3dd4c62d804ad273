// RE2's syntax, as Go's regexp package reads it: https://github.com/google/re2/wiki/Syntax
// Whatever cannot be matched in linear time (backreferences, lookaround) is an error that says so.
import { CharClass, MAX_RUNE } from "./charclass";
import { ClassScanner } from "./classes";
import { DOT_NEWLINE, FOLD, MULTI_LINE, UNGREEDY } from "./scanner";
import { Assertion, isWord, Node, Op } from "./syntax";

/** Groups within groups deeper than this are refused: parser and compiler are recursive. */
const MAX_DEPTH: i32 = 200;
/** The most that a repetition may ask for, nested ones multiplied. */
const MAX_REPEAT: i32 = 1000;

export class Parser extends ClassScanner {
  /** Names of the groups; group 0, the whole match, has none. */
  groupNames: Array<string> = [""];

  constructor(pattern: string) {
    super(pattern);
  }

  parse(): Node {
    const node = this.alternation(0);
    if (this.error === null && this.at < this.runes.length) this.fail("unexpected )", this.at);
    return node;
  }

  private alternation(depth: i32): Node {
    if (depth > MAX_DEPTH) {
      this.fail("groups are nested more than " + MAX_DEPTH.toString() + " deep", this.at);
      return new Node(Op.EMPTY);
    }
    const node = new Node(Op.ALTERNATE);
    node.items.push(this.concatenation(depth));
    while (this.peek() == 0x7c) {
      ++this.at;
      node.items.push(this.concatenation(depth));
    }
    for (let i = 0; i < node.items.length; ++i) node.repeats = max(node.repeats, node.items[i].repeats);
    return node.items.length == 1 ? node.items[0] : node;
  }

  private concatenation(depth: i32): Node {
    const node = new Node(Op.CONCAT);
    const items = node.items;
    // Where the repetition stands that was read last: another one behind it is an error.
    let repeatAt = -1;
    while (this.at < this.runes.length) {
      const c = this.peek();
      if (c == 0x7c || c == 0x29) break;
      const start = this.at;
      let repeated = false;
      if (c == 0x2a || c == 0x2b || c == 0x3f) {
        ++this.at;
        this.repeat(items, c == 0x2b ? 1 : 0, c == 0x3f ? 1 : -1, start, repeatAt);
        repeated = true;
      } else if (c == 0x7b && this.counts()) {
        this.repeat(items, this.least, this.most, start, repeatAt);
        repeated = true;
      } else if (c == 0x28) {
        this.group(items, depth);
      } else {
        this.atom(items, c);
      }
      repeatAt = repeated ? (repeatAt < 0 ? start : repeatAt) : -1;
    }
    for (let i = 0; i < items.length; ++i) node.repeats = max(node.repeats, items[i].repeats);
    return node;
  }

  private atom(items: Array<Node>, c: u32): void {
    const multiLine = (this.flags & MULTI_LINE) != 0;
    switch (c) {
      case 0x5e: // ^
        ++this.at;
        items.push(assertion(multiLine ? Assertion.LINE_START : Assertion.TEXT_START));
        return;
      case 0x24: // $
        ++this.at;
        items.push(assertion(multiLine ? Assertion.LINE_END : Assertion.TEXT_END));
        return;
      case 0x2e: { // .
        ++this.at;
        const any = new CharClass();
        if (this.flags & DOT_NEWLINE) {
          any.add(0, MAX_RUNE);
        } else {
          any.add(0, 0x09);
          any.add(0x0b, MAX_RUNE);
        }
        items.push(classNode(any));
        return;
      }
      case 0x5b: // [
        items.push(classNode(this.brackets()));
        return;
      case 0x5c: // backslash
        this.escape(items);
        return;
      default:
        ++this.at;
        items.push(this.literal(c));
    }
  }

  private literal(c: u32): Node {
    const only = new CharClass();
    only.add(c, c);
    if (this.flags & FOLD) only.fold();
    return classNode(only);
  }

  private group(items: Array<Node>, depth: i32): void {
    const start = this.at;
    const flags = this.flags;
    let index = 0;
    ++this.at;
    if (this.peek() == 0x3f) {
      const behind = this.peek(1);
      const third = this.peek(2);
      if (behind == 0x3d || behind == 0x21 || (behind == 0x3c && (third == 0x3d || third == 0x21))) {
        this.fail("lookaround is not supported (RE2 syntax): " + this.text(start, this.at + (behind == 0x3c ? 3 : 2)), start);
        return;
      }
      if (behind == 0x3c || (behind == 0x50 && third == 0x3c)) {
        this.at += behind == 0x3c ? 2 : 3;
        index = this.name(start);
      } else if (!this.setFlags(start)) {
        return;
      }
    } else {
      index = this.groupNames.length;
      this.groupNames.push("");
    }
    if (this.error !== null) return;
    const inner = this.alternation(depth + 1);
    if (this.error !== null) return;
    if (this.peek() != 0x29) {
      this.fail("missing closing )", start);
      return;
    }
    ++this.at;
    this.flags = flags;
    if (index == 0) {
      items.push(inner);
      return;
    }
    const node = new Node(Op.CAPTURE);
    node.index = index;
    node.items.push(inner);
    node.repeats = inner.repeats;
    items.push(node);
  }

  private name(start: i32): i32 {
    let name = "";
    while (this.at < this.runes.length && this.peek() != 0x3e) {
      const c = this.peek();
      if (!isWord(c)) {
        this.fail("a group's name consists of letters, digits and _", this.at);
        return 0;
      }
      name += String.fromCodePoint(c);
      ++this.at;
    }
    if (this.at >= this.runes.length || name.length == 0) {
      this.fail("invalid named group", start);
      return 0;
    }
    ++this.at;
    // Like Go, and unlike RE2 itself, this lets two groups have the same name.
    this.groupNames.push(name);
    return this.groupNames.length - 1;
  }

  /** `(?flags)` and `(?flags:`. @returns whether a group follows, which must be closed */
  private setFlags(start: i32): bool {
    ++this.at;
    let flags = this.flags;
    let negative = false;
    let some = false;
    for (; this.at < this.runes.length; ++this.at) {
      const c = this.peek();
      let flag: u32 = 0;
      if (c == 0x69) flag = FOLD;
      else if (c == 0x6d) flag = MULTI_LINE;
      else if (c == 0x73) flag = DOT_NEWLINE;
      else if (c == 0x55) flag = UNGREEDY;
      if (flag) {
        flags = negative ? flags & ~flag : flags | flag;
        some = true;
      } else if (c == 0x2d && !negative) {
        negative = true;
        some = false;
      } else if ((c == 0x3a || c == 0x29) && (some || !negative)) {
        ++this.at;
        this.flags = flags;
        return c == 0x3a;
      } else break;
    }
    this.fail("invalid or unsupported group (RE2 syntax): " + this.text(start, this.at + 1), start);
    return false;
  }

  private least: i32 = 0;
  private most: i32 = 0;

  /** Reads `{n}`, `{n,}`, `{n,m}`; anything else in braces is literal. */
  private counts(): bool {
    const start = this.at;
    ++this.at;
    this.least = this.number();
    if (this.least >= 0) {
      this.most = this.least;
      if (this.peek() == 0x2c) {
        ++this.at;
        this.most = this.peek() == 0x7d ? -1 : this.number();
        if (this.most == -1 && this.peek() != 0x7d) this.least = -1;
      }
      if (this.least >= 0 && this.peek() == 0x7d) {
        ++this.at;
        return true;
      }
    }
    this.at = start;
    return false;
  }

  /** @returns -1 when there is no number, or one with a leading zero */
  private number(): i32 {
    const start = this.at;
    let value = 0;
    while (this.peek() - 0x30 <= 9) {
      value = min(value * 10 + <i32>(this.peek() - 0x30), 100000);
      ++this.at;
    }
    if (this.at == start || (this.at > start + 1 && this.runes[start] == 0x30)) return -1;
    return value;
  }

  private repeat(items: Array<Node>, least: i32, most: i32, start: i32, repeatAt: i32): void {
    let lazy = (this.flags & UNGREEDY) != 0;
    if (this.peek() == 0x3f) {
      ++this.at;
      lazy = !lazy;
    }
    if (repeatAt >= 0) {
      this.fail("invalid nested repetition operator: " + this.text(repeatAt, this.at), repeatAt);
      return;
    }
    if (items.length == 0) {
      this.fail("missing argument to repetition operator: " + this.text(start, this.at), start);
      return;
    }
    const node = new Node(Op.REPEAT);
    const item = items[items.length - 1];
    node.min = least;
    node.max = most;
    node.lazy = lazy;
    node.items.push(item);
    const times = most > 0 ? most : max(least, 1);
    node.repeats = most == 0 ? 1 : item.repeats * times;
    if (least > MAX_REPEAT || most > MAX_REPEAT || (most >= 0 && least > most) || node.repeats > MAX_REPEAT) {
      this.fail("invalid repeat count: " + this.text(start, this.at) + " (at most " + MAX_REPEAT.toString() + ", nested counts multiplied)", start);
      return;
    }
    items[items.length - 1] = node;
  }

  private escape(items: Array<Node>): void {
    const c = this.peek(1);
    let kind: Assertion = Assertion.TEXT_START;
    switch (c) {
      case 0x41: // A
        break;
      case 0x7a: // z
        kind = Assertion.TEXT_END;
        break;
      case 0x62: // b
        kind = Assertion.WORD_BOUNDARY;
        break;
      case 0x42: // B
        kind = Assertion.NO_WORD_BOUNDARY;
        break;
      case 0x51: // Q
        this.at += 2;
        while (this.at < this.runes.length && !(this.peek() == 0x5c && this.peek(1) == 0x45)) {
          items.push(this.literal(this.peek()));
          ++this.at;
        }
        if (this.at < this.runes.length) this.at += 2;
        return;
      default: {
        const perl = this.perlEscape();
        if (perl !== null) items.push(classNode(perl));
        else items.push(this.literal(this.escapedRune()));
        return;
      }
    }
    this.at += 2;
    items.push(assertion(kind));
  }

}

function classNode(c: CharClass): Node {
  c.normalise();
  const node = new Node(Op.CLASS);
  node.charClass = c;
  return node;
}

function assertion(kind: Assertion): Node {
  const node = new Node(Op.ASSERT);
  node.assertion = kind;
  return node;
}
