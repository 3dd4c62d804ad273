import type { Slots, SlotValue } from "./decode.ts";
import type { Field, Message } from "./schema.ts";

/** Negative zero keeps its sign; what JSON cannot say is a string. */
export function doubleText(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? "-0" : String(value);
  return `"${value}"`;
}

function bytesText(field: Field, value: Uint8Array): string {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  return `"${bytes.toString(field.isId ? "hex" : "base64")}"`;
}

function valueText(field: Field, value: SlotValue): string {
  if (field.message !== undefined) return messageText(field.message, Array.isArray(value) ? value : []);
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "bigint":
      return `"${value}"`;
    case "number":
      return field.kind === "double" ? doubleText(value) : String(value);
    case "object":
      return value instanceof Uint8Array ? bytesText(field, value) : "null";
    default:
      return String(value);
  }
}

/** Proto3 leaves out what has no presence of its own and its default value. Negative zero is not the default: its bits are set. */
function isDefault(field: Field, value: SlotValue): boolean {
  if (field.message !== undefined || field.optional || field.oneof !== undefined) return false;
  if (typeof value === "object") return value.length === 0;
  return Object.is(value, 0) || value === 0n || value === "" || value === false;
}

/** The JSON of a decoded message. */
export function messageText(message: Message, slots: Slots): string {
  const members: string[] = [];
  for (let i = 0; i < slots.length; i++) {
    const value = slots[i];
    const field = message.fields[i]!;
    if (value === undefined) continue;
    if (field.repeated) {
      if (Array.isArray(value) && value.length > 0)
        members.push(`${field.jsonKey}[${value.map((element) => valueText(field, element)).join(",")}]`);
    } else if (!isDefault(field, value)) {
      members.push(`${field.jsonKey}${valueText(field, value)}`);
    }
  }
  return `{${members.join(",")}}`;
}
