import { type ModuleInfo, SectionId } from "./binary.ts";
import { BinaryReader } from "./binary-reader.ts";

/**
 * The module with its start function exported as `name` instead of started by the engine. An engine that gives the exports only after
 * instantiation (the JavaScript API) cannot give the memory to a host function that the start function calls; the caller
 * instantiates, takes the memory, and then calls this export: the same order, as start functions run last.
 *
 * @param name must not be exported yet
 */
export function exportStart(binary: Uint8Array, info: ModuleInfo, name: string): Uint8Array {
  if (info.start === undefined) return binary;
  const start = info.start;
  const parts: Uint8Array[] = [binary.subarray(0, 8)];
  let written = false;
  const writeExports = (existing: Uint8Array, count: number): void => {
    const encoded = new TextEncoder().encode(name);
    const content = [u32(count + 1), existing, u32(encoded.length), encoded, Uint8Array.of(0), u32(start)];
    const size = content.reduce((sum, part) => sum + part.length, 0);
    parts.push(Uint8Array.of(SectionId.export), u32(size), ...content);
    written = true;
  };
  for (const section of info.sections) {
    if (section.id === SectionId.export) {
      const reader = new BinaryReader(binary, section.content, section.end);
      const count = reader.u32();
      writeExports(binary.subarray(reader.offset, section.end), count);
    } else if (section.id === SectionId.start) {
      if (!written) writeExports(new Uint8Array(0), 0); // the export section stands right before the start section
    } else {
      parts.push(binary.subarray(section.start, section.end));
    }
  }
  return concat(parts);
}

/** Unsigned LEB128. */
function u32(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return Uint8Array.from(bytes);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
