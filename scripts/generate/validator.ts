// generated/validate.ts: straight-line checks, one function for each message.
import type { FieldModel, MessageModel, ProtoModel } from "./proto.ts";
import { identifier } from "./types.ts";

const functionName = (message: string): string => {
  const name = identifier(message);
  return name.charAt(0).toLowerCase() + name.slice(1);
};

function wireType(field: FieldModel): 0 | 1 | 2 | 5 {
  switch (field.kind) {
    case "string":
    case "bytes":
    case "message":
      return 2;
    case "fixed64":
    case "sfixed64":
    case "double":
      return 1;
    case "fixed32":
      return 5;
    default:
      return 0;
  }
}

/** Messages that can contain themselves; only these count how deep they are. */
function recursiveMessages(model: ProtoModel): Set<string> {
  const parts = new Map(
    model.messages.map(({ name, fields }) => [
      name,
      new Set(fields.flatMap(({ kind, type }) => (kind === "message" && type !== undefined ? [type] : []))),
    ]),
  );
  for (let grown = true; grown; ) {
    grown = false;
    for (const reached of parts.values()) {
      for (const part of [...reached]) {
        for (const deeper of parts.get(part) ?? []) {
          if (reached.has(deeper)) continue;
          reached.add(deeper);
          grown = true;
        }
      }
    }
  }
  return new Set([...parts].flatMap(([name, reached]) => (reached.has(name) ? [name] : [])));
}

/** How deep a message stands below its root, at most; recursion is not counted. */
function depths(model: ProtoModel, roots: readonly string[], recursive: ReadonlySet<string>): Map<string, number> {
  const found = new Map<string, number>();
  const visit = (name: string, depth: number): void => {
    if ((found.get(name) ?? -1) >= depth) return;
    found.set(name, depth);
    if (recursive.has(name)) return;
    for (const field of model.messages.find((message) => message.name === name)?.fields ?? [])
      if (field.kind === "message" && field.type !== undefined) visit(field.type, depth + 1);
  };
  for (const root of roots) visit(root, 0);
  return found;
}

const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, "0")}`;

/** What a payload is counted in. Each stands in one place of the tree. */
const ITEMS: ReadonlySet<string> = new Set([
  "Span",
  "LogRecord",
  "NumberDataPoint",
  "HistogramDataPoint",
  "ExponentialHistogramDataPoint",
  "SummaryDataPoint",
]);
/** Of its several kinds of data points, those of the last count. */
const ONE_KIND = "Metric";

/** The code after a tag of `size` bytes has matched. It leaves the position in `p`, beyond `end` when the field is cut off. */
function fieldCode(field: FieldModel, size: number, depth: string, recursive: ReadonlySet<string>): string {
  switch (wireType(field)) {
    case 1:
      return `p += ${size + 8};\ncontinue;\n`;
    case 5:
      return `p += ${size + 4};\ncontinue;\n`;
    case 0:
      return size === 1
        ? `p = b[p + 1]! < 0x80 ? p + 2 : varint(b, p + 1, end);\ncontinue;\n`
        : `p = varint(b, p + ${size}, end);\ncontinue;\n`;
  }
  const read = `p = length(b, p + ${size}, end);\n`;
  if (field.kind !== "message") {
    return size === 1
      ? `n = b[p + 1]!;\nif (n < 0x80) p += n + 2;\nelse {\n${read}p += contentLength;\n}\ncontinue;\n`
      : `${read}p += contentLength;\ncontinue;\n`;
  }
  const type = field.type ?? "";
  const call = `${functionName(type)}(b, p, n${recursive.has(type) ? `, ${depth}` : ""})`;
  const open =
    size === 1
      ? `n = b[p + 1]!;\nif (n < 0x80) {\np += 2;\nn += p;\n} else {\n${read}n = p + contentLength;\n}\n`
      : `${read}n = p + contentLength;\n`;
  const check = `${open}if (n > end || !${call}) return false;\np = n;\n`;
  return field.repeated && type === "KeyValue" && size === 1
    ? `n = attributes(b, p, end, tag);\nif (n > p) {\np = n;\ncontinue;\n}\n${check}continue;\n`
    : `${check}continue;\n`;
}

/**
 * Attributes are most of OTLP: a key of less than 128 bytes and a string, number or boolean, in this order or the other. Runs of that
 * shape are recognised in one go; whatever looks different takes the general way, which decides.
 */
const ATTRIBUTES = `/**
 * Skips the fields with this tag, from \`p\`, that are attributes in their usual form. @returns where the first other field begins
 */
