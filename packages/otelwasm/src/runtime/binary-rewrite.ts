import { type ModuleInfo, SectionId } from "./binary.ts";
import { BinaryReader } from "./binary-reader.ts";
import { WasmError } from "./errors.ts";

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
    const content = [
      unsigned(count + 1),
      existing,
      unsigned(encoded.length),
      encoded,
      Uint8Array.of(0),
      unsigned(start),
    ];
    const size = content.reduce((sum, part) => sum + part.length, 0);
    parts.push(Uint8Array.of(SectionId.export), unsigned(size), ...content);
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

/** The module without its custom sections of one name. */
export function withoutCustomSections(binary: Uint8Array, info: ModuleInfo, name: string): Uint8Array {
  if (!info.customSections.includes(name)) return binary;
  const custom = info.customSections.values();
  const kept = info.sections.filter(({ id }) => id !== SectionId.custom || custom.next().value !== name);
  return concat([binary.subarray(0, 8), ...kept.map(({ start, end }) => binary.subarray(start, end))]);
}

const PAGE = 65536;
const END = 0x0b;
/** Elements of all tables of a module together. What compilers make has thousands; an engine keeps tables where a limit of bytes does not reach. */
const MAX_TABLE_ELEMENTS = 1_000_000;

/**
 * The module with the maxima of its memories lowered so that together they never take more than `limit` bytes: growth beyond fails in the guest, as the
 * specification says (-1). Its tables may grow to a million elements together, likewise. For engines without a limit of their own.
 *
 * @param limit in bytes
 * @throws WasmError `memory_limit` if the module declares more than that to begin with
 */
export function limitMemory(binary: Uint8Array, info: ModuleInfo, limit: number): Uint8Array {
  const patches = [
    ...lowered(binary, info.memoryLimits, limit, MEMORIES),
    ...lowered(binary, tableLimits(binary, info), MAX_TABLE_ELEMENTS, TABLES),
  ];
  return patches.length === 0 ? binary : patched(binary, info, patches);
}

interface Span {
  readonly start: number;
  readonly end: number;
}

interface Kind {
  readonly what: string;
  /** In which the limit counts. */
  readonly unitName: string;
  /** How many of these the limits' numbers count. */
  unit(pageSize: number): number;
  /** The most that a module may declare, in the limits' numbers. https://webassembly.github.io/spec/core/valid/types.html#limits */
  most(bits: 32 | 64, pageSize: number): number;
}

const MEMORIES: Kind = {
  what: "a memory",
  unitName: "bytes",
  unit: (pageSize) => pageSize,
  most: (bits, pageSize) => (pageSize === 1 ? 2 ** bits - 1 : 2 ** bits / pageSize),
};

const TABLES: Kind = { what: "tables", unitName: "elements", unit: () => 1, most: (bits) => 2 ** bits - 1 };

/** What is left of the limit is shared out equally; what one cannot use, as its own maximum is lower, the others have. */
function lowered(binary: Uint8Array, spans: readonly Span[], limit: number, kind: Kind): Patch[] {
  const all = spans.map((span) => {
    const limits = readLimits(new BinaryReader(binary, span.start, span.end), kind);
    return { ...limits, span, room: limits.maximum - limits.minimum };
  });
  const declared = all.reduce((sum, { minimum, unit }) => sum + minimum * unit, 0);
  if (declared > limit)
    throw new WasmError(
      "memory_limit",
      `the module declares ${kind.what} of at least ${declared} ${kind.unitName}, more than the limit of ${limit} ${kind.unitName}`,
    );
  let left = limit - declared;
  let waiting = all.length;
  return all
    .sort((a, b) => a.room * a.unit - b.room * b.unit)
    .flatMap(({ span, minimum, room, unit, flags, minimumBytes, pageSizeBytes }) => {
      const growth = Math.min(room, Math.floor(left / waiting / unit));
      left -= growth * unit;
      waiting--;
      if (growth === room) return [];
      return [{ ...span, bytes: concat([flags, minimumBytes, unsigned(minimum + growth), pageSizeBytes]) }];
    });
}

/** Where the limits of the module's own tables stand. https://webassembly.github.io/spec/core/binary/modules.html#table-section */
function tableLimits(binary: Uint8Array, info: ModuleInfo): Span[] {
  const section = info.sections.find(({ id }) => id === SectionId.table);
  if (section === undefined) return [];
  const reader = new BinaryReader(binary, section.content, section.end);
  const spans: Span[] = [];
  for (let count = reader.count(); count > 0; count--) {
    const initialised = reader.peek() === 0x40;
    if (initialised) reader.part(2);
    skipReferenceType(reader);
    const start = reader.offset;
    skipLimits(reader);
    spans.push({ start, end: reader.offset });
    if (initialised) skipConstantExpression(reader);
  }
  return spans;
}

