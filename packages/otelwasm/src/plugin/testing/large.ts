import { parseModule, SectionId } from "../../runtime/binary.ts";
import { BinaryReader } from "../../runtime/binary-reader.ts";

/** https://webassembly.github.io/spec/core/binary/modules.html#code-section */
const CODE_SECTION = 10;
const FUNCTION_BYTES = 2048;

/**
 * A plugin with so many functions more that its binary has about so many bytes: of the size that toolchains with a runtime of their own make. All of them are
 * different, and none is called.
 */
export function largeGuest(binary: Uint8Array, bytes: number): Uint8Array {
  const functions = Math.ceil((bytes - binary.length) / FUNCTION_BYTES);
  const parts: Uint8Array[] = [binary.subarray(0, 8)];
  let type = 0;
  for (const { id, start, content, end } of parseModule(binary).sections) {
    const reader = new BinaryReader(binary, content, end);
    if (id === SectionId.type) {
      type = reader.u32();
      parts.push(...section(id, type + 1, binary.subarray(reader.offset, end), [Uint8Array.of(0x60, 0, 0)]));
    } else if (id === SectionId.function) {
      const count = reader.u32();
      const declared = Array.from({ length: functions }, () => Uint8Array.of(type));
      parts.push(...section(id, count + functions, binary.subarray(reader.offset, end), declared));
    } else if (id === CODE_SECTION) {
      const count = reader.u32();
      const bodies = Array.from({ length: functions }, (_, index) => body(index));
      parts.push(...section(id, count + functions, binary.subarray(reader.offset, end), bodies));
    } else {
      parts.push(binary.subarray(start, end));
    }
  }
  return new Uint8Array(Buffer.concat(parts));
}

function section(id: number, count: number, existing: Uint8Array, more: readonly Uint8Array[]): Uint8Array[] {
  const contents = [u32(count), existing, ...more];
  return [Uint8Array.of(id), u32(contents.reduce((sum, part) => sum + part.length, 0)), ...contents];
}

/** Adds constants to a local until it is long enough. */
function body(seed: number): Uint8Array {
  const code: number[] = [1, 1, 0x7f];
  for (let n = 0; code.length < FUNCTION_BYTES - 16; n++) code.push(0x20, 0, 0x41, ...s7(seed + n), 0x6a, 0x21, 0);
  code.push(0x0b);
  return Uint8Array.from([...u32(code.length), ...code]);
}

/** A small positive number as a signed LEB128, in three bytes. */
function s7(value: number): number[] {
  return [0x80 | (value & 0x7f), 0x80 | ((value >> 7) & 0x7f), (value >> 14) & 0x3f];
}

function u32(value: number): Uint8Array {
  const bytes: number[] = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>>= 7;
  } while (value > 0);
  return Uint8Array.from(bytes);
}
