/**
 * A limit of how deep a guest's functions may call each other, for engines that have none: written into the module. Each function that can come to call itself counts what its frames take, in a global, and traps beyond
 * the limit.
 */
import { type ModuleInfo, SectionId } from "./binary.ts";
import { BinaryReader } from "./binary-reader.ts";
import { concat, unsigned } from "./binary-rewrite.ts";
import { type CallInstruction, readCalls, skipType } from "./instructions.ts";

export interface DepthLimitedModule {
  readonly binary: Uint8Array;
  /** The name of an exported function that sets what is counted, and returns what it was: `(i32) -> (i32)`. It is above the limit where that ended a call. */
  readonly counter: string;
}

/** A section that the module need not have yet. Their order: https://webassembly.github.io/spec/core/binary/modules.html#binary-module */
const ORDER: readonly number[] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];
const CODE = 10;

/**
 * @param binary a valid module
 * @param limit in bytes, roughly: what the frames of the calls that are under way may take together
 * @returns undefined if nothing in the module can recurse; or if it has what is not known here, which then is not limited
 */
export function limitCallDepth(binary: Uint8Array, info: ModuleInfo, limit: number): DepthLimitedModule | undefined {
  const bodies = readBodies(binary, info);
  if (bodies === undefined) return undefined;
  const imported = info.imports.filter(({ kind }) => kind === "function").length;
  const recursive = findRecursive(bodies, imported);
  if (recursive.size === 0) return undefined;
  const types = readTypes(binary, info);
  if (types === undefined) return undefined;
  const section = (id: number): Vector => readVector(binary, info, id);
  const [typeSection, functionSection, globalSection, exportSection] = [
    section(SectionId.type),
    section(SectionId.function),
    section(SectionId.global),
    section(SectionId.export),
  ];
  const counter = unusedName(info);
  const global = unsigned(globalSection.count + info.imports.filter(({ kind }) => kind === "global").length);
  const blockTypes = new BlockTypes(types);
  const typeOf = readIndices(binary, info);
  const code = bodies.map((body, index) =>
    recursive.has(index)
      ? counting(binary, body, { global, limit, blockType: blockTypes.of(typeOf[index]!) })
      : binary.subarray(body.start, body.end),
  );
  code.push(sized(concat([Uint8Array.of(0, 0x23), global, Uint8Array.of(0x20, 0, 0x24), global, Uint8Array.of(0x0b)])));
  const counterType = blockTypes.add([0x60, 1, 0x7f, 1, 0x7f]);
  const name = new TextEncoder().encode(counter);
  const exported = [unsigned(name.length), name, Uint8Array.of(0), unsigned(imported + bodies.length)];
  const changed = new Map<number, Uint8Array>([
    [SectionId.type, extended(typeSection, blockTypes.added)],
    [SectionId.function, extended(functionSection, [unsigned(counterType)])],
    // A mutable i32, at first 0.
    [SectionId.global, extended(globalSection, [Uint8Array.of(0x7f, 1, 0x41, 0, 0x0b)])],
    [SectionId.export, extended(exportSection, [concat(exported)])],
    [CODE, concat([unsigned(code.length), ...code])],
  ]);
  return { binary: withSections(binary, info, changed), counter };
}

function unusedName(info: ModuleInfo): string {
  let name = "(depth)";
  while (info.exports.some((item) => item.name === name)) name += "'";
  return name;
}

interface Body {
  /** With its size. */
  readonly start: number;
  /** Of its locals. */
  readonly content: number;
  readonly instructions: number;
  readonly end: number;
  readonly locals: number;
  readonly calls: readonly CallInstruction[];
}

function readBodies(binary: Uint8Array, info: ModuleInfo): Body[] | undefined {
  const section = info.sections.find(({ id }) => id === CODE);
  if (section === undefined) return undefined;
  const reader = new BinaryReader(binary, section.content, section.end);
  const bodies: Body[] = [];
  for (let count = reader.count(); count > 0; count--) {
    const start = reader.offset;
    const body = reader.part(reader.u32());
    const content = body.offset;
    let locals = 0;
    for (let groups = body.count(); groups > 0; groups--) {
      locals += body.u32();
      skipType(body);
    }
    const instructions = body.offset;
    const calls: CallInstruction[] = [];
    if (!readCalls(body, (call) => calls.push(call))) return undefined;
    bodies.push({ start, content, instructions, end: body.end, locals, calls });
  }
  return bodies;
}

