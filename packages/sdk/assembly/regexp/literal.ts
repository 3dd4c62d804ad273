// What every match must begin with: a text without it needs no machine, and many patterns are nothing else.
import { Inst, Program } from "./program";
import { Assertion } from "./syntax";

/** No place: {@link Literal.find}. */
export const NOWHERE: usize = usize.MAX_VALUE;

export class Literal {
  /** UTF-8; empty when a match may begin in several ways. */
  bytes: StaticArray<u8>;
  /** A match can only begin at the text's start. */
  anchored: bool = false;
  /** There is nothing more to the pattern than these bytes, the start and {@link atEnd}. */
  complete: bool = false;
  /** If complete: the text has to end there. */
  atEnd: bool = false;

  constructor(program: Program) {
    const bytes: Array<u8> = [];
    let pc = skip(program, program.start);
    if (program.op[pc] == Inst.ASSERT && program.arg[pc] == Assertion.TEXT_START) {
      this.anchored = true;
      pc = skip(program, program.out[pc]);
    }
    while (program.op[pc] == Inst.SET) {
      const rune = program.sets[program.arg[pc]].single();
      // A malformed byte reads as U+FFFD too, but is not spelled the same.
      if (rune < 0 || rune == 0xfffd) break;
      encode(rune, bytes);
      pc = skip(program, program.out[pc]);
    }
    if (program.op[pc] == Inst.ASSERT && program.arg[pc] == Assertion.TEXT_END) {
      const then = skip(program, program.out[pc]);
      if (program.op[then] == Inst.MATCH) {
        this.atEnd = true;
        this.complete = true;
      }
    } else if (program.op[pc] == Inst.MATCH) {
      this.complete = true;
    }
    this.bytes = StaticArray.fromArray(bytes);
  }

  /** @returns the first place at or after `p` that begins with the bytes, or {@link NOWHERE} */
  find(p: usize, end: usize): usize {
    const size = <usize>this.bytes.length;
    if (size == 0) return p;
    if (size > end - p) return NOWHERE;
    const bytes = changetype<usize>(this.bytes);
    const first = load<u8>(bytes);
    const last = this.anchored ? p : end - size;
    for (; p <= last; ++p) {
      if (load<u8>(p) == first && memory.compare(p, bytes, size) == 0) return p;
    }
    return NOWHERE;
  }

  /** Of a complete pattern. */
  matches(p: usize, end: usize): bool {
    const size = <usize>this.bytes.length;
    if (!this.atEnd) return this.find(p, end) != NOWHERE;
    if (this.anchored ? size != end - p : size > end - p) return false;
    return memory.compare(end - size, changetype<usize>(this.bytes), size) == 0;
  }
}

/** Past what only remembers positions. */
function skip(program: Program, pc: i32): i32 {
  while (program.op[pc] == Inst.CAPTURE || program.op[pc] == Inst.NOP) pc = program.out[pc];
  return pc;
}

function encode(rune: u32, to: Array<u8>): void {
  if (rune < 0x80) {
    to.push(<u8>rune);
  } else if (rune < 0x800) {
    to.push(<u8>(0xc0 | (rune >> 6)));
    to.push(<u8>(0x80 | (rune & 0x3f)));
  } else if (rune < 0x10000) {
    to.push(<u8>(0xe0 | (rune >> 12)));
    to.push(<u8>(0x80 | ((rune >> 6) & 0x3f)));
    to.push(<u8>(0x80 | (rune & 0x3f)));
  } else {
    to.push(<u8>(0xf0 | (rune >> 18)));
    to.push(<u8>(0x80 | ((rune >> 12) & 0x3f)));
    to.push(<u8>(0x80 | ((rune >> 6) & 0x3f)));
    to.push(<u8>(0x80 | (rune & 0x3f)));
  }
}
