// Compiles syntax to the instructions of a Pike machine: https://swtch.com/~rsc/regexp/regexp2.html
// One instruction consumes one character; characters are told apart by equivalence classes (see alphabet.ts).
import { Alphabet } from "./alphabet";
import { CharClass } from "./charclass";
import { Node, Op } from "./syntax";

export const enum Inst {
  MATCH,
  /** Consume one character of set `arg`, go on at `out`. */
  SET,
  /** Go on at `out`, or, second choice, at `arg`. */
  ALT,
  /** Remember the position in slot `arg`. */
  CAPTURE,
  /** Go on if assertion `arg` holds here. */
  ASSERT,
  NOP,
}

/** A pattern that needs more instructions than this is refused. */
const MAX_INSTRUCTIONS: i32 = 20000;
/** Likewise with more different sets of characters. */
const MAX_SETS: i32 = 2000;
/** What stands for "not known yet" in an `out`. */
const OPEN: i32 = -1;

/** Part of a program: where it starts, and the places (`2 * pc`, `+ 1` for `arg`) that are to lead on. */
class Fragment {
  constructor(
    public start: i32,
    public exits: Array<i32>,
    public nullable: bool,
  ) {}
}

export class Program {
  op: Array<i32> = [];
  out: Array<i32> = [];
  arg: Array<i32> = [];
  sets: Array<CharClass> = [];
  start: i32 = 0;
  /** The pattern needs more instructions than are allowed. */
  tooLarge: bool = false;
  hasAssertions: bool = false;
  hasLineAssertions: bool = false;
  hasWordAssertions: bool = false;

  constructor(root: Node) {
    const fragment = this.compile(root);
    const match = this.emit(Inst.MATCH, OPEN, 0);
    this.patch(fragment.exits, match);
    this.start = fragment.start;
  }

  alphabet(): Alphabet {
    return new Alphabet(this.sets, this.hasLineAssertions, this.hasWordAssertions);
  }

  private emit(op: Inst, out: i32, arg: i32): i32 {
    const pc = this.op.length;
    if (pc >= MAX_INSTRUCTIONS) {
      this.tooLarge = true;
      return pc - 1;
    }
    this.op.push(op);
    this.out.push(out);
    this.arg.push(arg);
    return pc;
  }

  private patch(exits: Array<i32>, to: i32): void {
    for (let i = 0; i < exits.length; ++i) {
      if (exits[i] & 1) this.arg[exits[i] >> 1] = to;
      else this.out[exits[i] >> 1] = to;
    }
  }

  private one(op: Inst, arg: i32, nullable: bool): Fragment {
    const pc = this.emit(op, OPEN, arg);
    return new Fragment(pc, [pc << 1], nullable);
  }

  private setIndex(c: CharClass): i32 {
    for (let i = 0; i < this.sets.length; ++i) if (this.sets[i].equals(c)) return i;
    if (this.sets.length == MAX_SETS) {
      this.tooLarge = true;
      return 0;
    }
    this.sets.push(c);
    return this.sets.length - 1;
  }

  private compile(node: Node): Fragment {
    if (this.tooLarge) return new Fragment(0, [], true);
    switch (node.op) {
      case Op.CLASS:
        return this.one(Inst.SET, this.setIndex(node.charClass!), false);
      case Op.ASSERT:
        this.hasAssertions = true;
        if (node.assertion >= 4) this.hasWordAssertions = true;
        else if (node.assertion >= 2) this.hasLineAssertions = true;
        return this.one(Inst.ASSERT, node.assertion, true);
      case Op.CAPTURE: {
        const open = this.one(Inst.CAPTURE, node.index * 2, true);
        const inner = this.compile(node.items[0]);
        const close = this.one(Inst.CAPTURE, node.index * 2 + 1, true);
        return this.concat(this.concat(open, inner), close);
      }
      case Op.CONCAT: {
        if (node.items.length == 0) return this.one(Inst.NOP, 0, true);
        let all = this.compile(node.items[0]);
        for (let i = 1; i < node.items.length; ++i) all = this.concat(all, this.compile(node.items[i]));
        return all;
      }
      case Op.ALTERNATE: {
        let all = this.compile(node.items[node.items.length - 1]);
        for (let i = node.items.length - 2; i >= 0; --i) {
          const first = this.compile(node.items[i]);
          const pc = this.emit(Inst.ALT, first.start, all.start);
          all = new Fragment(pc, first.exits.concat(all.exits), first.nullable || all.nullable);
        }
        return all;
      }
      case Op.REPEAT:
        return this.repeat(node);
      default:
        return this.one(Inst.NOP, 0, true);
    }
  }

  private concat(a: Fragment, b: Fragment): Fragment {
    this.patch(a.exits, b.start);
    return new Fragment(a.start, b.exits, a.nullable && b.nullable);
  }

  /** `x{2,5}` becomes `xx(x(x(x)?)?)?`, `x{2,}` becomes `xx+`. */
  private repeat(node: Node): Fragment {
    const item = node.items[0];
    const lazy = node.lazy;
    if (node.max == 0) return this.one(Inst.NOP, 0, true);
    let all: Fragment | null = null;
    const copies = node.max < 0 ? node.min - 1 : node.min;
    for (let i = 0; i < copies && !this.tooLarge; ++i) {
      const copy = this.compile(item);
      all = all === null ? copy : this.concat(all, copy);
    }
    if (node.max < 0) {
      const copy = this.compile(item);
      const loop = node.min == 0 ? this.star(copy, lazy) : this.plus(copy, lazy);
      return all === null ? loop : this.concat(all, loop);
    }
    if (node.max > node.min) {
      // From the outside in: each copy may be followed by the next, or by nothing.
      const exits: Array<i32> = [];
      let start = -1;
      let open: Array<i32> = [];
      for (let i = node.min; i < node.max && !this.tooLarge; ++i) {
        const copy = this.compile(item);
        const pc = lazy ? this.emit(Inst.ALT, OPEN, copy.start) : this.emit(Inst.ALT, copy.start, OPEN);
        exits.push(lazy ? pc << 1 : (pc << 1) | 1);
        if (start < 0) start = pc;
        else this.patch(open, pc);
        open = copy.exits;
      }
      const optional = new Fragment(max(start, 0), exits.concat(open), true);
      return all === null ? optional : this.concat(all, optional);
    }
    return all!;
  }

  private quest(x: Fragment, lazy: bool): Fragment {
    const pc = lazy ? this.emit(Inst.ALT, OPEN, x.start) : this.emit(Inst.ALT, x.start, OPEN);
    const exits = x.exits;
    exits.push(lazy ? pc << 1 : (pc << 1) | 1);
    return new Fragment(pc, exits, true);
  }

  private plus(x: Fragment, lazy: bool): Fragment {
    return new Fragment(x.start, this.loop(x, lazy).exits, x.nullable);
  }

  private loop(x: Fragment, lazy: bool): Fragment {
    const pc = lazy ? this.emit(Inst.ALT, OPEN, x.start) : this.emit(Inst.ALT, x.start, OPEN);
    this.patch(x.exits, pc);
    return new Fragment(pc, [lazy ? pc << 1 : (pc << 1) | 1], true);
  }

  private star(x: Fragment, lazy: bool): Fragment {
    // Of a nullable x this is (x+)?: only then are the choices tried in the right order.
    return x.nullable ? this.quest(this.plus(x, lazy), lazy) : this.loop(x, lazy);
  }
}
