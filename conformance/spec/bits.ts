/**
 * Modules with further exports, by which the contract shows what JavaScript's numbers cannot: for a function one that takes and returns floats as the integers
 * with their bits and vectors as two, for a global one that returns it likewise.
 */
import { type ModuleInfo, parseModule, SectionId } from "../../packages/otelwasm/src/runtime/binary.ts";
import { BinaryReader } from "../../packages/otelwasm/src/runtime/binary-reader.ts";
import type { FunctionType, ValueType } from "../../packages/otelwasm/src/runtime/contract.ts";
import { bitsType } from "./values.ts";

type PlainType = ValueType | "v128";

/** What is to be shown of a module. */
export interface Wanted {
  /** Those that are called, and whether their bits are to be seen where they have no vectors. */
  readonly functions: ReadonlyMap<string, boolean>;
  /** With their types, which the script tells. */
  readonly globals: ReadonlyMap<string, PlainType>;
}

/** The name of the export that shows the bits of the one called `name`. */
export function bitsName(name: string): string {
  return `(bits) ${name}`;
}

const CODE_SECTION = 10;
/** In which they stand: https://webassembly.github.io/spec/core/binary/modules.html#binary-module */
const ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, CODE_SECTION, 11];

const CODES: Readonly<Record<PlainType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };
const CALL = 0x10;
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const GLOBAL_GET = 0x23;
const END = 0x0b;
const SIMD = 0xfd;

/** @returns `undefined` for a module that this cannot be done to: it has groups of recursive types */
export function withBits(binary: Uint8Array, wanted: Wanted): Uint8Array | undefined {
  const info = parseModule(binary);
  const types = vector(binary, info, SectionId.type);
  if (types.count > 0 && info.sections.some(({ id }) => id === SectionId.type) && hasGroups(binary, info))
    return undefined;
  const added = new Adder(
    types.count,
    info.imports.filter(({ kind }) => kind === "function").length + vector(binary, info, SectionId.function).count,
  );
  for (const { name, kind, index } of exportsOf(binary, info)) {
    const exported = info.exports.find((item) => item.name === name);
    if (exported?.kind === "function" && isPlainType(exported.type)) {
      const shown = wanted.functions.get(name);
      if (shown === true || (shown === false && hasVectors(exported.type)))
        added.function(name, exported.type, [CALL, ...u32(index)]);
    }
    const global = wanted.globals.get(name);
    if (kind === 3 && global !== undefined)
      added.function(name, { params: [], results: [global] }, [GLOBAL_GET, ...u32(index)]);
  }
  if (added.bodies.length === 0) return binary;
  return extended(
    binary,
    info,
    new Map([
      [SectionId.type, added.types],
      [SectionId.function, added.functions],
      [SectionId.export, added.exports],
      [CODE_SECTION, added.bodies],
    ]),
  );
}

interface PlainFunctionType {
  readonly params: readonly PlainType[];
  readonly results: readonly PlainType[];
}

function isPlainType(type: FunctionType): type is PlainFunctionType {
  return [...type.params, ...type.results].every((each) => each !== "ref");
}

export function hasVectors({ params, results }: FunctionType): boolean {
  return params.includes("v128") || results.includes("v128");
}

/** Entries for the end of each section that a function needs. */
class Adder {
  readonly types: number[][] = [];
  readonly functions: number[][] = [];
  readonly exports: number[][] = [];
  readonly bodies: number[][] = [];
  readonly #nextType: number;
  readonly #nextFunction: number;

  constructor(nextType: number, nextFunction: number) {
    this.#nextType = nextType;
    this.#nextFunction = nextFunction;
  }

