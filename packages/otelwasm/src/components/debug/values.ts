import type { AnyValue, KeyValue } from "../../telemetry/generated/types.ts";

const NOTHING: AnyValue = {};

export function hex(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.length).toString("hex");
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}

/** A JSON string as Go writes it: line and paragraph separators are escaped. */
function jsonString(text: string): string {
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}

/** JSON with sorted keys; `undefined` where a number is not finite, which JSON cannot say. */
function json(value: AnyValue): string | undefined {
  if (value.stringValue !== undefined) return jsonString(value.stringValue);
  if (value.bytesValue !== undefined) return `"${base64(value.bytesValue)}"`;
  if (value.doubleValue !== undefined && !Number.isFinite(value.doubleValue)) return undefined;
  if (value.arrayValue !== undefined) {
    const elements = value.arrayValue.values.map(json);
    return elements.includes(undefined) ? undefined : `[${elements.join(",")}]`;
  }
  if (value.kvlistValue !== undefined) {
    const entries = new Map(value.kvlistValue.values.map(({ key, value: inner }) => [key, json(inner ?? NOTHING)]));
    if ([...entries.values()].includes(undefined)) return undefined;
    const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${sorted.map(([key, text]) => `${jsonString(key)}:${text}`).join(",")}}`;
  }
  const text = asString(value);
  return text === "" ? "null" : text;
}

/** The value alone; a map or an array that JSON cannot say is empty, as the Collector has it. */
export function asString(value: AnyValue): string {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.boolValue !== undefined) return String(value.boolValue);
  if (value.intValue !== undefined) return String(value.intValue);
  if (value.doubleValue !== undefined) return Object.is(value.doubleValue, -0) ? "-0" : String(value.doubleValue);
  if (value.bytesValue !== undefined) return base64(value.bytesValue);
  if (value.arrayValue !== undefined || value.kvlistValue !== undefined) return json(value) ?? "";
  return "";
}

/** `Str(checkout)` */
export function typed(value: AnyValue | undefined): string {
  return value === undefined ? "Empty()" : `${typeName(value)}(${asString(value)})`;
}

function typeName(value: AnyValue): string {
  if (value.stringValue !== undefined) return "Str";
  if (value.boolValue !== undefined) return "Bool";
  if (value.intValue !== undefined) return "Int";
  if (value.doubleValue !== undefined) return "Double";
  if (value.bytesValue !== undefined) return "Bytes";
  if (value.arrayValue !== undefined) return "Slice";
  return value.kvlistValue === undefined ? "Empty" : "Map";
}

/** `key=value` */
export function pairs(attributes: readonly KeyValue[] = []): string[] {
  return attributes.map(({ key, value }) => `${key}=${asString(value ?? NOTHING)}`);
}

/** @param header with the spaces and the arrow that stand before it; its attributes are indented to match */
export function* attributeLines(header: string, attributes: readonly KeyValue[] | undefined): Generator<string> {
  if (attributes === undefined || attributes.length === 0) return;
  yield `${header}:`;
  const arrow = header.indexOf("->");
  const indent = arrow < 0 ? "" : header.slice(0, arrow);
  for (const { key, value } of attributes) yield `${indent}     -> ${key}: ${typed(value)}`;
}
