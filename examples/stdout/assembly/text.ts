import { type Attributes, type Bytes, type Value, ValueType } from "@otelwasm/sdk";

/** A text in one word: as it is if it is one, else as JSON would write it, so that a line stays one line. */
export function quoted(text: string): string {
  for (let i = 0; i < text.length; ++i) if (!isPlain(text.charCodeAt(i))) return escaped(text);
  return text.length == 0 ? '""' : text;
}

function isPlain(code: i32): bool {
  return code > 0x20 && code != 0x22 && code != 0x3d && code != 0x5c && code != 0x7f;
}

function escaped(text: string): string {
  let out = '"';
  let from = 0;
  for (let i = 0; i < text.length; ++i) {
    const code = text.charCodeAt(i);
    if (code >= 0x20 && code != 0x22 && code != 0x5c && code != 0x7f) continue;
    out += text.substring(from, i) + escape(code);
    from = i + 1;
  }
  return out + text.substring(from) + '"';
}

function escape(code: i32): string {
  if (code == 0x22) return '\\"';
  if (code == 0x5c) return "\\\\";
  if (code == 0x0a) return "\\n";
  if (code == 0x0d) return "\\r";
  if (code == 0x09) return "\\t";
  return "\\u" + code.toString(16).padStart(4, "0");
}

/** `12.5`, and `12` where AssemblyScript writes `12.0`. */
export function number(value: f64): string {
  const text = value.toString();
  return text.endsWith(".0") ? text.substring(0, text.length - 2) : text;
}

/** @param value of any type; arrays and maps are written as JSON writes them, but for the quotes that are not needed */
export function valueText(value: Value): string {
  switch (value.type) {
    case ValueType.Str:
      return quoted(value.str);
    case ValueType.Bool:
      return value.bool ? "true" : "false";
    case ValueType.Int:
      return value.int.toString();
    case ValueType.Double:
      return number(value.double);
    case ValueType.Bytes:
      return "0x" + value.bytes.toHex();
    case ValueType.Slice: {
      const items: string[] = [];
      for (const item of value.slice) items.push(valueText(item));
      return "[" + items.join(",") + "]";
    }
    case ValueType.Map: {
      const entries: string[] = [];
      for (const entry of value.map) entries.push(quoted(entry.key) + ":" + valueText(entry.value));
      return "{" + entries.join(",") + "}";
    }
    default:
      return "null";
  }
}

/** ` key=value` for each of them. */
export function attributesText(attributes: Attributes, wanted: bool): string {
  let text = "";
  if (wanted) for (const entry of attributes) text += " " + quoted(entry.key) + "=" + valueText(entry.value);
  return text;
}

/** ` name=hex`, or nothing if there is no such id. */
export function idText(name: string, id: Bytes): string {
  return id.isEmpty ? "" : " " + name + "=" + id.toHex();
}

/** @param nanoseconds since 1970 */
export function timeText(nanoseconds: u64): string {
  return nanoseconds == 0 ? "-" : new Date(<i64>(nanoseconds / 1_000_000)).toISOString();
}