/** The functions that are in a circle of calls. What is in a table can be any function. Others than these are on the stack once in between, at most. */
function findRecursive(bodies: readonly Body[], imported: number): ReadonlySet<number> {
  // The last node stands for whatever is called through a table.
  const anything = bodies.length;
  const edges = bodies.map(({ calls }) => {
    const targets = new Set<number>();
    for (const call of calls)
      if (call.kind !== "return") {
        if (call.target === undefined) targets.add(anything);
        else if (call.target >= imported) targets.add(call.target - imported);
      }
    return [...targets];
  });
  edges.push(bodies.map((_, index) => index));
  const circles = new Set<number>();
  for (const component of components(edges)) {
    const [only] = component;
    if (component.length > 1 || edges[only!]!.includes(only!)) for (const node of component) circles.add(node);
  }
  // Of these, only such as keep their frame while they call.
  return new Set([...circles].filter((node) => bodies[node]?.calls.some(({ kind }) => kind === "call")));
}

/** Tarjan's strongly connected components, without recursion: modules have chains of calls that are thousands long. */
function components(edges: readonly (readonly number[])[]): number[][] {
  const order = new Int32Array(edges.length).fill(-1);
  const low = new Int32Array(edges.length);
  const onStack = new Uint8Array(edges.length);
  const stack: number[] = [];
  const found: number[][] = [];
  let next = 0;
  for (let root = 0; root < edges.length; root++) {
    if (order[root] !== -1) continue;
    const path = [{ node: root, edge: 0 }];
    while (path.length > 0) {
      const top = path.at(-1)!;
      const { node } = top;
      if (top.edge === 0) {
        order[node] = low[node] = next++;
        stack.push(node);
        onStack[node] = 1;
      }
      const target = edges[node]![top.edge++];
      if (target !== undefined) {
        if (order[target] === -1) path.push({ node: target, edge: 0 });
        else if (onStack[target] === 1) low[node] = Math.min(low[node]!, order[target]!);
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) low[parent.node] = Math.min(low[parent.node]!, low[node]!);
      if (low[node] !== order[node]) continue;
      const component = stack.splice(stack.lastIndexOf(node));
      for (const member of component) onStack[member] = 0;
      found.push(component);
    }
  }
  return found;
}

interface Counting {
  /** The index of what counts, as it is encoded. */
  readonly global: Uint8Array;
  readonly limit: number;
  readonly blockType: Uint8Array;
}

/** No frame counts as more than this part of the limit: a power of two. */
const MAX_SHARE = 6;

/** A frame's own bytes, those of a local, and a part of the body for what the instructions leave on the stack. */
function frameBytes({ locals, start, end }: Body): number {
  return 64 + 16 * locals + ((end - start) >> 2);
}

/**
 * The body as a block, with the count before and after. `return` becomes a branch out of that block; a call in the place of the frame takes the frame's part off before.
 */
function counting(binary: Uint8Array, body: Body, { global, limit, blockType }: Counting): Uint8Array {
  const bytes = signed(Math.min(frameBytes(body), limit >> MAX_SHARE));
  const adjust = (operation: number): Uint8Array =>
    concat([Uint8Array.of(0x23), global, Uint8Array.of(0x41), bytes, Uint8Array.of(operation, 0x24), global]);
  const [add, subtract] = [adjust(0x6a), adjust(0x6b)];
  const parts: Uint8Array[] = [
    binary.subarray(body.content, body.instructions),
    add,
    // global.get, i32.const, i32.gt_s, if, unreachable, end
    concat([
      Uint8Array.of(0x23),
      global,
      Uint8Array.of(0x41),
      signed(limit),
      Uint8Array.of(0x4a, 0x04, 0x40, 0x00, 0x0b),
    ]),
    concat([Uint8Array.of(0x02), blockType]),
  ];
  let offset = body.instructions;
  for (const call of body.calls) {
    if (call.kind === "call") continue;
    parts.push(binary.subarray(offset, call.start));
    offset = call.start;
    if (call.kind === "tailCall") {
      parts.push(subtract);
    } else {
      parts.push(Uint8Array.of(0x0c), unsigned(call.depth));
      offset++;
    }
  }
  // Its own end ends the block.
  parts.push(binary.subarray(offset, body.end), subtract, Uint8Array.of(0x0b));
  return sized(concat(parts));
}

