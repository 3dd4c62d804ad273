/**
 * What a module asks for and offers, read from its bytes: the same for every engine, and more than some of them tell (V8's
 * JavaScript API gives no function types). Sections that are of no interest here are passed unread; the engine validates the module.
 * https://webassembly.github.io/spec/core/binary/modules.html
 */
import { BinaryReader } from "./binary-reader.ts";
import type { ExportType, ExternType, FunctionType, ImportType, MemoryType } from "./contract.ts";
import { WasmError } from "./errors.ts";

export const SectionId = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
} as const;

/** In which sections stand, each once: engines do not all look, and what is read here is what they are to have read. */
const ORDER: readonly number[] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

/** A section's place in the binary: from its id byte to its end, and where its content begins. */
interface Section {
  readonly id: number;
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

export interface ModuleInfo {
  readonly imports: readonly ImportType[];
  readonly exports: readonly ExportType[];
  /** Imported ones first, as their indices count. */
  readonly memories: readonly MemoryType[];
  /** Where the limits of each of `memories` stand in the binary. */
  readonly memoryLimits: readonly { readonly start: number; readonly end: number }[];
  /** Whether it has array types of the garbage collection proposal. */
  readonly arrays: boolean;
  /** The index of the start function. */
  readonly start: number | undefined;
  readonly customSections: readonly string[];
  /** All sections in order, custom ones included. */
  readonly sections: readonly Section[];
}

type Type = FunctionType | undefined;
type ValueTypeName = FunctionType["params"][number];

/** @throws WasmError `invalid_module`; `unsupported` for a component or a type form that is not known */
export function parseModule(binary: Uint8Array): ModuleInfo {
  const reader = new BinaryReader(binary);
  readHeader(reader);
  const types: Type[] = [];
  const functions: number[] = [];
  const memories: MemoryType[] = [];
  const memoryLimits: { start: number; end: number }[] = [];
  const imports: ImportType[] = [];
  const exports: ExportType[] = [];
  const customSections: string[] = [];
  const sections: Section[] = [];
  let start: number | undefined;
  let arrays = false;
  let place = -1;
  const readMemory = (reader: BinaryReader): MemoryType => {
    const begin = reader.offset;
    const type = readLimits(reader);
    memories.push(type);
    memoryLimits.push({ start: begin, end: reader.offset });
    return type;
  };
  const typeOf = (reader: BinaryReader, index: number): FunctionType =>
    types[index] ?? reader.fail(`type ${index} is not a function type,`);

  while (!reader.done) {
    const sectionStart = reader.offset;
    const id = reader.byte();
    const section = reader.part(reader.u32());
    const content = section.offset;
    sections.push({ id, start: sectionStart, content, end: section.end });
    if (ORDER.includes(id)) {
      if (ORDER.indexOf(id) <= place) section.fail(`a section with the number ${id} after number ${ORDER[place]}`);
      place = ORDER.indexOf(id);
    }
    switch (id) {
      case SectionId.custom:
        customSections.push(section.name());
        break;
      case SectionId.type:
        for (let count = section.count(); count > 0; count--)
          readRecursiveTypes(section, types, () => {
            arrays = true;
          });
        break;
      case SectionId.import:
        readImports(section, (module, name, kind) => {
          const functionType = (index: number): FunctionType => {
            functions.push(index);
            return typeOf(section, index);
          };
          imports.push({ module, name, ...readImportedType(section, kind, functionType, readMemory) });
        });
        break;
      case SectionId.function:
        for (let count = section.count(); count > 0; count--) functions.push(section.u32());
        break;
      case SectionId.memory:
        for (let count = section.count(); count > 0; count--) readMemory(section);
        break;
      case SectionId.export:
        for (let count = section.count(); count > 0; count--) {
          const name = section.name();
          const kind = section.byte();
          const index = section.u32();
          exports.push({ name, ...exportedType(section, kind, index) });
        }
        break;
      case SectionId.start:
        start = section.u32();
        break;
    }
  }
  return { imports, exports, memories, memoryLimits, arrays, start, customSections, sections };

  function exportedType(reader: BinaryReader, kind: number, index: number): ExternType {
    switch (kind) {
      case 0: {
        const type = functions[index] ?? reader.fail(`an export names function ${index}, which does not exist,`);
        return { kind: "function", type: typeOf(reader, type) };
      }
      case 2:
        return {
          kind: "memory",
          type: memories[index] ?? reader.fail(`an export names memory ${index}, which does not exist,`),
        };
      default:
        return { kind: otherKind(reader, kind) };
    }
  }
}

function readHeader(reader: BinaryReader): void {
  const { bytes } = reader;
  if (bytes.length < 8 || bytes[0] !== 0x00 || bytes[1] !== 0x61 || bytes[2] !== 0x73 || bytes[3] !== 0x6d)
    throw new WasmError("invalid_module", `it does not begin with "\\0asm" (${bytes.length} bytes)`);
  const version = bytes[4]! | (bytes[5]! << 8);
  const layer = bytes[6]! | (bytes[7]! << 8);
  if (layer === 1 && version !== 0)
    throw new WasmError(
      "unsupported",
      "this is a component, not a core module; build the plugin as a core module (for WASI: preview 1)",
    );
  if (version !== 1 || layer !== 0)
    throw new WasmError("invalid_module", `version ${version} (layer ${layer}) of the binary format is not known`);
  reader.offset = 8;
}

/** An element of the type section: one type, or a group of mutually recursive ones. */
function readRecursiveTypes(reader: BinaryReader, types: Type[], sawArray: () => void): void {
  if (reader.peek() !== 0x4e) {
    types.push(readSubType(reader, sawArray));
    return;
  }
  reader.byte();
  for (let count = reader.count(); count > 0; count--) types.push(readSubType(reader, sawArray));
}

function readSubType(reader: BinaryReader, sawArray: () => void): Type {
  const form = reader.peek();
  if (form === 0x50 || form === 0x4f) {
    reader.byte();
    for (let count = reader.count(); count > 0; count--) reader.u32();
  }
  if (reader.peek() === 0x65) reader.byte(); // shared
  return readCompositeType(reader, sawArray);
}

function readCompositeType(reader: BinaryReader, sawArray: () => void): Type {
  const form = reader.byte();
  switch (form) {
    case 0x60:
      return { params: readValueTypes(reader), results: readValueTypes(reader) };
    case 0x5f:
      for (let count = reader.count(); count > 0; count--) readFieldType(reader);
      return undefined;
    case 0x5e:
      sawArray();
      readFieldType(reader);
      return undefined;
    case 0x5d: // continuation
      reader.skipSigned(33);
      return undefined;
    default:
      return unknown(reader, "type form", form);
  }
}

function readFieldType(reader: BinaryReader): void {
  const packed = reader.peek();
  if (packed === 0x78 || packed === 0x77) reader.byte();
  else readValueType(reader);
  reader.byte(); // mutability
}

function readValueTypes(reader: BinaryReader): ValueTypeName[] {
  const types: ValueTypeName[] = [];
  for (let count = reader.count(); count > 0; count--) types.push(readValueType(reader));
  return types;
}

function readValueType(reader: BinaryReader): ValueTypeName {
  const code = reader.byte();
  switch (code) {
    case 0x7f:
      return "i32";
    case 0x7e:
      return "i64";
    case 0x7d:
      return "f32";
    case 0x7c:
      return "f64";
    case 0x7b:
      return "v128";
    case 0x64:
    case 0x63: // (ref ht), (ref null ht)
      if (reader.peek() === 0x65) reader.byte(); // shared
      reader.skipSigned(33);
      return "ref";
    default:
      // The short forms of nullable references: externref, funcref, and the heap types of later proposals beside them.
      if (code >= 0x68 && code <= 0x75) return "ref";
      return unknown(reader, "value type", code);
  }
}

/** Codes of types are negative integers in one byte: one of these may be of a later version, all else is not of this format. */
function unknown(reader: BinaryReader, what: string, code: number): never {
  const known = `${what} 0x${code.toString(16)} at offset ${reader.offset - 1} is not known`;
  throw new WasmError(code >= 0x40 && code < 0x80 ? "unsupported" : "invalid_module", known);
}

/** The flags of the limits: a maximum (1), shared (2), 64-bit indices (4), a page size of its own (8). */
function readLimits(reader: BinaryReader): MemoryType {
  const flags = reader.byte();
  if (flags > 0x0f) reader.fail(`limits with unknown flags 0x${flags.toString(16)}`);
  const index64 = (flags & 4) !== 0;
  const minimum = index64 ? reader.u64() : reader.u32();
  const maximum = (flags & 1) === 0 ? undefined : index64 ? reader.u64() : reader.u32();
  if ((flags & 8) !== 0) reader.u32();
  const shared = (flags & 2) !== 0;
  return maximum === undefined ? { minimum, shared, index64 } : { minimum, maximum, shared, index64 };
}

function readImports(reader: BinaryReader, each: (module: string, name: string, kind: number) => void): void {
  for (let count = reader.count(); count > 0; count--) {
    const module = reader.name();
    const name = reader.name();
    each(module, name, reader.byte());
  }
}

function readImportedType(
  reader: BinaryReader,
  kind: number,
  functionType: (index: number) => FunctionType,
  memoryType: (reader: BinaryReader) => MemoryType,
): ExternType {
  switch (kind) {
    case 0:
      return { kind: "function", type: functionType(reader.u32()) };
    case 1:
      readValueType(reader);
      readLimits(reader);
      return { kind: "table" };
    case 2:
      return { kind: "memory", type: memoryType(reader) };
    case 3:
      readValueType(reader);
      reader.byte(); // mutability
      return { kind: "global" };
    case 4:
      reader.byte(); // attribute
      reader.u32();
      return { kind: "tag" };
    default:
      return reader.fail(`an import of unknown kind ${kind}`);
  }
}

function otherKind(reader: BinaryReader, kind: number): "table" | "global" | "tag" {
  if (kind === 1) return "table";
  if (kind === 3) return "global";
  if (kind === 4) return "tag";
  return reader.fail(`an export of unknown kind ${kind}`);
}

/** A type as text: `(i32, i32) -> (i32)`. */
export function formatFunctionType(type: FunctionType): string {
  return `(${type.params.join(", ")}) -> (${type.results.join(", ")})`;
}

export function sameFunctionType(a: FunctionType, b: FunctionType): boolean {
  return formatFunctionType(a) === formatFunctionType(b);
}
