// generated/schema.ts: the field tables.
import type { FieldModel, ProtoModel } from "./proto.ts";

function fieldLiteral(field: FieldModel, messageNames: readonly string[], enumNames: readonly string[]): string {
  const entries: Record<string, unknown> = {
    number: field.number,
    name: field.name,
    jsonName: field.jsonName,
    kind: field.kind,
    ...(field.kind === "message" ? { message: messageNames.indexOf(field.type ?? "") } : {}),
    ...(field.kind === "enum" ? { enum: enumNames.indexOf(field.type ?? "") } : {}),
    ...(field.repeated ? { repeated: true } : {}),
    ...(field.packed ? { packed: true } : {}),
    ...(field.oneof === undefined ? {} : { oneof: field.oneof }),
    ...(field.optional ? { optional: true } : {}),
  };
  const text = Object.entries(entries).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return `{ ${text.join(", ")} }`;
}

/** @param roots the root message's name for each signal */
export function schemaSource(model: ProtoModel, roots: Readonly<Record<string, string>>): string {
  const messageNames = model.messages.map(({ name }) => name);
  const enumNames = model.enums.map(({ name }) => name);
  const messages = model.messages.map(
    ({ name, fields }) =>
      `{ name: ${JSON.stringify(name)}, fields: [\n${fields.map((field) => `${fieldLiteral(field, messageNames, enumNames)},\n`).join("")}] },\n`,
  );
  const enums = model.enums.map(
    ({ name, values }) =>
      `{ name: ${JSON.stringify(name)}, values: [\n${values.map((value) => `${JSON.stringify(value)},\n`).join("")}] },\n`,
  );
  const rootEntries = Object.entries(roots).map(([signal, name]) => `${signal}: ${messageNames.indexOf(name)}`);
  return `import type { Signal } from "../batch.ts";
import type { EnumTable, MessageTable } from "../schema.ts";

/** The root message's place in \`MESSAGES\`. */
export const ROOTS: Readonly<Record<Signal, number>> = { ${rootEntries.join(", ")} };

export const MESSAGES: readonly MessageTable[] = [
${messages.join("")}];

export const ENUMS: readonly EnumTable[] = [
${enums.join("")}];
`;
}
