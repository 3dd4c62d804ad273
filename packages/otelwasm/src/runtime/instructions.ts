/** The instructions of a function's body, as far as they are about calls. https://webassembly.github.io/spec/core/binary/instructions.html */
import type { BinaryReader } from "./binary-reader.ts";

export type CallInstruction =
  /** What it calls is a function's index; else a reference, or something in a table. */
  | { readonly kind: "call"; readonly target: number | undefined }
  /** A call in the place of the function's frame. */
  | { readonly kind: "tailCall"; readonly start: number; readonly target: number | undefined }
  /** @param depth how many blocks it is in */
  | { readonly kind: "return"; readonly start: number; readonly depth: number };

/**
 * @param reader at the first instruction; passes the `end` of the body
 * @param found told of each, with its offset in the binary
 * @returns false at an instruction that is not known here
 */
export function readCalls(reader: BinaryReader, found: (instruction: CallInstruction) => void): boolean {
  for (let depth = 0; ; ) {
    const start = reader.offset;
    const code = reader.byte();
    switch (code) {
      case 0x02: // block, loop, if
      case 0x03:
      case 0x04:
        depth++;
        skipType(reader);
        break;
      case 0x0b: // end
        if (depth-- === 0) return true;
        break;
      case 0x0f:
        found({ kind: "return", start, depth });
        break;
      case 0x10:
        found({ kind: "call", target: reader.u32() });
        break;
      case 0x11:
        reader.u32();
        reader.u32();
        found({ kind: "call", target: undefined });
        break;
      case 0x12:
        found({ kind: "tailCall", start, target: reader.u32() });
        break;
      case 0x13:
        reader.u32();
        reader.u32();
        found({ kind: "tailCall", start, target: undefined });
        break;
      case 0x14:
        reader.u32();
        found({ kind: "call", target: undefined });
        break;
      case 0x15:
        reader.u32();
        found({ kind: "tailCall", start, target: undefined });
        break;
      default:
        if (!skipImmediates(reader, code)) return false;
    }
  }
}

function skipImmediates(reader: BinaryReader, code: number): boolean {
  if (code >= 0x28 && code <= 0x3e) return skipMemoryArgument(reader);
  if (code >= 0x45 && code <= 0xc4) return true;
  if (code >= 0x20 && code <= 0x26) return skipIndices(reader, 1);
  switch (code) {
    case 0x00: // unreachable, nop, else, drop, select, ref.is_null, ref.as_non_null
    case 0x01:
    case 0x05:
    case 0x1a:
    case 0x1b:
    case 0xd1:
    case 0xd4:
      return true;
    case 0x0c: // br, br_if, memory.size, memory.grow, ref.func, br_on_null, br_on_non_null
    case 0x0d:
    case 0x3f:
    case 0x40:
    case 0xd2:
    case 0xd5:
    case 0xd6:
      return skipIndices(reader, 1);
    case 0x0e:
      return skipIndices(reader, reader.count() + 1);
    case 0x1c:
      for (let count = reader.count(); count > 0; count--) skipType(reader);
      return true;
    case 0x41:
    case 0x42:
      return skipInteger(reader);
    case 0x43:
      return skipBytes(reader, 4);
    case 0x44:
      return skipBytes(reader, 8);
    case 0xd0:
      reader.skipSigned(33);
      return true;
    case 0xfc:
      return skipBulk(reader, reader.u32());
    case 0xfd:
      return skipVector(reader, reader.u32());
    case 0xfe:
      return skipAtomic(reader, reader.u32());
    default:
      return false;
  }
}

/** Of a value, or of a block; a reference may have its heap type behind it. */
export function skipType(reader: BinaryReader): void {
  const first = reader.peek();
  if (first === 0x63 || first === 0x64) reader.byte();
  reader.skipSigned(33);
}

/** Saturating conversions, and those of memories and tables as a whole. */
function skipBulk(reader: BinaryReader, code: number): boolean {
  if (code <= 7) return true;
  if (code > 17) return false;
  return skipIndices(reader, [8, 10, 12, 14].includes(code) ? 2 : 1);
}

function skipVector(reader: BinaryReader, code: number): boolean {
  if (code <= 11 || code === 92 || code === 93) return skipMemoryArgument(reader);
  if (code === 12 || code === 13) return skipBytes(reader, 16);
  if (code >= 21 && code <= 34) return skipBytes(reader, 1);
  if (code >= 84 && code <= 91) return skipMemoryArgument(reader) && skipBytes(reader, 1);
  return true;
}

function skipAtomic(reader: BinaryReader, code: number): boolean {
  return code === 3 ? skipBytes(reader, 1) : skipMemoryArgument(reader);
}

/** Whether it names a memory is a bit of the alignment. */
function skipMemoryArgument(reader: BinaryReader): boolean {
  if ((reader.u32() & 0x40) !== 0) reader.u32();
  return skipInteger(reader);
}

function skipIndices(reader: BinaryReader, count: number): boolean {
  for (let left = count; left > 0; left--) reader.u32();
  return true;
}

function skipInteger(reader: BinaryReader): boolean {
  while (reader.byte() >= 0x80);
  return true;
}

function skipBytes(reader: BinaryReader, count: number): boolean {
  reader.part(count);
  return true;
}
