// Values of the configuration, encoded once.
import { Json, JsonType } from "@otelwasm/sdk/config/json";
import { parsed, parseDouble, parseInteger } from "@otelwasm/sdk/number";
import { varintSize, writeVarint } from "@otelwasm/sdk/wire/write";
import { fail } from "./reader";
import { Kind } from "./value";

/** The content of an `AnyValue` that lives as long as the plugin. */
export class Constant {
  constructor(
    readonly kind: Kind,
    readonly start: usize,
    readonly end: usize,
  ) {}
}

/** Encodes what YAML had: text, a number, a boolean, a list, a map. */
export function constantOf(json: Json, path: string): Constant {
  const bytes = new Bytes();
  const kind = bytes.value(json, path);
  const start = heap.alloc(bytes.all.length + 1);
  for (let i = 0; i < bytes.all.length; ++i) store<u8>(start + i, bytes.all[i]);
  return new Constant(kind, start, start + bytes.all.length);
}

class Bytes {
  all: Array<u8> = [];

  value(json: Json, path: string): Kind {
    switch (json.type) {
      case JsonType.String:
        this.message(0x0a, utf8(json.text));
        return Kind.STR;
      case JsonType.Bool:
        this.all.push(0x10);
        this.all.push(json.truth ? 1 : 0);
        return Kind.BOOL;
      case JsonType.Number:
        return this.number(json.text, path);
      case JsonType.Array: {
        const items = new Bytes();
        for (let i = 0; i < json.items.length; ++i) {
          const item = new Bytes();
          item.value(json.items[i], path);
          items.message(0x0a, item.all);
        }
        this.message(0x2a, items.all);
        return Kind.ARRAY;
      }
      case JsonType.Object: {
        const entries = new Bytes();
        for (let i = 0; i < json.items.length; ++i) {
          const entry = new Bytes();
          const item = new Bytes();
          item.value(json.items[i], path);
          entry.message(0x0a, utf8(json.keys[i]));
          entry.message(0x12, item.all);
          entries.message(0x0a, entry.all);
        }
        this.message(0x32, entries.all);
        return Kind.MAP;
      }
      default:
        return Kind.EMPTY;
    }
  }

  /** As Go reads YAML: a whole number that fits into 64 bits is an integer, every other one a double. */
  private number(text: string, path: string): Kind {
    const digits = String.UTF8.encode(text);
    const start = changetype<usize>(digits);
    const integer = parseInteger(start, start + digits.byteLength);
    if (parsed) {
      this.all.push(0x18);
      this.varint(integer);
      return Kind.INT;
    }
    const double = parseDouble(start, start + digits.byteLength);
    if (!parsed) fail(path, "is out of range: " + text);
    const bits = reinterpret<u64>(double);
    this.all.push(0x21);
    for (let shift: u64 = 0; shift < 64; shift += 8) this.all.push(<u8>(bits >> shift));
    return Kind.DOUBLE;
  }

  private message(tag: u8, content: Array<u8>): void {
    this.all.push(tag);
    this.varint(content.length);
    for (let i = 0; i < content.length; ++i) this.all.push(content[i]);
  }

  private varint(value: u64): void {
    const buffer = new StaticArray<u8>(10);
    const size = varintSize(value);
    writeVarint(changetype<usize>(buffer), value);
    for (let i: usize = 0; i < size; ++i) this.all.push(buffer[<i32>i]);
  }
}

function utf8(text: string): Array<u8> {
  const encoded = Uint8Array.wrap(String.UTF8.encode(text));
  const bytes: Array<u8> = [];
  for (let i = 0; i < encoded.length; ++i) bytes.push(encoded[i]);
  return bytes;
}
