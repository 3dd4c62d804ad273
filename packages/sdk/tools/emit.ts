// One generated file: classes with accessors, and enums.
import protobuf from "protobufjs";

/** Names that pdata, which plugin authors know, has for fields. */
const FIELD_NAMES: Record<string, string> = {
  timeUnixNano: "timestamp",
  startTimeUnixNano: "startTimestamp",
  endTimeUnixNano: "endTimestamp",
  observedTimeUnixNano: "observedTimestamp",
  asDouble: "doubleValue",
  asInt: "intValue",
};
const CLASS_NAMES: Record<string, string> = {
  TracesData: "Traces",
  MetricsData: "Metrics",
  LogsData: "Logs",
  "trace.Status": "SpanStatus",
  AnyValue: "Value",
};
/** Written by hand, in assembly/data: they are maps, lists and values to an author, not messages. */
const BY_HAND: Record<string, string> = {
  AnyValue: "data/value",
  KeyValue: "data/attributes",
  ArrayValue: "",
  KeyValueList: "",
};
const FIXED_LISTS: Record<string, string> = { double: "f64", fixed64: "u64", sfixed64: "i64" };

interface Scope {
  /** The .proto file's name. */
  file: string;
  imports: Map<string, Set<string>>;
  enums: string[];
  classes: string[];
}

