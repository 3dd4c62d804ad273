import type { Signal } from "./batch.ts";
import { decodeSlots, type Slots, type SlotValue } from "./decode.ts";
import { type Field, type Message, rootOf } from "./schema.ts";

/** Characters that JSON escapes, and lone surrogates, which `JSON.stringify` escapes as well. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what JSON escapes
const NEEDS_ESCAPE = /[\u0000-\u001f"\\\ud800-\udfff]/;

function stringText(value: string): string {
  return NEEDS_ESCAPE.test(value) ? JSON.stringify(value) : `"${value}"`;
}

function doubleText(value: number): string {
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
      return stringText(value);
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

function messageText(message: Message, slots: Slots): string {
  let text = "{";
  for (let i = 0; i < slots.length; i++) {
    const value = slots[i];
    if (value === undefined) continue;
    const field = message.fields[i]!;
    if (field.repeated) {
      if (!Array.isArray(value) || value.length === 0) continue;
      text += `${text.length > 1 ? "," : ""}${field.jsonKey}[`;
      for (let j = 0; j < value.length; j++)
        text += j === 0 ? valueText(field, value[j]) : `,${valueText(field, value[j])}`;
      text += "]";
    } else if (!isDefault(field, value)) {
      text += `${text.length > 1 ? "," : ""}${field.jsonKey}${valueText(field, value)}`;
    }
  }
  return `${text}}`;
}

/**
 * OTLP JSON: lowerCamelCase names, ids in hexadecimal, other bytes in base64, enums as numbers, 64-bit integers as strings, what is
 * not a number or not finite as `"NaN"`, `"Infinity"`, `"-Infinity"`. Fields without presence are left out when they have their
 * default value, and a message is written exactly when it is on the wire (the Collector writes `"resource":{}` and its like
 * always). Unknown fields have no name and are left out; bytes in a string that are not UTF-8 become U+FFFD.
 *
 * https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 *
 * @param bytes well-formed; see `validateOtlp`
 * @returns one line
 * @throws RangeError when the bytes are not well-formed
 */
export function encodeJson(signal: Signal, bytes: Uint8Array): string {
  return messageText(rootOf(signal), decodeSlots(signal, bytes));
}