function attributes(b: Uint8Array, p: number, end: number, tag: number): number {
  let at = p;
  // Tag and length of the attribute, of its key and of its value, of the value's content: eight bytes at least.
  while (end - at > 7 && b[at] === tag) {
    const size = b[at + 1]!;
    // Of what stands first, the key or the value.
    const first = b[at + 3]!;
    const next = at + size + 2;
    if ((size | first) > 0x7f || next > end) return at;
    // Where the value's one field begins, and what its tag and length leave.
    let v = at + 4;
    let n = first - 2;
    if (b[at + 2] === 0x0a) {
      v += first;
      n = next - v - 4;
      if (n < 0 || b[v] !== 0x12 || b[v + 1] !== n + 2) return at;
      v += 2;
    } else {
      // The value before the key, as the Collector writes it.
      const key = v + first;
      if (n < 0 || key + 2 > next || b[at + 2] !== 0x12 || b[key] !== 0x0a || b[key + 1] !== next - key - 2) return at;
    }
    switch (b[v]) {
      case 0x0a:
        if (b[v + 1] !== n) return at;
        break;
      case 0x10:
      case 0x18:
        if (b[v + 1]! < 0x80 ? n !== 0 : varint(b, v + 1, end) !== v + 2 + n) return at;
        break;
      case 0x21:
        if (n !== 7) return at;
        break;
      default:
        return at;
    }
    at = next;
  }
  return at;
}
`;

/** Before one of the kinds of data of a metric is read. */
function kindCode({ name }: MessageModel, { kind, repeated }: FieldModel): string {
  return name === ONE_KIND && kind === "message" && !repeated
    ? "if (tag !== kind) {\nif (kind !== 0) items = before;\nkind = tag;\n}\n"
    : "";
}

function messageFunction(
  message: MessageModel,
  place: number,
  depthOf: ReadonlyMap<string, number>,
  recursive: ReadonlySet<string>,
  isRoot: boolean,
): string {
  const isRecursive = recursive.has(message.name);
  const own = isRecursive ? "depth" : String(depthOf.get(message.name) ?? 0);
  const inner = isRecursive ? "depth + 1" : String((depthOf.get(message.name) ?? 0) + 1);
  const cases = new Map<number, string>();
  for (const field of message.fields) {
    const tag = (field.number << 3) | wireType(field);
    const first = tag < 0x80 ? tag : (tag & 0x7f) | 0x80;
    const body =
      tag < 0x80
        ? `if (tag === ${hex(first)}) {\n${kindCode(message, field)}${fieldCode(field, 1, inner, recursive)}}\n`
        : `if (tag === ${hex(first)} && b[p + 1] === ${hex(tag >> 7)}) {\n${fieldCode(field, 2, inner, recursive)}}\n`;
    const slot = first >> 3;
    const packed = field.packed
      ? `if (tag === ${hex((field.number << 3) | 2)}) {\np = packed${{ 0: "Varint", 1: "64", 5: "32", 2: "" }[wireType(field)]}(b, p + 1, end);\ncontinue;\n}\n`
      : "";
    cases.set(slot, `${cases.get(slot) ?? ""}// ${field.name}\n${body}${packed}`);
  }
  const countsOne = message.name === ONE_KIND;
  const branches = [...cases].map(([slot, body]) => `case ${slot}:\n${body}break;\n`).join("");
  const usesLength = branches.includes("n = ");
  return `function ${functionName(message.name)}(b: Uint8Array, start: number, end: number${isRecursive ? ", depth: number" : ""}): boolean {
${isRecursive ? "if (depth > MAX_DEPTH) return false;\n" : ""}${ITEMS.has(message.name) ? "items++;\n" : ""}${countsOne ? "const before = items;\nlet kind = 0;\n" : ""}${isRoot ? "items = 0;\n" : ""}  const last = end - 1;
  let p = start;
${usesLength ? "let n = 0;\n" : ""}  while (p < last) {
    const tag = b[p]!;
    switch (tag >> 3) {
${branches}    }
    p = other(b, p, end, ${place}, ${own});
  }
  return p === end;
}
`;
}

/** @param roots the root message's name for each signal */
export function validatorSource(model: ProtoModel, roots: Readonly<Record<string, string>>): string {
  const recursive = recursiveMessages(model);
  const depthOf = depths(model, Object.values(roots), recursive);
  const functions = model.messages.map((message, place) =>
    messageFunction(message, place, depthOf, recursive, Object.values(roots).includes(message.name)),
  );
  const packedKinds = new Set(
    model.messages.flatMap(({ fields }) => fields.filter(({ packed }) => packed).map(wireType)),
  );
  const entries = Object.entries(roots).map(([signal, name]) => `${signal}: ${functionName(name)}`);
  return `import type { Signal } from "../batch.ts";
import { ${["contentLength", "length", "other", ...(packedKinds.has(5) ? ["packed32"] : []), ...(packedKinds.has(1) ? ["packed64"] : []), ...(packedKinds.has(0) ? ["packedVarint"] : []), "varint"].join(", ")} } from "../scan.ts";
import { MAX_DEPTH } from "../schema.ts";

/**
 * Whether a payload is well-formed at every depth. A field needs at least two bytes, so reading two at \`p < end - 1\` stays inside; a
 * field that is cut off moves \`p\` beyond \`end\`.
 */
export const VALIDATORS: Readonly<Record<Signal, (b: Uint8Array, start: number, end: number) => boolean>> = {
${entries.join(",\n")},
};

let items = 0;

/** Spans, log records or data points of the payload that was well-formed last. Those in fields that \`other\` has walked are not among them. */
export function itemsFound(): number {
  return items;
}

${ATTRIBUTES}
${functions.join("\n")}`;
}