export function emitFile(file: string, namespace: protobuf.NamespaceBase): string {
  const scope: Scope = { file, imports: new Map(), enums: [], classes: [] };
  emitNested(scope, namespace);
  const imports = [...scope.imports]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, names]) => `import { ${[...names].sort().join(", ")} } from "${path}";\n`);
  return [
    `// Generated from ${file}.proto by \`npm run generate\`: do not edit.\n`,
    imports.join(""),
    ...scope.enums,
    ...scope.classes,
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function emitNested(scope: Scope, namespace: protobuf.NamespaceBase): void {
  for (const nested of namespace.nestedArray) {
    if (nested instanceof protobuf.Enum) scope.enums.push(emitEnum(nested));
    if (!(nested instanceof protobuf.Type) || nested.name in BY_HAND) continue;
    scope.classes.push(emitClass(scope, nested));
    emitNested(scope, nested);
  }
}

function emitEnum(type: protobuf.Enum): string {
  const prefix = `${snake(type.name)}_`;
  const members = Object.entries(type.values).map(([name, value]) => {
    const short = name.startsWith(prefix) ? name.slice(prefix.length) : name;
    return `  ${pascal(short)} = ${value},\n`;
  });
  return `${comment(type.comment, "")}export enum ${type.name} {\n${members.join("")}}\n`;
}

function emitClass(scope: Scope, type: protobuf.Type): string {
  use(scope, "../wire/message", "Message");
  const name = className(type);
  const members: string[] = [];
  if (isBatch(type)) {
    use(scope, "../batch", "newBatch");
    members.push(
      `  /** An empty one. A plugin writes \`new ${name}()\`: the build command makes this of it. */\n  static create(): ${name} {\n    return changetype<${name}>(newBatch());\n  }\n`,
    );
  }
  for (const oneof of type.oneofsArray) if (isReal(oneof)) members.push(emitOneof(scope, type, oneof));
  for (const field of type.fieldsArray) members.push(...emitField(scope, type, field));
  if (isRepeatedSomewhere(type)) {
    use(scope, "../wire/message", "removeMessage", "moveMessage");
    use(scope, "../wire/copy", "copyMessage");
    use(scope, "../data/slice", "Slice");
    members.push(
      `  /** Takes it out of the batch. */\n  remove(): void {\n    removeMessage(this);\n  }\n`,
      `  /** Moves it to the end of another slice. */\n  moveTo(to: Slice<${name}>): void {\n    moveMessage(this, to.owner, to.field);\n  }\n`,
      `  /** Adds a copy to the end of a slice. */\n  copyTo(to: Slice<${name}>): ${name} {\n    return changetype<${name}>(copyMessage(this, to.owner, to.field));\n  }\n`,
    );
  }
  return `${comment(type.comment, "")}@unmanaged\nexport class ${name} extends Message {\n${members.join("\n")}}\n`;
}

/** Whether it is a whole payload: `TracesData` and its like. */
function isBatch(type: protobuf.Type): boolean {
  return /^(?:Traces|Metrics|Logs)Data$/.test(type.name);
}

/** The enum of what a oneof may hold, and the getter for it. */
function emitOneof(scope: Scope, type: protobuf.Type, oneof: protobuf.OneOf): string {
  const name = oneofEnum(type, oneof);
  const bits: [number, number, number] = [0, 0, 0];
  for (const field of oneof.fieldsArray) bits[wireOf(field)] = (bits[wireOf(field)] ?? 0) | (1 << field.id);
  const members = oneof.fieldsArray.map((field) => `  ${pascal(memberName(field))} = ${field.id},\n`);
  scope.enums.push(
    `/** Which member of \`${oneof.name}\` a {@link ${className(type)}} has. */\nexport enum ${name} {\n  Empty = 0,\n${members.join("")}}\n`,
  );
  use(scope, "../wire/fields", "lastOf");
  return `  get ${oneofGetter(oneof)}(): ${name} {\n    return <${name}>lastOf(this, ${bits.join(", ")});\n  }\n`;
}

function emitField(scope: Scope, type: protobuf.Type, field: protobuf.Field): string[] {
  const name = FIELD_NAMES[field.name] ?? field.name;
  const id = field.id;
  const doc = comment(field.comment, "  ");
  const resolved = field.resolvedType;
  if (field.repeated) return [doc + emitRepeated(scope, field, name)];
  const oneof = field.partOf !== null && isReal(field.partOf) ? field.partOf : null;
  const others = `0x${(oneof?.fieldsArray ?? [field]).reduce((bits, each) => bits | (1n << BigInt(each.id)), 0n).toString(16)}`;
  if (resolved instanceof protobuf.Type) {
    const target = className(resolved);
    importType(scope, resolved);
    use(scope, "../wire/fields", "getMessage");
    const members = [
      `${doc}  get ${name}(): ${target} {\n    return changetype<${target}>(getMessage(this, ${id}, ${oneof === null ? 0 : others}));\n  }\n`,
    ];
    if (oneof === null) {
      use(scope, "../wire/fields", "hasMessage");
      members.push(`  get has${pascal(snake(name))}(): bool {\n    return hasMessage(this, ${id});\n  }\n`);
    } else {
      use(scope, "../wire/fields", "setEmptyMessage");
      members.push(
        `  setEmpty${pascal(snake(name))}(): ${target} {\n    return changetype<${target}>(setEmptyMessage(this, ${id}, ${others}));\n  }\n`,
      );
    }
    return members;
  }
  const optional = field.partOf !== null && oneof === null;
  const implicit = oneof === null && !optional;
  const guard =
    oneof === null ? "" : `this.${oneofGetter(oneof)} != ${oneofEnum(type, oneof)}.${pascal(memberName(field))} ? 0 : `;
  const members = emitScalar(scope, field, { name, doc, others, implicit, guard });
  if (optional) {
    use(scope, "../wire/fields", "hasField", "removeFields");
    const wire = wireOf(field);
    members.push(
      `  get has${pascal(snake(name))}(): bool {\n    return hasField(this, ${(id << 3) | wire});\n  }\n`,
      `  remove${pascal(snake(name))}(): void {\n    removeFields(this, ${others}, ${1 << wire});\n  }\n`,
    );
  }
  return members;
}

interface Scalar {
  name: string;
  doc: string;
  /** The fields that setting this one replaces, as bits. */
  others: string;
  /** Whether the default value is written by leaving the field out. */
  implicit: boolean;
  /** Answers the default value when another member of the oneof is set. */
  guard: string;
}

function emitScalar(scope: Scope, field: protobuf.Field, { name, doc, others, implicit, guard }: Scalar): string[] {
  const accessors = (type: string, getter: string, read: string, setter: string, written: string): string[] => {
    use(scope, "../wire/fields", getter, setter);
    return [
      `${doc}  get ${name}(): ${type} {\n    return ${guard}${read};\n  }\n`,
      `  set ${name}(value: ${type}) {\n    ${setter}(this, ${field.id}, ${others}, ${written}, ${implicit});\n  }\n`,
    ];
  };
  const id = field.id;
  const varint = `getVarint(this, ${id})`;
  if (field.resolvedType instanceof protobuf.Enum) {
    const type = field.resolvedType.name;
    return accessors(type, "getVarint", `<${type}>${varint}`, "setVarint", "<i64>value");
  }
  switch (field.type) {
    case "string": {
      use(scope, "../data/bytes", "newUtf8", "Utf8");
      use(scope, "../data/text", "encodeText", "textEnd");
      use(scope, "../wire/fields", "getLength", "setLength", "valueEnd");
      const set = (start: string, size: string): string =>
        `setLength(this, ${id}, ${others}, ${start}, ${size}, ${implicit});`;
      return [
        `${doc}  get ${name}(): string {\n    return this.${name}Utf8.toString();\n  }\n`,
        `  set ${name}(value: string) {\n    const start = encodeText(value);\n    ${set("start", "textEnd - start")}\n  }\n`,
        `  get ${name}Utf8(): Utf8 {\n    const start = getLength(this, ${id});\n    return newUtf8(start, valueEnd);\n  }\n`,
        `  set ${name}Utf8(value: Utf8) {\n    ${set("value.start", "value.end - value.start")}\n  }\n`,
      ];
    }
    case "bytes":
      use(scope, "../data/bytes", "newBytes", "Bytes");
      use(scope, "../wire/fields", "getLength", "setLength", "valueEnd");
      return [
        `${doc}  get ${name}(): Bytes {\n    const start = getLength(this, ${id});\n    return newBytes(start, valueEnd);\n  }\n`,
        `  set ${name}(value: Bytes) {\n    setLength(this, ${id}, ${others}, value.start, value.end - value.start, ${implicit});\n  }\n`,
      ];
    case "bool":
      return accessors("bool", "getVarint", `${varint} != 0`, "setVarint", "value ? 1 : 0");
    case "int32":
      return accessors("i32", "getVarint", `<i32>${varint}`, "setVarint", "<i64>value");
    case "uint32":
      return accessors("u32", "getVarint", `<u32>${varint}`, "setVarint", "value");
    case "sint32":
      use(scope, "../wire/fields", "unzigzag");
      return accessors("i32", "getVarint", `unzigzag(${varint})`, "setVarint", "<u32>((value << 1) ^ (value >> 31))");
    case "fixed64":
      return accessors("u64", "getFixed64", `getFixed64(this, ${id})`, "setFixed64", "value");
    case "sfixed64":
      return accessors("i64", "getFixed64", `<i64>getFixed64(this, ${id})`, "setFixed64", "value");
    case "double":
      return accessors("f64", "getDouble", `getDouble(this, ${id})`, "setFixed64", "reinterpret<u64>(value)");
    case "fixed32":
      return accessors("u32", "getFixed32", `getFixed32(this, ${id})`, "setFixed32", "value");
    default:
      throw new Error(`${field.fullName}: no accessor is known for the type ${field.type}`);
  }
}

function emitRepeated(scope: Scope, field: protobuf.Field, name: string): string {
  const resolved = field.resolvedType;
  const of = (list: string): string =>
    `  get ${name}(): ${list} {\n    return listOf<${list}>(this, ${field.id});\n  }\n`;
  if (resolved instanceof protobuf.Type) {
    if (resolved.name === "KeyValue") {
      use(scope, "../data/attributes", "Attributes", "attributesOf");
      return `  get ${name}(): Attributes {\n    return attributesOf(this, ${field.id});\n  }\n`;
    }
    const list = `Slice<${className(resolved)}>`;
    use(scope, "../data/slice", "Slice", "sliceOf");
    importType(scope, resolved);
    return `  get ${name}(): ${list} {\n    return sliceOf<${list}>(this, ${field.id});\n  }\n`;
  }
  const fixed = FIXED_LISTS[field.type];
  const list = field.type === "string" ? "TextList" : field.type === "uint64" ? "VarintList" : "FixedList";
  if (list === "FixedList" && fixed === undefined)
    throw new Error(`${field.fullName}: no list is known for the type ${field.type}`);
  use(scope, "../data/lists", list, "listOf");
  return of(list === "FixedList" ? `FixedList<${fixed}>` : list);
}

function isRepeatedSomewhere(type: protobuf.Type): boolean {
  const all: protobuf.Field[] = [];
  const collect = (namespace: protobuf.NamespaceBase): void => {
    for (const nested of namespace.nestedArray) {
      if (nested instanceof protobuf.Type) all.push(...nested.fieldsArray);
      if (nested instanceof protobuf.Namespace) collect(nested);
    }
  };
  collect(type.root);
  return all.some((field) => field.repeated && field.resolvedType === type);
}

function className(type: protobuf.Type): string {
  const outer = type.parent;
  const file = outer?.parent?.name ?? "";
  if (outer instanceof protobuf.Type) return className(outer) + type.name;
  return CLASS_NAMES[`${file}.${type.name}`] ?? CLASS_NAMES[type.name] ?? type.name;
}

function oneofEnum(type: protobuf.Type, oneof: protobuf.OneOf): string {
  return `${className(type)}${oneof.name === "data" ? "" : pascal(oneof.name)}Type`;
}

function oneofGetter(oneof: protobuf.OneOf): string {
  return oneof.name === "data" ? "type" : `${oneof.name}Type`;
}

/** `as_int` is `Int` in an enum, as in pdata. */
function memberName(field: protobuf.Field): string {
  return snake(field.name).replace(/^AS_/, "");
}

/** A oneof with one field whose name starts with `_` is how `optional` is represented. */
function isReal(oneof: protobuf.OneOf): boolean {
  return !oneof.name.startsWith("_");
}

function wireOf(field: protobuf.Field): 0 | 1 | 2 {
  if (field.resolvedType instanceof protobuf.Type || field.type === "string" || field.type === "bytes") return 2;
  return field.type === "double" || field.type.endsWith("fixed64") ? 1 : 0;
}

function importType(scope: Scope, type: protobuf.Type): void {
  const byHand = BY_HAND[type.name];
  let outer: protobuf.ReflectionObject = type;
  while (outer.parent instanceof protobuf.Type) outer = outer.parent;
  const file = outer.parent?.parent?.name ?? "";
  if (byHand !== undefined) use(scope, `../${byHand}`, className(type));
  else if (file !== scope.file) use(scope, `./${file}`, className(type));
}

function use(scope: Scope, path: string, ...names: string[]): void {
  const known = scope.imports.get(path) ?? new Set();
  for (const name of names) known.add(name);
  scope.imports.set(path, known);
}

/** The first sentence of what the .proto file says. */
function comment(text: string | null, indent: string): string {
  const sentence = text
    ?.split(/\n\s*\n/)[0]
    ?.replace(/\s+/g, " ")
    .match(/^.*?[.](?=\s|$)/)?.[0];
  return sentence === undefined || sentence.includes("*/") ? "" : `${indent}/** ${sentence} */\n`;
}

function snake(name: string): string {
  return name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase();
}

function pascal(name: string): string {
  return name
    .split("_")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase())
    .join("");
}
