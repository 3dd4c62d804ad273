/**
 * What a component asks for and offers, read from its bytes; the same for every engine, and without one.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
 */
import { BinaryReader } from "./binary-reader.ts";
import { WasmError } from "./errors.ts";

/** Of the preamble: the first bytes, the version and the layer, as the specification has them while it is not final. */
const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const VERSION = 0x0d;
const COMPONENT_LAYER = 1;

const MODULE_SECTION = 1;
const COMPONENT_SECTION = 4;
const IMPORT_SECTION = 10;
const EXPORT_SECTION = 11;

type ComponentItemKind = "module" | "function" | "value" | "type" | "component" | "instance";

interface ComponentItem {
  readonly name: string;
  readonly kind: ComponentItemKind;
}

interface ComponentInfo {
  readonly imports: readonly ComponentItem[];
  readonly exports: readonly ComponentItem[];
}

/** Whether the bytes say that they are a component; whether it is a valid one is another question. */
export function isComponent(binary: Uint8Array): boolean {
  const layer = binary[6]! | (binary[7]! << 8);
  return binary.length >= 8 && MAGIC.every((byte, at) => binary[at] === byte) && layer === COMPONENT_LAYER;
}

/** Of components in components: what tools make has two or three. */
const MAX_DEPTH = 100;

/** The core modules in it, those of the components in it included. @throws as `parseComponent` */
export function coreModules(binary: Uint8Array, depth = 0): Uint8Array[] {
  if (depth > MAX_DEPTH) throw new WasmError("unsupported", `components are nested more than ${MAX_DEPTH} deep`);
  const found: Uint8Array[] = [];
  eachSection(binary, (id, { offset, end }) => {
    const part = binary.subarray(offset, end);
    if (id === MODULE_SECTION) found.push(part);
    else if (id === COMPONENT_SECTION) found.push(...coreModules(part, depth + 1));
  });
  return found;
}

/** @throws WasmError `invalid_module`; `unsupported` for a version or a form that is not known */
export function parseComponent(binary: Uint8Array): ComponentInfo {
  const imports: ComponentItem[] = [];
  const exports: ComponentItem[] = [];
  eachSection(binary, (id, section) => {
    if (id === IMPORT_SECTION) for (let count = section.count(); count > 0; count--) imports.push(readImport(section));
    if (id === EXPORT_SECTION) for (let count = section.count(); count > 0; count--) exports.push(readExport(section));
  });
  return { imports, exports };
}

function eachSection(binary: Uint8Array, each: (id: number, section: BinaryReader) => void): void {
  if (!isComponent(binary)) throw new WasmError("invalid_module", "it does not begin as a component does");
  const version = binary[4]! | (binary[5]! << 8);
  if (version !== VERSION)
    throw new WasmError("unsupported", `version ${version} of the component model's binary format is not known`);
  const reader = new BinaryReader(binary, 8);
  while (!reader.done) {
    const id = reader.byte();
    each(id, reader.part(reader.u32()));
  }
}

function readImport(reader: BinaryReader): ComponentItem {
  const name = readName(reader);
  return { name, kind: readDescription(reader) };
}

function readName(reader: BinaryReader): string {
  const form = reader.byte();
  if (form > 1) throw unknown(reader, "a name's form", form);
  return reader.name();
}

const KINDS: readonly ComponentItemKind[] = ["module", "function", "value", "type", "component", "instance"];

/** `externdesc` */
function readDescription(reader: BinaryReader): ComponentItemKind {
  const code = reader.byte();
  const kind = KINDS[code];
  switch (kind) {
    case "module":
      if (reader.byte() !== 0x11) reader.fail("a core item that is not a module");
      reader.u32();
      return kind;
    case "type":
      // What it is bound to, or that it is a resource.
      if (reader.byte() === 0) reader.u32();
      return kind;
    case "function":
    case "component":
    case "instance":
      reader.u32();
      return kind;
    default:
      throw unknown(reader, "an item's kind", code);
  }
}

function readExport(reader: BinaryReader): ComponentItem {
  const name = readName(reader);
  const sort = reader.byte();
  const kind = KINDS[sort];
  if (kind === undefined) throw unknown(reader, "an export's sort", sort);
  if (kind === "module" && reader.byte() !== 0x11) reader.fail("an exported core item that is not a module");
  reader.u32();
  if (reader.byte() !== 0) readDescription(reader);
  return { name, kind };
}

function unknown(reader: BinaryReader, what: string, value: number): WasmError {
  return new WasmError("unsupported", `${what}, 0x${value.toString(16)}, is not known at offset ${reader.offset - 1}`);
}
