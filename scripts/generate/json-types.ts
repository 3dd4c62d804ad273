// generated/json-types.ts: OTLP in its JSON form, for programs that write batches by hand.
import type { FieldModel, ProtoModel } from "./proto.ts";
import { identifier } from "./types.ts";

function typeOf(field: FieldModel): string {
  switch (field.kind) {
    case "message":
      return identifier(field.type ?? "");
    case "string":
    case "bytes":
      return "string";
    case "bool":
      return "boolean";
    case "int64":
    case "uint64":
    case "fixed64":
    case "sfixed64":
      return "Integer64";
    case "double":
      return "Double";
    default:
      return "number";
  }
}

export function jsonTypesSource(model: ProtoModel): string {
  const interfaces = model.messages.map(({ name, fields }) => {
    const members = fields.map((field) => `  ${field.jsonName}?: ${typeOf(field)}${field.repeated ? "[]" : ""};\n`);
    return `export interface ${identifier(name)} {\n${members.join("")}}\n`;
  });
  return `// OTLP as JSON. Every field may be left out. Ids are hexadecimal, other bytes base64; enums are their numbers.

/** Written as a string; a number is read as well. */
export type Integer64 = string | number;
export type Double = number | "NaN" | "Infinity" | "-Infinity";

${interfaces.join("\n")}`;
}