function skipReferenceType(reader: BinaryReader): void {
  const code = reader.byte();
  if (code !== 0x63 && code !== 0x64) return;
  if (reader.peek() === 0x65) reader.byte(); // shared
  reader.skipSigned(33);
}

function skipLimits(reader: BinaryReader): void {
  const flags = reader.byte();
  for (let numbers = (flags & 1) === 0 ? 1 : 2; numbers > 0; numbers--) {
    if ((flags & 4) === 0) reader.u32();
    else reader.u64();
  }
}

/** How to pass what follows an instruction's code. */
type Operands = (reader: BinaryReader) => unknown;

const none: Operands = () => undefined;
const index: Operands = (reader) => reader.u32();
const bytes =
  (count: number): Operands =>
  (reader) =>
    reader.part(count);

/** By code, and where that is a prefix, with the second below it. https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions */
const CONSTANT_INSTRUCTIONS: ReadonlyMap<number, Operands> = new Map([
  [0x23, index], // global.get
  [0x41, (reader) => reader.skipSigned(32)],
  [0x42, (reader) => reader.skipSigned(64)],
  [0x43, bytes(4)],
  [0x44, bytes(8)],
  ...[0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e].map((code) => [code, none] as const), // add, sub, mul
  [0xd0, (reader) => reader.skipSigned(33)], // ref.null
  [0xd2, index], // ref.func
  ...[0xfb00, 0xfb01, 0xfb06, 0xfb07].map((code) => [code, index] as const), // struct.new, array.new, with values and without
  [0xfb08, (reader) => [reader.u32(), reader.u32()]], // array.new_fixed
  ...[0xfb1a, 0xfb1b, 0xfb1c].map((code) => [code, none] as const), // any.convert_extern, extern.convert_any, ref.i31
  [0xfd0c, bytes(16)], // v128.const
]);
const PREFIXES: readonly number[] = [0xfb, 0xfd];

/** What a table's elements are at first. */
function skipConstantExpression(reader: BinaryReader): void {
  for (let code = reader.byte(); code !== END; code = reader.byte()) {
    const operands = CONSTANT_INSTRUCTIONS.get(PREFIXES.includes(code) ? code * 0x100 + reader.u32() : code);
    if (operands === undefined)
      throw new WasmError("unsupported", `a table's initial value has the instruction 0x${code.toString(16)}`);
    operands(reader);
  }
}

/**
 * The limits of one memory or table, with the bytes that are kept. https://webassembly.github.io/spec/core/binary/types.html#limits
 *
 * @throws WasmError `invalid_module` for limits that are not valid: with a lower maximum they might be
 */
function readLimits(
  reader: BinaryReader,
  kind: Kind,
): {
  readonly minimum: number;
  /** The most that is possible, where none is declared. */
  readonly maximum: number;
  readonly unit: number;
  /** With the bit that says that a maximum follows. */
  readonly flags: Uint8Array;
  readonly minimumBytes: Uint8Array;
  readonly pageSizeBytes: Uint8Array;
} {
  const flags = reader.byte();
  const index64 = (flags & 4) !== 0;
  const read = (): number => (index64 ? reader.u64() : reader.u32());
  const from = reader.offset;
  const minimum = read();
  const minimumBytes = reader.bytes.subarray(from, reader.offset);
  const declared = (flags & 1) === 0 ? undefined : read();
  const pageSizeBytes = reader.bytes.subarray(reader.offset, reader.end);
  const pageSize = (flags & 8) === 0 ? PAGE : 2 ** reader.u32();
  const most = kind.most(index64 ? 64 : 32, pageSize);
  const maximum = declared ?? most;
  if (minimum > maximum || maximum > most)
    reader.fail(`limits from ${minimum} to ${declared ?? "no maximum"}, where ${most} is the most`);
  return { minimum, maximum, unit: kind.unit(pageSize), flags: Uint8Array.of(flags | 1), minimumBytes, pageSizeBytes };
}

interface Patch {
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

/** The sections that hold a patch get their new size; everything else is as it was. */
function patched(binary: Uint8Array, info: ModuleInfo, patches: readonly Patch[]): Uint8Array {
  const parts: Uint8Array[] = [binary.subarray(0, 8)];
  for (const section of info.sections) {
    const inside = patches
      .filter(({ start }) => start >= section.content && start < section.end)
      .sort((a, b) => a.start - b.start);
    if (inside.length === 0) {
      parts.push(binary.subarray(section.start, section.end));
      continue;
    }
    const content: Uint8Array[] = [];
    let offset = section.content;
    for (const { start, end, bytes } of inside) {
      content.push(binary.subarray(offset, start), bytes);
      offset = end;
    }
    content.push(binary.subarray(offset, section.end));
    const size = content.reduce((sum, part) => sum + part.length, 0);
    parts.push(Uint8Array.of(section.id), unsigned(size), ...content);
  }
  return concat(parts);
}

/** Unsigned LEB128. */
export function unsigned(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  // No shifts: the limits of a 64-bit memory are longer than 32 bits.
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
