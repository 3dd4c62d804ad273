// generated/types.ts: what decoding gives.
import type { FieldModel, ProtoModel } from "./proto.ts";

/** `Span.Event` as `SpanEvent`. */
export const identifier = (name: string): string => name.replaceAll(".", "");

function typeOf(field: FieldModel): string {
  switch (field.kind) {
    case "message":
      return identifier(field.type ?? "");
    case "string":
      return "string";
    case "bytes":
      return "Uint8Array";
    case "bool":
      return "boolean";
    case "int64":
    case "uint64":
    case "fixed64":
    case "sfixed64":
      return "bigint";
    default:
      return "number";
  }
}

export function typesSource(model: ProtoModel): string {
  const interfaces = model.messages.map(({ name, fields }) => {
    const members = fields.map((field) => {
      const type = typeOf(field);
      if (field.repeated) return `  readonly ${field.jsonName}: readonly ${type}[];\n`;
      const maybe = field.kind === "message" || field.optional || field.oneof !== undefined;
      return `  readonly ${field.jsonName}${maybe ? "?" : ""}: ${type};\n`;
    });
    return `export interface ${identifier(name)} {\n${members.join("")}}\n`;
  });
  return `// Decoded messages: scalars that are not on the wire have their default, messages, \`optional\` and \`oneof\` fields are missing.
// Enums are their numbers; bytes are views of the payload.

${interfaces.join("\n")}`;
}