function sized(content: Uint8Array): Uint8Array {
  return concat([unsigned(content.length), content]);
}

/** Signed LEB128. */
function signed(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    const low = rest & 0x7f;
    const last = rest >> 6 === 0 || rest >> 6 === -1;
    bytes.push(last ? low : low | 0x80);
    if (last) return Uint8Array.from(bytes);
  }
}

/** The results of a function type. */
interface Results {
  readonly count: number;
  readonly encoded: Uint8Array;
}

/** Types of blocks that give what a function gives: several results need a type of their own. */
class BlockTypes {
  readonly added: Uint8Array[] = [];
  readonly #types: readonly Results[];
  readonly #several = new Map<string, number>();

  constructor(types: readonly Results[]) {
    this.#types = types;
  }

  of(functionType: number): Uint8Array {
    const { count, encoded } = this.#types[functionType]!;
    if (count === 0) return Uint8Array.of(0x40);
    if (count === 1) return encoded;
    const key = encoded.join();
    let index = this.#several.get(key);
    if (index === undefined) {
      index = this.add([0x60, 0, ...unsigned(count), ...encoded]);
      this.#several.set(key, index);
    }
    return signed(index);
  }

  /** @returns its index */
  add(type: readonly number[]): number {
    return this.#types.length + this.added.push(Uint8Array.from(type)) - 1;
  }
}

/** @returns undefined if there are types that are not those of functions */
function readTypes(binary: Uint8Array, info: ModuleInfo): Results[] | undefined {
  const section = info.sections.find(({ id }) => id === SectionId.type);
  if (section === undefined) return undefined;
  const reader = new BinaryReader(binary, section.content, section.end);
  const types: Results[] = [];
  for (let left = reader.count(); left > 0; left--) {
    if (reader.byte() !== 0x60) return undefined;
    for (let params = reader.count(); params > 0; params--) skipType(reader);
    const count = reader.count();
    const start = reader.offset;
    for (let results = count; results > 0; results--) skipType(reader);
    types.push({ count, encoded: binary.subarray(start, reader.offset) });
  }
  return types;
}

/** The type of each of the module's own functions. */
function readIndices(binary: Uint8Array, info: ModuleInfo): number[] {
  const section = info.sections.find(({ id }) => id === SectionId.function)!;
  const reader = new BinaryReader(binary, section.content, section.end);
  return Array.from({ length: reader.count() }, () => reader.u32());
}

interface Vector {
  readonly count: number;
  readonly elements: Uint8Array;
}

function readVector(binary: Uint8Array, info: ModuleInfo, id: number): Vector {
  const section = info.sections.find((each) => each.id === id);
  if (section === undefined) return { count: 0, elements: new Uint8Array(0) };
  const reader = new BinaryReader(binary, section.content, section.end);
  const count = reader.u32();
  return { count, elements: binary.subarray(reader.offset, section.end) };
}

function extended({ count, elements }: Vector, added: readonly Uint8Array[]): Uint8Array {
  return concat([unsigned(count + added.length), elements, ...added]);
}

/** The module with sections in the place of its own, or in their place if it has none. */
function withSections(binary: Uint8Array, info: ModuleInfo, changed: ReadonlyMap<number, Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = [binary.subarray(0, 8)];
  const left = new Map([...changed].sort(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b)));
  const write = (id: number, content: Uint8Array): void => {
    parts.push(Uint8Array.of(id), sized(content));
    left.delete(id);
  };
  for (const { id, start, end } of info.sections) {
    if (id !== SectionId.custom)
      for (const [other, content] of left) if (ORDER.indexOf(other) < ORDER.indexOf(id)) write(other, content);
    const own = left.get(id);
    if (own === undefined) parts.push(binary.subarray(start, end));
    else write(id, own);
  }
  return concat(parts);
}
