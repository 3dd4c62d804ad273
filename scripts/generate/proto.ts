// OTLP's messages as data, read from proto/ by reflection: what every generator starts from.
import { globSync } from "node:fs";
import { join } from "node:path";
import protobuf from "protobufjs";

type ScalarKind =
  | "string"
  | "bytes"
  | "bool"
  | "int32"
  | "sint32"
  | "uint32"
  | "int64"
  | "uint64"
  | "fixed32"
  | "fixed64"
  | "sfixed64"
  | "double";

export interface FieldModel {
  readonly number: number;
  /** As in the `.proto` file: `trace_id`. */
  readonly name: string;
  /** `traceId` */
  readonly jsonName: string;
  readonly kind: ScalarKind | "enum" | "message";
  /** The name of the message or enum. */
  readonly type: string | undefined;
  readonly repeated: boolean;
  /** A repeated number, written as one length-delimited run. */
  readonly packed: boolean;
  readonly oneof: string | undefined;
  /** Declared `optional`: presence is kept. */
  readonly optional: boolean;
}

export interface MessageModel {
  /** Without its package: `Span`, `Span.Event`. */
  readonly name: string;
  /** In the order of their numbers. */
  readonly fields: readonly FieldModel[];
}

interface EnumModel {
  readonly name: string;
  readonly values: readonly (readonly [name: string, number: number])[];
}

export interface ProtoModel {
  /** Breadth first from the roots: the order is the same on every machine. */
  readonly messages: readonly MessageModel[];
  readonly enums: readonly EnumModel[];
}

const SCALARS: ReadonlySet<string> = new Set([
  "string",
  "bytes",
  "bool",
  "int32",
  "sint32",
  "uint32",
  "int64",
  "uint64",
  "fixed32",
  "fixed64",
  "sfixed64",
  "double",
] satisfies ScalarKind[]);

const isScalar = (type: string): type is ScalarKind => SCALARS.has(type);

/** All of `proto/`, resolved. Names are kept as they are written. */
export function loadProtoRoot(folder: string): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => join(folder, target);
  root.loadSync(
    globSync("**/*.proto", { cwd: folder })
      .map((file) => file.replaceAll("\\", "/"))
      .sort(),
    { keepCase: true },
  );
  root.resolveAll();
  return root;
}

/** `opentelemetry.proto.trace.v1.Span.Event` as `Span.Event`. */
function shortName(object: protobuf.ReflectionObject): string {
  const names: string[] = [];
  for (let at: protobuf.ReflectionObject | null = object; at !== null; at = at.parent) {
    if (!(at instanceof protobuf.Type) && !(at instanceof protobuf.Enum)) break;
    names.unshift(at.name);
  }
  return names.join(".");
}

function jsonName(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * @param folder the folder that holds `opentelemetry/`
 * @param roots full names of the messages to start from; everything that they can reach is in the model
 * @throws Error when a message uses something that no generator knows (a map, a group, another scalar type)
 */
export function readProtos(folder: string, roots: readonly string[]): ProtoModel {
  const root = loadProtoRoot(folder);
  const messages = new Map<string, MessageModel>();
  const enums = new Map<string, EnumModel>();
  const queue = roots.map((name) => root.lookupType(name));
  for (let type = queue.shift(); type !== undefined; type = queue.shift()) {
    const name = shortName(type);
    if (messages.has(name)) continue;
    const fields: FieldModel[] = [];
    for (const field of [...type.fieldsArray].sort((a, b) => a.id - b.id)) {
      const { resolvedType } = field;
      if (field.map) throw new Error(`${name}.${field.name}: map fields are not supported`);
      const optional = field.options?.proto3_optional === true;
      const common = {
        number: field.id,
        name: field.name,
        jsonName: jsonName(field.name),
        repeated: field.repeated,
        oneof: optional ? undefined : field.partOf?.name,
        optional,
      };
      if (resolvedType instanceof protobuf.Type) {
        fields.push({ ...common, kind: "message", type: shortName(resolvedType), packed: false });
        queue.push(resolvedType);
      } else if (resolvedType instanceof protobuf.Enum) {
        const enumName = shortName(resolvedType);
        fields.push({ ...common, kind: "enum", type: enumName, packed: field.repeated });
        enums.set(enumName, { name: enumName, values: Object.entries(resolvedType.values) });
      } else if (isScalar(field.type)) {
        const packed = field.repeated && field.type !== "string" && field.type !== "bytes";
        fields.push({ ...common, kind: field.type, type: undefined, packed });
      } else {
        throw new Error(`${name}.${field.name}: the type ${field.type} is not supported`);
      }
    }
    // The JSON reader and the tables count on it.
    if (new Set(fields.map(({ oneof }) => oneof)).size > 2) throw new Error(`${name}: more than one oneof`);
    messages.set(name, { name, fields });
  }
  return { messages: [...messages.values()], enums: [...enums.values()] };
}