  function(name: string, { params, results }: PlainFunctionType, instruction: readonly number[]): void {
    const typeCodes = (all: readonly PlainType[]): number[] =>
      sized(all.flatMap(bitsType).map((type) => [CODES[type]]));
    const shown = new TextEncoder().encode(bitsName(name));
    this.exports.push([...u32(shown.length), ...shown, 0, ...u32(this.#nextFunction + this.functions.length)]);
    this.functions.push(u32(this.#nextType + this.types.length));
    this.types.push([0x60, ...typeCodes(params), ...typeCodes(results)]);
    const locals = params.flatMap(bitsType).length;
    const body = [
      ...sized(results.map((type) => [1, CODES[type]])),
      ...params.flatMap((type, index) => fromBits(type, params.slice(0, index).flatMap(bitsType).length)),
      ...instruction,
      ...results.flatMap((_, index) => [LOCAL_SET, ...u32(locals + results.length - 1 - index)]),
      ...results.flatMap((type, index) => asBits(type, locals + index)),
      END,
    ];
    this.bodies.push([...u32(body.length), ...body]);
  }
}

/** Pushes a parameter that came as bits. @param local the first that it came in */
function fromBits(type: PlainType, local: number): number[] {
  const get = [LOCAL_GET, ...u32(local)];
  switch (type) {
    case "f32":
      return [...get, 0xbe]; // f32.reinterpret_i32
    case "f64":
      return [...get, 0xbf]; // f64.reinterpret_i64
    case "v128":
      return [...get, SIMD, 0x12, LOCAL_GET, ...u32(local + 1), SIMD, 0x1e, 1]; // i64x2.splat, i64x2.replace_lane 1
    default:
      return get;
  }
}

function asBits(type: PlainType, local: number): number[] {
  const get = [LOCAL_GET, ...u32(local)];
  switch (type) {
    case "f32":
      return [...get, 0xbc]; // i32.reinterpret_f32
    case "f64":
      return [...get, 0xbd]; // i64.reinterpret_f64
    case "v128":
      return [...get, SIMD, 0x1d, 0, ...get, SIMD, 0x1d, 1]; // i64x2.extract_lane 0 and 1
    default:
      return get;
  }
}

function hasGroups(binary: Uint8Array, info: ModuleInfo): boolean {
  const section = info.sections.find(({ id }) => id === SectionId.type)!;
  const reader = new BinaryReader(binary, section.content, section.end);
  for (let count = reader.count(); count > 0; count--) {
    if (reader.byte() !== 0x60) return true;
    for (let lists = 2; lists > 0; lists--)
      for (let types = reader.count(); types > 0; types--) {
        const code = reader.byte();
        if (code === 0x63 || code === 0x64) reader.skipSigned(33);
      }
  }
  return false;
}

/** How many entries a section has, and where they begin; none if the module has no such section. */
function vector(binary: Uint8Array, info: ModuleInfo, id: number): { count: number; entries: Uint8Array } {
  const section = info.sections.find((each) => each.id === id);
  if (section === undefined) return { count: 0, entries: new Uint8Array(0) };
  const reader = new BinaryReader(binary, section.content, section.end);
  const count = reader.u32();
  return { count, entries: binary.subarray(reader.offset, section.end) };
}

function exportsOf(binary: Uint8Array, info: ModuleInfo): { name: string; kind: number; index: number }[] {
  const { count, entries } = vector(binary, info, SectionId.export);
  const reader = new BinaryReader(entries);
  return Array.from({ length: count }, () => ({ name: reader.name(), kind: reader.byte(), index: reader.u32() }));
}

function extended(binary: Uint8Array, info: ModuleInfo, added: ReadonlyMap<number, readonly number[][]>): Uint8Array {
  const parts: Uint8Array[] = [binary.subarray(0, 8)];
  const waiting = new Map([...added].filter(([, entries]) => entries.length > 0));
  const write = (id: number): void => {
    const more = waiting.get(id);
    if (more === undefined) return;
    waiting.delete(id);
    const { count, entries } = vector(binary, info, id);
    const all = [u32(count + more.length), [...entries], ...more].flat();
    parts.push(Uint8Array.of(id, ...u32(all.length)), Uint8Array.from(all));
  };
  for (const { id, start, end } of info.sections) {
    if (id !== 0) for (const earlier of ORDER.slice(0, ORDER.indexOf(id))) write(earlier);
    if (waiting.has(id)) write(id);
    else parts.push(binary.subarray(start, end));
  }
  for (const id of ORDER) write(id);
  return Buffer.concat(parts);
}

/** A vector: the number of its entries, then these. */
function sized(entries: readonly (readonly number[])[]): number[] {
  return [...u32(entries.length), ...entries.flat()];
}

/** Unsigned LEB128. */
function u32(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...u32(value >>> 7)];
}
